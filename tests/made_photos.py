"""Photos of a made-up library under the tiny model, and what a search of it finds: see synthetic_library.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from synthetic_library import MadePhoto

from vectortag.library.library import Library

TAGS = ("animal", "beach", "dog", "sea", "boat", "vehicle")


def scores_of(**tags: float) -> np.ndarray:
    """(6,) float32: those that are named, their parents raised, 0 for the others."""
    scores = dict.fromkeys(TAGS, 0.0) | tags
    scores["animal"] = max(scores["animal"], scores["dog"])
    scores["vehicle"] = max(scores["vehicle"], scores["boat"])
    return np.float32([scores[tag] for tag in TAGS])


def photo(path: str, *, seed: int = 0, root: str = "/photos", **facts: Any) -> MadePhoto:
    """photo("a.jpg", dog=0.9, rating=3): its scores, and what else is known of it; `seed` draws its embedding."""
    tags = {name: facts.pop(name) for name in list(facts) if name in TAGS}
    embedding = np.abs(np.random.default_rng(seed).normal(0, 1, 8)).astype(np.float32)
    return MadePhoto(path, root, scores=scores_of(**tags), embedding=embedding, **facts)


def found(library: Library, query: str, **options: Any) -> list[str]:
    """The relative paths of what is found, in order."""
    return [str(one.path).split("/", 2)[2] for one in library.search(query, top=None, **options).matches]
