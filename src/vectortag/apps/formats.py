"""What programs read: taggings as JSON Lines and as CSV, the same from the command line and the page."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import Any, Protocol, TextIO

from vectortag.core.types import FailedTagging, Tagging, TagScore


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
            "path": tagging.path,
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
        self._write({"path": failure.path, "error": error})

    def _write(self, line: dict[str, Any]) -> None:
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")


class CsvWriter:
    """For spreadsheets: a row a tag; a photo without tags has one row with an empty tag."""

    def __init__(self, stream: TextIO) -> None:
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(["path", "tag", "score", "threshold", "model", "precision", "size", "error"])

    def tagged(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        made_by = [tagging.model, tagging.precision, tagging.size, ""]
        for scored in tags:
            self._rows.writerow([tagging.path, *scored.to_json().values(), *made_by])
        if not tags:
            self._rows.writerow([tagging.path, "", "", "", *made_by])

    def failed(self, failure: FailedTagging) -> None:
        self._rows.writerow([failure.path, "", "", "", "", "", "", str(failure.error)])
