"""What programs read: taggings as JSON Lines and as CSV, the same from the command line and the page."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import Any, Protocol, TextIO

from vectortag.core.file_names import escape_path
from vectortag.core.types import FailedTagging, Tagging, TagScore


def to_json(value: Any, stream: TextIO, *, indent: int | None = None) -> str:
    """Plain values as JSON; a stream that is not Unicode gets ASCII, with JSON's own escapes."""
    is_unicode = (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    return json.dumps(value, ensure_ascii=not is_unicode, indent=indent)


def name_in(tagging: Tagging) -> str | None:
    """The path of a photo as every output writes it; None where it came from memory."""
    return None if tagging.path is None else escape_path(tagging.path)


class Writer(Protocol):
    """One output form."""

    def tagged(self, tagging: Tagging, tags: Sequence[TagScore]) -> None: ...

    def failed(self, failure: FailedTagging) -> None: ...


class JsonLinesWriter:
    """For programs: an object a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def tagged(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        line: dict[str, Any] = {
            "path": name_in(tagging),
            "model": tagging.model,
            "runtime": tagging.runtime,
            "precision": tagging.precision,
            "size": tagging.size,
            "tags": [scored.to_json() for scored in tags],
        }
        if tagging.implied:
            line["implied"] = list(tagging.implied)
        self._write(line)

    def failed(self, failure: FailedTagging) -> None:
        error = {"type": type(failure.error).__name__, "message": str(failure.error)}
        self._write({"path": escape_path(failure.path), "error": error})

    def _write(self, line: dict[str, Any]) -> None:
        self._stream.write(to_json(line, self._stream) + "\n")


class CsvWriter:
    """For spreadsheets: a row a tag; a photo without tags has one row with an empty tag."""

    def __init__(self, stream: TextIO) -> None:
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(["path", "tag", "score", "threshold", "model", "precision", "size", "error"])

    def tagged(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        made_by = [tagging.model, tagging.precision, tagging.size, ""]
        for scored in tags:
            self._rows.writerow([name_in(tagging), *scored.to_json().values(), *made_by])
        if not tags:
            self._rows.writerow([name_in(tagging), "", "", "", *made_by])

    def failed(self, failure: FailedTagging) -> None:
        self._rows.writerow([escape_path(failure.path), "", "", "", "", "", "", str(failure.error)])
