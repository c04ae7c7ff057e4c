"""What a search of a library needs in memory: read once, and again only after the database has changed."""

from __future__ import annotations

import functools
import json
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import ModelFolderError, WordsError
from vectortag.core.text import normalise
from vectortag.core.types import FloatArray
from vectortag.library.lexicon import Lexicon
from vectortag.library.library_encoder import UsedEncoder
from vectortag.library.path_text import PathText
from vectortag.library.photo_table import PhotoTable, Rows
from vectortag.library.sentences import EncoderSentences, ModelSentences, SentenceReader
from vectortag.library.tag_scores import TagScores
from vectortag.library.used_model import UsedModel
from vectortag.library.vector_pairs import have_near
from vectortag.library.vectors import VectorMap, open_vectors
from vectortag.model.encoder import Encoder
from vectortag.model.language import Language
from vectortag.model.words.similarity import Words
from vectortag.personal.from_words import knows_words

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Searched:
    """A library at one moment.

    Args:
        database, file: of the library.
        model: whose tags and likenesses are searched; None: it has analysed no photo.
        encoder: a person's own, which reads sentences; None: the model does.
        offline: whether photos count whose folder is not there now.
        language: whose names of tags are understood and shown.
        renames, hidden: the tags that the library calls otherwise, and those that it does not use.
    """

    database: sqlite3.Connection
    file: Path
    model: UsedModel | None
    offline: bool = False
    encoder: UsedEncoder | None = None
    language: Language = field(default_factory=Language)
    renames: Mapping[str, str] = field(default_factory=dict)
    hidden: Iterable[str] = ()
    kept: dict[str, Any] = field(default_factory=dict)
    """What the last searches found, by query: for a later page of one. Another module keeps it here."""

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
        return Lexicon.read(self.database, self.model, renames=self.renames, hidden=self.hidden, language=self.language)

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
            name = f'the model "{self.model.name}" is not installed' if self.model else "no photo has been tagged yet"
            raise WordsError(f"a sentence cannot be searched: {name}. Run: vectortag library update")
        return knows_words(self.model.folder)

    @functools.cached_property
    def sentences(self) -> SentenceReader:
        """What reads sentences: the encoder if its folder is as it was, else the model; WordsError as `words`."""
        if self.encoder is not None:
            try:
                encoder = Encoder.read(self.encoder.path)
                if encoder.digest == self.encoder.digest:
                    return EncoderSentences(encoder)
                problem = "it is another one now. Run: vectortag library update"
            except ModelFolderError as error:
                problem = str(error)
            log.warning("the model reads the sentence, since the encoder cannot: %s", problem)
        return ModelSentences(self.words, self.model.name if self.model else "")

    @functools.cached_property
    def sentence_vectors(self) -> Vectors:
        """What `sentences` is compared with."""
        if self.encoder is None or not isinstance(self.sentences, EncoderSentences):
            return self.directions
        found = open_vectors(self.database, self.file, model=self.encoder.row, digest=self.encoder.digest)
        return Vectors(self.table, found)

    @functools.cached_property
    def directions(self) -> Vectors:
        """What a sentence is compared with; WordsError as `words`."""
        return Vectors(self.table, self._map(words=self.words))

    def shown(self, tag: str) -> FloatArray:
        """(N,): the score of a tag where it is shown, else 0."""
        return self.table.spread(self.tag_scores.shown(self.lexicon.tag(tag)))

    def _map(self, words: Words | None) -> VectorMap:
        if self.model is None:
            return VectorMap.empty()
        directions = None if words is None else lambda embeddings: words.views(embeddings).directions
        return open_vectors(
            self.database, self.file, model=self.model.row, digest=self.model.digest, directions=directions
        )


@dataclass(eq=False)
class SearchCache:
    """Keeps what a search needs until the database changes, by this process or another."""

    database: sqlite3.Connection
    file: Path
    _kept: dict[tuple[int | None, bool, str], Searched] = field(default_factory=dict)
    _state: tuple[int, int] = (0, 0)

    def searched(self, *, model_row: int | None, offline: bool, language: Language | None = None) -> Searched:
        """The library as it is now.

        Args:
            model_row: whose scores are searched, a row of `models`.
            offline, language: as in `Searched`; without a language, that of the library's lists.
        """
        (version,) = self.database.execute("PRAGMA data_version").fetchone()  # changes when another process writes
        state = (version, self.database.total_changes)
        if state != self._state:
            self._kept, self._state = {}, state
        key = (model_row, offline, language.code if language else "")
        if key not in self._kept:
            settings = {
                key: json.loads(value) for key, value in self.database.execute("SELECT key, value FROM settings")
            }
            model = UsedModel.read(self.database, model_row, found_by=settings.get("model")) if model_row else None
            self._kept[key] = Searched(
                self.database,
                self.file,
                model,
                offline=offline,
                encoder=_encoder(self.database, settings),
                language=language or Language.load(settings.get("language")),
                renames=settings.get("renames") or {},
                hidden=_hidden(model.tags if model else (), settings),
            )
        return self._kept[key]


def _encoder(database: sqlite3.Connection, settings: Mapping[str, Any]) -> UsedEncoder | None:
    row, path = settings.get("encoder_row"), settings.get("encoder")
    return None if row is None or path is None else UsedEncoder.read(database, row, path)


def _hidden(tags: Sequence[str], settings: Mapping[str, Any]) -> list[str]:
    """The tags that a library does not use, by its settings `only` and `not`."""
    unwanted = {normalise(tag) for tag in settings.get("not") or ()}
    only = settings.get("only")
    wanted = None if only is None else {normalise(tag) for tag in only}
    return [tag for tag in tags if normalise(tag) in unwanted or (wanted is not None and normalise(tag) not in wanted)]


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

    def of_rows(self, rows: Rows) -> VectorMap:
        """The vectors of some photos, rows of the table; each must have one."""
        return self._map.rows(self._map_rows(rows))

    def have_near(self, rows: Rows, least: float) -> npt.NDArray[np.bool_]:
        """Which of some photos have another one among them with a cosine of at least `least`: (M,) -> (M,)."""
        return have_near(self._map, self._map_rows(rows), least)

    def _map_rows(self, rows: Rows) -> Rows:
        return self._rows[self._table.contents[rows]]
