"""Escapes foreign text (tag names, file names, model cards): it must not control a terminal or become Markdown."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069]")
_CONTROL_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069]")
"""Control characters, and those that change the direction of text. The second keeps tabs and line ends."""

_MARKDOWN = re.compile(
    r"[\\`*{}\[\]<>#~$|]|(?<![^\W_])_|_(?![^\W_])"  # inside a word, _ means nothing
    r"|:(?=\S)|@(?=\w)|&(?=#?\w+;)|(?<=www)\.(?=\S)"  # addresses, `:red[...]`, entities
    r"|^[-+=](?=[\s=-]|$)",  # lists, headings
    re.IGNORECASE,
)


def printable(text: str, *, lines: bool = False) -> str:
    r"""Replace control characters with escapes; `lines` keeps tabs and line ends.

    A name with ESC in it could change what a terminal shows or does. The escapes are those of JSON.

    >>> print(printable("\x1b[2Jcat"))
    \u001b[2Jcat
    """
    return (_CONTROL_IN_LINES if lines else _CONTROL).sub(lambda found: rf"\u{ord(found[0]):04x}", text)


def escape_markdown(text: str) -> str:
    r"""Escape the text for a Markdown document, so that it is shown as it is: no markup, no link, no picture.

    >>> print(escape_markdown("![x](http://a.b) <b>_5_</b>"))
    !\[x\](http\://a.b) \<b\>\_5\_\</b\>
    """
    escaped = _MARKDOWN.sub(r"\\\g<0>", printable(text))
    return re.sub(r"^(\d+)(?=[.)](?:\s|$))", r"\1\\", escaped)  # numbered lists


def code_span(text: str) -> str:
    """The text in Markdown's backticks.

    >>> code_span("a`b")
    '``a`b``'
    """
    plain = printable(text)
    ticks = "`" * (max(map(len, re.findall("`+", plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{ticks}{space}{plain}{space}{ticks}"
