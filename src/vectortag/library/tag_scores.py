"""The score of a tag for every content of a library: the model's, and over it what a person decided.

A decision on the tag itself is final. Else, who accepts "dog" accepts "animal", and who rejects "animal" rejects "dog".
A photo whose tag a person renamed has the new name, too.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from vectortag.core.text import normalise
from vectortag.core.types import FloatArray
from vectortag.library.lexicon import Meaning
from vectortag.library.library_model import floors_of
from vectortag.library.packing import SCORE_STEPS, codes_of_tag
from vectortag.library.photo_table import PhotoTable, keys_of
from vectortag.library.query import Comparison
from vectortag.library.used_model import UsedModel

SMALLEST = np.float32(1e-6)
"""What a score of 0 counts where it was asked for: 0 would be "not found"."""

SHOWN = "SELECT content, score FROM shown WHERE model = ? AND tag = ? AND score >= ?"
CODES = "SELECT content, codes FROM analyses WHERE model = ?"
DECISIONS = "SELECT content, tag, verdict = 'accepted', renamed_to FROM decisions"

COMPARE = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}

Verdicts = dict[bytes, bool]


class TagScores:
    """The scores of one model for the photos of a table.

    Args:
        model: None: only a person's decisions count.
    """

    def __init__(self, database: sqlite3.Connection, model: UsedModel | None, table: PhotoTable) -> None:
        self._database, self._model, self._table = database, model, table
        self._decisions: dict[str, Verdicts] = defaultdict(dict)
        for content, tag, accepted, new_name in database.execute(DECISIONS):
            self._decisions[normalise(tag)].setdefault(content, bool(accepted))
            if new_name:
                self._decisions[normalise(new_name)][content] = True

    def shown(self, meaning: Meaning) -> FloatArray:
        """The score where the tag is shown, from its threshold on or by a person's decision: -> (U,), else 0."""
        scores = np.zeros(len(self._table.keys), np.float32)
        if (model := self._model) is not None and meaning.tag is not None:
            for tag in model.showing(meaning.tag):
                threshold = model.thresholds[tag]
                if threshold is not None:
                    scores = np.maximum(scores, self._model_scores(model, tag, threshold))
        return self._decided(scores, meaning)

    def compared(self, meaning: Meaning, comparison: Comparison, number: float) -> FloatArray:
        """The score where it compares so with a number: -> (U,), 0 elsewhere and where there is no score."""
        scores = np.zeros(len(self._table.keys), np.float32)
        known = scores.astype(bool)
        if (model := self._model) is not None and meaning.tag is not None:
            scores = self._model_scores(model, meaning.tag, 0)
            floor = float(floors_of(np.array([model.thresholds[meaning.tag]], np.float32))[0])
            known = scores > 0
            if number < floor or comparison in {"<", "<="}:
                low, known = self._low_scores(model, meaning.tag)
                scores = np.where(scores > 0, scores, low)
        decided = self._decided(np.full_like(scores, np.nan), meaning)
        scores, known = np.where(np.isnan(decided), scores, decided), known | ~np.isnan(decided)
        right = known & COMPARE[comparison](scores, np.float32(number))
        return np.where(right, np.maximum(scores, SMALLEST), np.float32(0))

    def _model_scores(self, model: UsedModel, tag: int, least: float) -> FloatArray:
        """(U,): the scores in `shown` from `least` on; 0 elsewhere."""
        rows = self._database.execute(SHOWN, (model.row, tag, least)).fetchall()
        return self._table.of_contents([row[0] for row in rows], [row[1] for row in rows])

    def _low_scores(self, model: UsedModel, tag: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Scores (U,) in steps of 1/255, and which contents were analysed at all, (U,)."""
        rows = self._database.execute(CODES, (model.row,)).fetchall()
        places, known = self._table.places_of(keys_of([row[0] for row in rows]))
        codes = np.array(codes_of_tag([row[1] for row in rows], tag), np.float32)
        scores = np.zeros(len(self._table.keys), np.float32)
        scores[places[known]] = codes[known] / np.float32(SCORE_STEPS)
        analysed = np.zeros(len(scores), bool)
        analysed[places[known]] = True
        return scores, analysed

    def _decided(self, scores: FloatArray, meaning: Meaning) -> FloatArray:
        """The scores with a person's decisions over them: accepted is 1, rejected 0."""
        if not self._decisions or meaning.decided is None:
            return scores
        verdicts: Verdicts = {}
        if (model := self._model) is not None and meaning.tag is not None:
            for tag in model.ancestors(meaning.tag):
                verdicts |= {content: False for content, yes in self._of(model, tag).items() if not yes}
            for tag in model.descendants.get(meaning.tag, ()):
                verdicts |= {content: True for content, yes in self._of(model, tag).items() if yes}
        verdicts |= self._decisions.get(normalise(meaning.decided), {})
        places, known = self._table.places_of(keys_of(list(verdicts)))
        scores = scores.copy()
        scores[places[known]] = np.array(list(verdicts.values()), np.float32)[known]
        return scores

    def _of(self, model: UsedModel, tag: int) -> Verdicts:
        return self._decisions.get(normalise(model.tags[tag]), {})
