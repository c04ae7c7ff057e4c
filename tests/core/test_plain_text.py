"""Names and texts of others, as an independent Markdown parser and a terminal see them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vectortag.core.plain_text import code_span, escape_markdown, printable

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NASTY = (
    *("![x](http://evil.example/x.png)", "<b>bold</b>", "<img src=x onerror=alert(1)>", "[a](http://b)", "**bold**"),
    *("`code`", "http://evil.example", "www.evil.example", "a@b.example", "&lt;b&gt;", ":red[x]", "$x$", "a\\*b"),
    *(
        "# heading",
        "- item",
        "+ item",
        "1. one",
        "12) two",
        "a|b",
        "~~gone~~",
        "---",
        "===",
        "> quote",
        "t-shirt",
        "_a_",
        "é_a_é _x_",
    ),
    *("two\nlines", "\x1b[2J"),
)


def shown(markdown: str) -> str:
    """The text of a document that is one paragraph of text and nothing else."""
    opening, inline, closing = PARSER.parse(markdown)
    assert (opening.type, closing.type) == ("paragraph_open", "paragraph_close")
    assert {token.type for token in inline.children} <= {"text", "text_special"}, inline.children
    return "".join(token.content for token in inline.children)


@pytest.mark.parametrize("text", NASTY)
def test_a_name_is_shown_as_it_is(text):
    assert shown(escape_markdown(text)) == printable(text)


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text == text.strip() != ""))
def test_any_name_is_shown_as_it_is(text):
    assert shown(escape_markdown(text)) == printable(text)


@given(st.text("ab`\\[<!", min_size=1).filter(str.strip))
def test_a_code_span_holds_any_text(text):
    opening, inline, _ = PARSER.parse(code_span(text))
    assert opening.type == "paragraph_open"
    (token,) = inline.children
    assert (token.type, token.content.strip()) == ("code_inline", text.strip())


@pytest.mark.parametrize("text", ["http://x", "www.x.y", ":red[x]", "$x$", "a@b.c"])
def test_what_other_parsers_know_is_broken_up(text):
    """Streamlit knows directives and formulas, GitHub knows bare addresses."""
    escaped = escape_markdown(text)

    assert text not in escaped


def test_plain_words_stay_as_they_are():
    for text in (
        "cat",
        "t-shirt",
        "our boat",
        "Paris, France",
        "née",
        "海",
        "5 o'clock",
        "R&B",
        "no: 7",
        "0.1.0",
        "-18",
        "+1",
    ):
        assert escape_markdown(text) == text


class TestPrintable:
    @pytest.mark.parametrize("code", [*range(0x20), 0x7F, 0x9B, 0x85, 0x2028, 0x202E, 0x2066, 0x61C])
    def test_control_characters_are_escaped_as_json_does(self, code):
        assert printable(f"a{chr(code)}b") == rf"a\u{code:04x}b"
        assert json.loads(f'"{printable(chr(code))}"') == chr(code)

    def test_lines_may_be(self):
        assert printable("a\n\tb\x1b\r", lines=True) == "a\n\tb" + r"\u001b\u000d"

    def test_letters_and_emoji_stay(self):
        for text in ("é", "👩‍👩‍👧", "عربي", "e\N{COMBINING ACUTE ACCENT}", "\N{NO-BREAK SPACE}"):
            assert printable(text) == text
