"""Which photos of a library would teach a tag most, and what a person's answers about it bring.

Every third photo with an answer is held back: it is chosen by its content, so it is the same one each time. What is
learned from the others is judged on those. `vectortag refresh` learns from all of them afterwards.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vectortag.core.numerics import logit
from vectortag.core.types import FloatArray
from vectortag.inference.active_learning import most_useful
from vectortag.inference.refresh import refit_of
from vectortag.inference.scorer import Scorer
from vectortag.inference.tagger import Tagger
from vectortag.library.library_sidecars import require_row
from vectortag.library.one_photo import photo_of
from vectortag.library.packing import unpack_embeddings
from vectortag.library.query import Node, Scored
from vectortag.library.schema import explained
from vectortag.model.calibration import Profile
from vectortag.model.registry import find_model_folder
from vectortag.personal.added_tags import NO_ADDITIONS

POOL = 20
"""Photos near the threshold that are compared, for each one that is asked for."""

HELD_BACK = 3
"""One of so many answers is held back."""

TAGS = "SELECT tags FROM models WHERE id = ?"
NEAR = """
SELECT min(photos.id), score, embedding FROM shown JOIN analyses USING (content, model) JOIN photos USING (content)
JOIN roots ON roots.id = root
WHERE shown.model = ? AND shown.tag = ? AND gone IS NULL AND roots.state = 'online'
AND NOT EXISTS (SELECT 1 FROM decisions WHERE decisions.content = shown.content AND decisions.tag = ?)
GROUP BY content
"""
EMBEDDING = """
SELECT embedding FROM analyses JOIN photos USING (content) WHERE photos.id = ? AND model = ?
AND NOT EXISTS (SELECT 1 FROM decisions WHERE decisions.content = photos.content AND decisions.tag = ?)
"""
ANSWERS = """
SELECT content, verdict = 'accepted', embedding FROM decisions JOIN analyses USING (content)
WHERE tag = ? AND model = ? ORDER BY content
"""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the answers about a tag bring.

    Attributes:
        learnt: photos with an answer that was learned from.
        held_back: others, on which both are judged.
        before, after: on how many of those the tag is shown rightly or rightly not, without what was learned, and with.
    """

    learnt: int
    held_back: int
    before: int
    after: int


class Teaching:
    """The part of the class Library that is about teaching its model a tag."""

    file: Path
    database: sqlite3.Connection

    if TYPE_CHECKING:  # Library has these

        def setting(self, key: str, default: Any = None) -> Any: ...

        @property
        def model_row(self) -> int | None: ...

        def rows(self, query: str | Node | None = None, *, offline: bool = False) -> list[int]: ...

    def questions(self, tagger: Tagger, tag: str, *, count: int) -> list[int]:
        """The rows of photos whose answer would teach a tag most: near its threshold, and different from each other.

        Photos with an answer are left out.

        Args:
            tagger: of the library's model.
            count: the number of photos, at most.

        Raises:
            LibraryError: the library has no tags yet.
            UnknownTagError: the model does not have the tag.
        """
        row, index = require_row(self.model_row), tagger.place(tag)
        with explained(self.file):
            pool = self._near_threshold(row, tagger, index, count * POOL)
            if len(pool) < count:  # a tag that hardly any photo shows: those with its highest scores
                best = self.rows(Scored(tagger.tags[index], ">=", 0.0))
                pool |= self._embeddings(row, tagger.tags[index], best, count * POOL - len(pool))
        by_path = {}
        for photo, embedding in pool.items():
            known = photo_of(self.database, photo)
            if known is not None:
                by_path[known.path] = photo, embedding
        vectors = unpack_embeddings([packed for _, packed in by_path.values()]) if by_path else ()
        asked = most_useful(tagger, tag, dict(zip(by_path, vectors, strict=True)), count=count)
        return [by_path[one.photo][0] for one in asked]

    def _near_threshold(self, row: int, tagger: Tagger, index: int, most: int) -> dict[int, bytes]:
        """By photo, the embeddings of those whose score is nearest to the threshold."""
        tag, threshold = tagger.tags[index], float(tagger.thresholds[index])
        tags = json.loads(self.database.execute(TAGS, (row,)).fetchone()[0])
        if tag not in tags:
            return {}
        found = self.database.execute(NEAR, (row, tags.index(tag), tag)).fetchall()
        scores = np.array([one[1] for one in found], np.float64)
        middle = 0.5 if np.isnan(threshold) else threshold
        nearest = np.argsort(np.abs(logit(scores) - logit(np.float64(middle))), kind="stable")[:most].tolist()
        return {found[at][0]: found[at][2] for at in nearest}

    def _embeddings(self, row: int, tag: str, photos: Iterable[int], most: int) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for photo in photos:
            if len(found) >= most:
                break
            embedding = self.database.execute(EMBEDDING, (photo, row, tag)).fetchone()
            if embedding is not None:
                found[photo] = embedding[0]
        return found

    def lesson(self, tag: str) -> Lesson | None:
        """Learn a tag from a person's answers about photos, and judge that on those that are held back.

        Nothing is stored. None: there are too few answers, or it is an added tag or one without a score of its own.

        Raises:
            LibraryError: the library has no tags yet.
            UnknownModelError: its model is not here.
        """
        row, folder = require_row(self.model_row), find_model_folder(self.setting("model"))
        if tag not in folder.manifest.tags or folder.background is None:
            return None
        with explained(self.file):
            found = self.database.execute(ANSWERS, (tag, row)).fetchall()
        held = np.array([content[0] % HELD_BACK == 0 for content, _, _ in found], bool)
        if held.all() or not held.any():
            return None
        has = np.array([bool(said) for _, said, _ in found])
        embeddings = unpack_embeddings([packed for _, _, packed in found])  # (A, K)
        profile: Profile = self.setting("profile", "balanced")
        size = folder.manifest.point_for(profile).size
        plain = Scorer.of(folder, size, profile, NO_ADDITIONS, ())
        learnt = refit_of(plain, folder.background, tag, embeddings[~held], has[~held])
        if learnt is None:
            return None
        taught = Scorer.of(folder, size, profile, NO_ADDITIONS, [learnt])
        before, after = (_right(scorer, tag, embeddings[held], has[held]) for scorer in (plain, taught))
        return Lesson(int((~held).sum()), int(held.sum()), before, after)


def _right(scorer: Scorer, tag: str, embeddings: FloatArray, has: np.ndarray) -> int:
    shown = scorer.shown(scorer.scores(embeddings))[:, scorer.index(tag)]
    return int((shown == has).sum())
