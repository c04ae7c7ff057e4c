"""Text that people wrote: the form in which words are compared, and what a name may hold."""

from __future__ import annotations

import re
import unicodedata
from typing import Protocol

LONGEST_NAME = 200
"""Characters of a tag's name. 40 characters of Chinese or of emoji are far below it, a caption is above it."""

_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0f\ufeff]")
"""Characters that only steer how text is laid out. The joiners U+200C and U+200D stay: emoji and Persian need them."""
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FINAL_SIGMA = re.compile(r"(?<=\w)σ(?!\w)")


def normalise(word: str) -> str:
    """The form in which words are compared: case folded, one form of each character, single blanks.

    One word in NFC and NFD, with ligatures or in full width is one word (NFKC of Unicode).

    >>> normalise("  Golden   Gate "), normalise("Cafe\\u0301"), normalise("ﬁsh"), normalise("Straße")
    ('golden gate', 'café', 'fish', 'strasse')
    """
    if word.isascii() and word.isprintable():
        return " ".join(word.lower().split())
    folded = unicodedata.normalize("NFKC", word).casefold()
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", folded))
    return " ".join(_FINAL_SIGMA.sub("ς", plain).split())


def has_control_characters(text: str) -> bool:
    """Whether text holds what no name may: control characters, line ends, turns of direction, half characters.

    >>> has_control_characters("sea"), has_control_characters("sea\\x1b[31m")
    (False, True)
    """
    return _FORBIDDEN.search(text) is not None


def composed(text: str) -> str:
    """Text with an accent and its letter as one character (NFC), as file names are compared."""
    return unicodedata.normalize("NFC", text)


class SupportsWrite(Protocol):
    """A stream of text."""

    def write(self, text: str, /) -> object:
        """Write some text."""


class CsvLines:
    """A stream for `csv.writer`: rows end in a line feed. A field with a carriage return is quoted all the same.

    With `lineterminator="\\n"`, Pythons before 3.13 leave such a field bare, and readers take it for two rows.

    >>> import csv, io
    >>> stream = io.StringIO()
    >>> csv.writer(CsvLines(stream)).writerow(["a\\rb", "c"]), stream.getvalue()
    (8, '"a\\rb",c\\n')
    """

    def __init__(self, stream: SupportsWrite) -> None:
        self._stream = stream

    def write(self, row: str) -> int:
        """Write one row, which ends in CR LF."""
        text = row.removesuffix("\r\n") + "\n"
        self._stream.write(text)
        return len(text)
