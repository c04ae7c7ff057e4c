"""All paths of a library as one text, a line each: a substring of 100,000 paths is found in a few milliseconds.

Case, accents in one or two characters, and full width make no difference. Letters are compared, never patterns: `%`,
`_` and `*` mean themselves.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from vectortag.core.file_names import escape_path
from vectortag.core.types import FloatArray
from vectortag.library.photo_table import PhotoTable

_BETWEEN_WORDS = re.compile(r"(?:[^\w/\n]|_)+")
_WORD = re.compile(r"[^\W_]+")

PATHS = "SELECT photos.id, root, photos.path FROM photos WHERE gone IS NULL"


@dataclass(frozen=True, eq=False)
class PathText:
    """Attributes:

    paths: a line break, then for each photo of a table the whole path, and a line break.
    names: the same of the words in the names of the photo and of its folders, up to the one that was added.
    path_ends, name_ends: (N,) where the lines end.
    """

    paths: str
    names: str
    path_ends: list[int]
    name_ends: list[int]

    @classmethod
    def read(cls, database: sqlite3.Connection, table: PhotoTable) -> PathText:
        """Read the paths of the photos of a table, in its order."""
        roots = {row: folded(path).replace("\n", " ") for row, path in database.execute("SELECT id, path FROM roots")}
        shorts = {row: path.rstrip("/").rpartition("/")[2] for row, path in roots.items()}
        found = {photo: (root, path.replace("\n", " ")) for photo, root, path in database.execute(PATHS)}
        lines = [(root, folded(path)) for root, path in map(found.__getitem__, table.ids.tolist())]
        paths = [f"{roots[root].rstrip('/')}/{path}" for root, path in lines]
        names = "\n".join(f"{shorts[root]}/{path}" for root, path in lines)
        words = (
            [f" {line} " for line in _BETWEEN_WORDS.sub(" ", names).replace("/", " / ").split("\n")] if lines else []
        )
        return cls(_joined(paths), _joined(words), _ends(paths), _ends(words))

    def with_words(self, text: str) -> FloatArray:
        """1 for photos where these words stand side by side in one name of its path: -> (N,)."""
        words = _WORD.findall(folded(text))
        return _lines_with(f" {' '.join(words)} ", self.names, self.name_ends) if words else self._none()

    def with_path(self, text: str) -> FloatArray:
        """1 for photos whose path has this from the beginning of one of its names on: -> (N,).

        A text that begins with "/" is compared with the beginning of the path.
        """
        anchor = "\n" if text.startswith("/") else "/"
        return _lines_with(anchor + folded(escape_path(text)).replace("\n", " "), self.paths, self.path_ends)

    def with_file_name(self, text: str) -> FloatArray:
        """1 for photos that have this in the name of their file: -> (N,)."""
        return _lines_with(folded(escape_path(text)).replace("\n", " "), self.paths, self.path_ends, last_name=True)

    def _none(self) -> FloatArray:
        return np.zeros(len(self.path_ends), np.float32)


def _lines_with(wanted: str, text: str, ends: list[int], *, last_name: bool = False) -> FloatArray:
    """1 for the lines that have a substring: -> (N,).

    Args:
        ends: (N,) where each line ends.
        last_name: only behind the last "/" of a line.
    """
    found = np.zeros(len(ends), np.float32)
    place = text.find(wanted)
    while place >= 0 and (line := bisect_right(ends, place)) < len(ends):
        slash = text.rfind("/", place, ends[line]) if last_name else -1
        if slash < 0:
            found[line] = 1
        place = text.find(wanted, ends[line] if slash < 0 else slash + 1)
    return found


def folded(text: str) -> str:
    """The form in which paths are compared; as `vectortag.core.text.normalise`, but blanks stay as they are.

    >>> folded("Cafe\\u0301  STRASSE") == folded("CAFÉ  straße")
    True
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _joined(lines: list[str]) -> str:
    return "\n" + "".join(f"{line}\n" for line in lines)


def _ends(lines: list[str]) -> list[int]:
    """The place of the line break behind each line. What is found in a line may begin at the one before it."""
    return list(itertools.accumulate(len(line) + 1 for line in lines))
