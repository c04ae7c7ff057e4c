"""Lines of text on the page as they are, such as a query with its error, or the changes of a file."""

from __future__ import annotations

from html import escape

import streamlit as st

_KINDS = {"+": "added", "-": "removed"}


def text_block(text: str, label: str, *, diff: bool = False) -> None:
    """Show lines in a block that scrolls, and that the keyboard reaches, so that it can be scrolled by keyboard.

    Args:
        text: the lines.
        label: what they are, for screen readers.
        diff: colour lines that begin with + or -.
    """
    lines = (_coloured(line) for line in text.split("\n")) if diff else (escape(line) for line in text.split("\n"))
    st.html(
        f'<pre class="text-block" tabindex="0" role="region" aria-label="{escape(label)}">{"<br>".join(lines)}</pre>'
    )


def _coloured(line: str) -> str:
    kind = _KINDS.get(line[:1])
    return f'<span class="{kind}">{escape(line)}</span>' if kind else escape(line)
