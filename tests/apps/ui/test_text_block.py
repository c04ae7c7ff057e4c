"""Lines of text on the page as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def shown(need_module: Callable[[str], Any]) -> Callable[..., str]:
    """shown("a"): the HTML of these lines."""
    testing = need_module("streamlit.testing.v1")

    def script(text: str, diff: bool) -> None:
        from vectortag.apps.ui.text_block import text_block

        text_block(text, "The <changes>", diff=diff)

    def show(text: str, *, diff: bool = False) -> str:
        at = testing.AppTest.from_function(script, args=(text, diff)).run()
        assert not at.exception
        return str(at.get("html")[0].proto.body)

    return show


def test_the_keyboard_reaches_it_and_a_screen_reader_names_it(shown):
    assert '<pre class="text-block" tabindex="0" role="region" aria-label="The &lt;changes&gt;">' in shown("a")


@pytest.mark.parametrize("diff", [False, True])
def test_no_line_becomes_markup_and_blanks_stay(shown, diff: bool):
    assert ">dog and (<br>        ^<br>&lt;b&gt; &amp;amp;</pre>" in shown("dog and (\n        ^\n<b> &amp;", diff=diff)


def test_changes_are_coloured(shown):
    html = shown("+ new\n- old\n  same", diff=True)

    assert '<span class="added">+ new</span><br><span class="removed">- old</span><br>  same' in html
