"""What a photo may show where none of its tags reaches its threshold: the best guesses, which are no tags."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vectortag.core.types import FloatArray
from vectortag.model.hierarchy import Hierarchy

MOST_GUESSES = 3
"""For one photo."""

LOWEST_GUESS = 0.3
"""No guess has a lower score. On photos unlike those of its training, one guess of `lite2` in three is right."""

LIFT = 2.0
"""How many times the average score of a tag the score of a guess is. Half of all photos show people: to guess "person"
of a photo that is like no other says nothing about it."""


def best_guesses(
    scores: FloatArray, usual: FloatArray, allowed: npt.NDArray[np.bool_], hierarchy: Hierarchy
) -> list[int]:
    """The indexes of the best guesses for one photo, highest score first, at most MOST_GUESSES.

    A parent that has its score from a guess is left out, since the guess says more.

    Args:
        scores: (T,), with raised parents.
        usual: (T,), the average score of each tag on other photos.
        allowed: (T,), which tags may be guessed.
        hierarchy: of these tags.
    """
    likely = np.flatnonzero(allowed & (scores >= np.maximum(LOWEST_GUESS, LIFT * usual)))
    score_of = dict(zip(likely.tolist(), scores[likely].tolist(), strict=True))
    ranked = sorted(score_of, key=lambda index: -score_of[index])
    below = hierarchy.descendants
    own = [i for i in ranked if not any(score_of.get(child) == score_of[i] for child in below.get(i, ()))]
    return own[:MOST_GUESSES]
