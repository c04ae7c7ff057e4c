"""Texts of others for the page, which understands Markdown: names as they are, documents without what could harm."""

from __future__ import annotations

import re

from vectortag.core.plain_text import escape_markdown

_REPLACED = re.compile(r":(?=[\w+/-]+:|//)|www(?=\.)|@(?=\w)", re.IGNORECASE)
"""Where something starts that Streamlit makes an emoji, an icon or a link, even if it is escaped."""

_FILE_LINK = re.compile(r"(?<!!)\[([\w. -]+)\]\([\w.-]+\)")
_LIVE = re.compile(
    r"\\[!-/:-@\[-`{-~]"  # already escaped
    r"|([\[\]<$]|:(?=[^\s|:-]|-[^\s|:-])|@(?=\w)|&(?=#?\w+;)|(?<=www)\.(?=\S))",
    re.IGNORECASE,
)


def as_text(name: str) -> str:
    r"""A name, such as a tag or a file name, for a Markdown text of the page: it is shown as it is.

    >>> print(as_text("a_b*.jpg"))
    a_b\*.jpg
    """
    return escape_markdown(_broken_up(name))


def _broken_up(text: str) -> str:
    return _REPLACED.sub("\\g<0>\N{WORD JOINER}", text)


def harmless(markdown: str) -> str:
    r"""The document with headings, tables and emphasis, but without pictures, links, HTML and Streamlit's directives.

    A picture in a stranger's model card would make the browser ask the stranger's server.

    >>> print(harmless("# A **b** ![](a.png) [c.csv](c.csv)"))
    # A **b** !\[\](a.png) c.csv
    """
    without_links = _FILE_LINK.sub(r"\1", _broken_up(markdown))
    return _LIVE.sub(lambda found: found[0] if found[1] is None else f"\\{found[1]}", without_links)


def lower_headings(markdown: str) -> str:
    """The document with its headings one level lower, to stand below the page's own title.

    >>> lower_headings("# One")
    '## One'
    """
    return re.sub(r"^#(?=#* )", "##", markdown, flags=re.MULTILINE)
