"""Labels that look wrong, as a table for programs and as a page to look through."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from vectortag.assembly.label_errors import Doubt
from vectortag.core.file_names import escape_path
from vectortag.core.text import CsvLines
from vectortag.data.records import Record
from vectortag.inference.found_page import ShownPhoto, write_page

COLUMNS = ("photo", "tag", "has", "score")

ON_PAGE = 500
"""Labels of a page, the most doubtful ones: their pictures, of 20 kB each, are inside it."""


def doubts_csv(doubts: Sequence[Doubt], tags: Sequence[str], records: Sequence[Record]) -> bytes:
    """A row for each doubted label, the most doubtful first; `has` is what the label says, "yes" or "no"."""
    text = io.StringIO()
    writer = csv.writer(CsvLines(text))
    writer.writerow(COLUMNS)
    for one in doubts:
        has = "yes" if one.has else "no"
        writer.writerow([escape_path(records[one.row].path), tags[one.tag], has, f"{one.score:.4f}"])
    return text.getvalue().encode()


def doubts_page(doubts: Sequence[Doubt], tags: Sequence[str], records: Sequence[Record], *, labels: int) -> bytes:
    """An HTML page with a picture for each of the most doubtful labels. It loads nothing and runs nothing.

    Args:
        labels: how many were judged.
    """
    first = f", the first {ON_PAGE:,} of them" if len(doubts) > ON_PAGE else ""
    title = f"{len(doubts):,} of {labels:,} labels look wrong{first}"
    text = io.StringIO()
    shown = (ShownPhoto(records[one.row].photo, _caption(one, tags, records)) for one in doubts[:ON_PAGE])
    write_page(text, title, shown)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _caption(one: Doubt, tags: Sequence[str], records: Sequence[Record]) -> str:
    said = "labelled" if one.has else "not labelled"
    return f"{said} {tags[one.tag]}, score {one.score:.2f}: {escape_path(records[one.row].path)}"
