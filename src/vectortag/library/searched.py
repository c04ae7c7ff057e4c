"""What a search of a library needs in memory: read once, and again only after the database has changed."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vectortag.core.errors import WordsError
from vectortag.core.types import FloatArray
from vectortag.library.lexicon import Lexicon
from vectortag.library.path_text import PathText
from vectortag.library.photo_table import PhotoTable
from vectortag.library.tag_scores import TagScores
from vectortag.library.used_model import UsedModel
from vectortag.library.vectors import VectorMap, open_vectors
from vectortag.model.words.similarity import Words
from vectortag.personal.from_words import knows_words


@dataclass(eq=False)
class Searched:
    """A library at one moment.

    Args:
        database, file: of the library.
        model: whose tags and likenesses are searched; None: it has analysed no photo.
        offline: whether photos count whose folder is not there now.
        renames, hidden: the tags that the library calls otherwise, and those that it does not use.
    """

    database: sqlite3.Connection
    file: Path
    model: UsedModel | None
    offline: bool = False
    renames: Mapping[str, str] = field(default_factory=dict)
    hidden: Iterable[str] = ()

    @functools.cached_property
    def table(self) -> PhotoTable:
        """The photos."""
        return PhotoTable.read(self.database, offline=self.offline)

    @functools.cached_property
    def paths(self) -> PathText:
        """Their paths."""
        return PathText.read(self.database, self.table)

    @functools.cached_property
    def lexicon(self) -> Lexicon:
        """The names that mean something."""
        return Lexicon.read(self.database, self.model, renames=self.renames, hidden=self.hidden)

    @functools.cached_property
    def tag_scores(self) -> TagScores:
        """The scores of tags."""
        return TagScores(self.database, self.model, self.table)

    @functools.cached_property
    def embeddings(self) -> Vectors:
        """What `near:` compares."""
        return Vectors(self.table, self._map(words=None))

    @functools.cached_property
    def words(self) -> Words:
        """What the model knows of words.

        Raises:
            WordsError: it knows none, or its folder is gone.
        """
        if self.model is None or self.model.folder is None:
            name = f'the model "{self.model.name}" is not here' if self.model else "no model has looked at the photos"
            raise WordsError(f"a sentence cannot be searched: {name}. Run: vectortag library update")
        return knows_words(self.model.folder)

    @functools.cached_property
    def directions(self) -> Vectors:
        """What a sentence is compared with; WordsError as `words`."""
        return Vectors(self.table, self._map(words=self.words))

    def _map(self, words: Words | None) -> VectorMap:
        if self.model is None:
            return VectorMap.empty()
        directions = None if words is None else lambda embeddings: words.views(embeddings).directions
        return open_vectors(
            self.database, self.file, model=self.model.row, digest=self.model.digest, directions=directions
        )


class Vectors:
    """The vectors of a table's photos."""

    def __init__(self, table: PhotoTable, vectors: VectorMap) -> None:
        self._table, self._map = table, vectors
        self._rows, known = vectors.rows_of(table.keys)
        self.known = table.spread(known.astype("float32")) > 0
        """(N,): which photos have a vector."""

    def cosines(self, query: FloatArray) -> FloatArray:
        """The cosine of each photo with a query (D,) of length 1: -> (N,); any number where it has no vector."""
        cosines = self._map.cosines(query)
        return self._table.spread(cosines[self._rows] if len(cosines) else np.zeros(len(self._rows), np.float32))
