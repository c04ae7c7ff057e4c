"""Model cards and reports of strangers, as an independent Markdown parser sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vectortag.apps.ui.documents import as_text, harmless, lower_headings

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
LIVE = {"image", "link_open", "html_inline", "html_block"}


def kinds(markdown: str) -> set[str]:
    tokens = PARSER.parse(markdown)
    return {token.type for token in tokens} | {inner.type for token in tokens for inner in token.children or ()}


@pytest.mark.parametrize(
    "text",
    [
        "![](http://evil.example/x.png)",
        "![x][y]\n\n[y]: http://evil.example",
        "[y]\n\n[y]: http://evil.example",
        "<img src=http://evil.example>",
        "<http://evil.example>",
        "text <b>x</b>",
        "<script>\nalert(1)\n</script>",
        "\\\\![](http://evil.example/x.png)",
        "`\\`![](http://evil.example/x.png)`",
        "```\n`\n``\n![](http://evil.example/x.png)",
        "    code\n![](http://evil.example/x.png)",
        "| a |\n| --- |\n| ![](http://evil.example/x.png) |",
        "![a](a.png)",
    ],
)
def test_no_picture_no_link_no_html(text):
    assert LIVE & kinds(text) or text.startswith(("`", "\\"))

    assert not LIVE & kinds(harmless(text))


@given(st.text("![](<>)a:/.`\\\n *|-~", max_size=60))
def test_in_any_document(text):
    assert not LIVE & kinds(harmless(text))


def test_the_rest_stays():
    text = "# Head\n\n| a | b |\n| --- | ---: |\n| 1 | **2** |\n\n- one: two\n\n```text\n0.1  ██\n```\n"

    assert harmless(text) == text
    assert harmless(r"already \[escaped\] \<b\> \:x") == r"already \[escaped\] \<b\> \:x"
    assert harmless("[per_tag.csv](per_tag.csv)") == "per_tag.csv"
    for directive in (":red[x]", ":dog:", "$x$", "http://x", "www.x.y"):
        assert directive not in harmless(directive)


@pytest.mark.parametrize(
    "name",
    [":dog:", ":material/home:", ":+1:", ":-1:", "http://evil.example", "HTTPS://x.y", "www.evil.example", "a@b.c"],
)
def test_a_name_does_not_become_an_emoji_or_a_link(name):
    """Streamlit looks for them after the escapes are gone."""
    text = "".join(token.content for token in PARSER.parseInline(as_text(name))[0].children)

    assert name not in text
    assert text.replace("\N{WORD JOINER}", "") == name


def test_headings_stand_below_the_pages_own():
    assert lower_headings("# A\n\n## B\n\ntext # no\n#hash") == "## A\n\n### B\n\ntext # no\n#hash"
