"""All paths of a library as one text, a line each: a substring of 100,000 paths is found in a few milliseconds.

Case, accents in one or two characters, and full width make no difference. Letters are compared, never patterns: `%`,
`_` and `*` mean themselves.
"""

from __future__ import annotations

import functools
import re
import sqlite3
import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.file_names import escape_path
from vectortag.core.types import FloatArray
from vectortag.library.photo_table import PhotoTable

_WORD = re.compile(r"[^\W_]+")
_BETWEEN_WORDS = re.compile(r"[^\w/\n ]+")
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in "/\n"}
"""In names, all of ASCII but letters, digits, slashes and line breaks."""

Places = npt.NDArray[np.intp]

PATHS = "SELECT photos.id, root, photos.path FROM photos WHERE gone IS NULL"


@dataclass(frozen=True, eq=False)
class PathText:
    """Attributes:

    paths: a line break, then for each photo of a table the whole path, and a line break.
    names: the same of the words in the names of the photo and of its folders, up to the one that was added.
    """

    paths: str
    names: str

    @classmethod
    def read(cls, database: sqlite3.Connection, table: PhotoTable) -> PathText:
        """Read the paths of the photos of a table, in its order."""
        roots = {
            row: path.replace("\n", " ").rstrip("/") for row, path in database.execute("SELECT id, path FROM roots")
        }
        shorts = {row: path.rpartition("/")[2] for row, path in roots.items()}
        found = {photo: (root, path.replace("\n", " ")) for photo, root, path in database.execute(PATHS)}
        lines = [found[photo] for photo in table.ids.tolist()]
        paths = _folded_lines([f"{roots[root]}/{path}" for root, path in lines])
        names = _folded_lines([f"{shorts[root]}/{path}" for root, path in lines])
        return cls(paths, _words_of(names))

    @functools.cached_property
    def path_ends(self) -> Places:
        """(N,) the line break behind each path."""
        return _line_ends(self.paths)

    @functools.cached_property
    def name_ends(self) -> Places:
        """(N,) the line break behind each line of `names`."""
        return _line_ends(self.names)

    @functools.cached_property
    def last_slashes(self) -> Places:
        """(N,) the last slash of each path; the name of the file is behind it."""
        starts = np.append(0, self.path_ends)[:-1]
        spans = zip(starts.tolist(), self.path_ends.tolist(), strict=True)
        return np.fromiter((self.paths.rfind("/", start, end) for start, end in spans), np.intp, len(starts))

    def with_words(self, text: str) -> FloatArray:
        """1 for photos where these words stand side by side in one name of its path: -> (N,)."""
        words = _WORD.findall(folded(text))
        return _marked(_places(f" {' '.join(words)} " if words else "", self.names), self.name_ends)

    def with_path(self, text: str) -> FloatArray:
        """1 for photos whose path has this from the beginning of one of its names on: -> (N,).

        A text that begins with "/" is compared with the beginning of the path.
        """
        anchor = "\n" if text.startswith("/") else "/"
        return _marked(_places(anchor + _needle(text), self.paths), self.path_ends)

    def with_file_name(self, text: str) -> FloatArray:
        """1 for photos that have this in the name of their file: -> (N,)."""
        places = _places(_needle(text), self.paths)
        lines = np.searchsorted(self.path_ends, places, side="right")
        return _marked(places[places > self.last_slashes[lines]], self.path_ends)


def _needle(text: str) -> str:
    return folded(escape_path(text)).replace("\n", " ")


def _places(wanted: str, text: str) -> Places:
    """Where a text has a substring: (M,), rising. Of places that overlap, the first."""
    parts = text.split(wanted) if wanted else []
    lengths = np.fromiter(map(len, parts[:-1]), np.intp, max(len(parts) - 1, 0))
    return np.cumsum(lengths) + len(wanted) * np.arange(len(lengths))


def _marked(places: Places, ends: Places) -> FloatArray:
    """1 for the lines that have one of the places: -> (N,). A line begins at the break before it."""
    found = np.zeros(len(ends), np.float32)
    found[np.searchsorted(ends, places, side="right")] = 1
    return found


def folded(text: str) -> str:
    """The form in which paths are compared; as `vectortag.core.text.normalise`, but blanks stay as they are.

    >>> folded("Cafe\\u0301  STRASSE") == folded("CAFÉ  straße")
    True
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _folded_lines(lines: list[str]) -> str:
    """A line break, then each line in the form in which paths are compared, and a line break."""
    joined = "\n".join(lines)
    whole = joined.lower() if joined.isascii() else "\n".join(map(folded, lines))
    return f"\n{whole}\n" if lines else "\n"


def _words_of(lines: str) -> str:
    """The words of each line with one blank around each; a slash is a word."""
    plain = lines.translate(_BLANKS)
    plain = plain if plain.isascii() else _BETWEEN_WORDS.sub(" ", plain)
    spaced = plain.replace("/", " / ").replace("\n", " \n ")
    while "  " in spaced:
        spaced = spaced.replace("  ", " ")
    return spaced.strip(" ")


def _line_ends(text: str) -> Places:
    lengths = np.fromiter(map(len, text.split("\n")[1:-1]), np.intp)
    return np.cumsum(lengths + 1, dtype=np.intp)
