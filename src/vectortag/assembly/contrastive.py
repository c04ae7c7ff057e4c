"""Learn words from photos and their texts by a contrastive loss, in numpy.

A contrastive loss (InfoNCE, Oord et al. 2018, 1807.03748; for photos and texts Radford et al. 2021, 2103.00020) on
one linear layer for each of the two, since network and text model stay as they are. Three kinds of lessons are mixed:
captions and the photo they belong to; words and all photos that have them; and the classes that the backbone sees in a
photo, by their names, which ties the layer to what the classifier knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import AdamW, Floats, softmax, unit, unit_gradient
from vectortag.core.types import FloatArray
from vectortag.model.classifier import Classifier
from vectortag.model.words.similarity import Words, class_probabilities

EPOCHS, BATCH = 25, 1024
RATE, WEIGHT_DECAY = 3e-3, 0.1
INPUT_DROPOUT = 0.4
"""Share of a photo's features that a step leaves out."""

WARMUP = 0.1
ROOTS_SCALE = 8.0
"""Brings the roots of 1,000 class probabilities to the scale of standardised features."""

WORD_LESSON, CLASS_LESSON = 0.15, 0.3
"""Weights of the second and the third kind of lesson; captions have 1."""

MAX_LOGIT_SCALE = 50.0

Arrays = dict[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Described:
    """Photos with sentences: rows (n,) of the photos, texts (n, m, D), m sentences each."""

    rows: npt.NDArray[np.intp]
    texts: FloatArray


@dataclass(frozen=True, slots=True)
class Tagged:
    """Photos with words: rows (n,) of the photos, texts (V, D) of the words, has (n, V)."""

    rows: npt.NDArray[np.intp]
    texts: FloatArray
    has: npt.NDArray[np.bool_]


def learn_words(
    photos: FloatArray,
    classifier: Classifier,
    class_texts: FloatArray,
    *,
    described: Sequence[Described],
    tagged: Sequence[Tagged],
    known: tuple[str, ...],
    known_texts: FloatArray,
    epochs: int = EPOCHS,
    seed: int = 1,
) -> Words:
    """Learn the projection and the turn of the texts.

    Args:
        photos: (N, K) embeddings; the lessons name their rows, and each is shown its classes.
        class_texts: (C, D), C may be 0.
        known, known_texts: the words that the lessons hold, for `Words.nearest`.
        epochs: how often each photo of the largest set with sentences is shown.
    """
    probabilities = class_probabilities(classifier, photos)
    middle, spread = photos.mean(axis=0), photos.std(axis=0) + 1e-3
    features = np.concatenate([(photos - middle) / spread, ROOTS_SCALE * np.sqrt(probabilities)], axis=1)
    every_text = np.concatenate([one.texts.reshape(-1, one.texts.shape[-1]) for one in described])
    lessons = _Lessons(
        features.astype(np.float32), probabilities, class_texts, described, tagged, every_text.mean(axis=0)
    )
    learnt = _descend(lessons, epochs, seed)
    width = photos.shape[1]
    projection = learnt["projection"].copy()
    projection[:width] /= spread[:, None]
    projection[width:] *= ROOTS_SCALE
    return Words(
        classifier,
        class_texts,
        projection,
        learnt["offset"] - middle @ projection[:width],
        lessons.text_middle,
        learnt["turn"],
        known,
        known_texts,
    )


@dataclass(frozen=True, slots=True)
class _Lessons:
    features: FloatArray
    probabilities: FloatArray
    class_texts: FloatArray
    described: Sequence[Described]
    tagged: Sequence[Tagged]
    text_middle: FloatArray

    @property
    def steps(self) -> int:
        return max(1, max(len(one.rows) for one in self.described) // BATCH)

    def draw(self, random: np.random.Generator) -> list[_Lesson]:
        drawn = []
        for described in self.described:
            chosen = _draw(random, len(described.rows), BATCH)
            texts = described.texts[chosen, random.integers(0, described.texts.shape[1], len(chosen))]
            own = np.eye(len(chosen), dtype=np.float32)
            drawn.append(_Lesson(described.rows[chosen], texts, own, own))
        for tagged in self.tagged:
            chosen = _draw(random, len(tagged.rows), BATCH // 2)
            has = tagged.has[chosen].astype(np.float32)
            drawn.append(_Lesson(tagged.rows[chosen], tagged.texts, _shares(has, 1), _shares(has, 0), WORD_LESSON))
        if len(self.class_texts):
            chosen = _draw(random, len(self.features), BATCH)
            drawn.append(_Lesson(chosen, self.class_texts, self.probabilities[chosen], None, CLASS_LESSON))
        return drawn


@dataclass(frozen=True, slots=True)
class _Lesson:
    """n photos and m texts. For each photo the text it should choose, for each text the photo: shares that sum to 1,
    or to 0 if there is nothing to choose."""

    rows: npt.NDArray[np.intp]
    texts: FloatArray
    of_photos: FloatArray
    of_texts: FloatArray | None
    weight: float = 1.0


def _descend(lessons: _Lessons, epochs: int, seed: int) -> Arrays:
    """AdamW (Loshchilov and Hutter 2019, 1711.05101) along one cycle of the learning rate."""
    random = np.random.default_rng(seed)
    inputs, width = lessons.features.shape[1], len(lessons.text_middle)
    bound = inputs**-0.5
    parts: Arrays = {
        "projection": random.uniform(-bound, bound, (inputs, width)).astype(np.float32),
        "offset": np.zeros(width, np.float32),
        "turn": np.eye(width, dtype=np.float32),
        "log_scale": np.full(1, np.log(20), np.float32),
    }
    rates = {"projection": 1.0, "offset": 1.0, "turn": 0.3, "log_scale": 1.0}
    decay = {"projection": WEIGHT_DECAY}
    optimisers = {name: AdamW(part, weight_decay=decay.get(name, 0.0)) for name, part in parts.items()}
    total = epochs * lessons.steps
    for step in range(total):
        rate = RATE * _rate_factor(step / total)
        for name, gradient in _gradients(parts, lessons, random).items():
            optimisers[name].step(gradient, rate * rates[name])
    return parts


def _rate_factor(progress: float) -> float:
    """The learning rate as a share of `RATE`: linear warm-up, then half a cosine down to 0."""
    if progress < WARMUP:
        return 0.04 + 0.96 * progress / WARMUP
    return 0.5 * (1 + float(np.cos(np.pi * (progress - WARMUP) / (1 - WARMUP))))


def _gradients(parts: Mapping[str, FloatArray], lessons: _Lessons, random: np.random.Generator) -> Arrays:
    total = {name: np.zeros_like(part) for name, part in parts.items()}
    scale = float(min(np.exp(parts["log_scale"][0]), MAX_LOGIT_SCALE))
    for lesson in lessons.draw(random):
        features = lessons.features[lesson.rows]
        features = (
            features * (random.random(features.shape, np.float32) >= INPUT_DROPOUT) / np.float32(1 - INPUT_DROPOUT)
        )
        texts = lesson.texts - lessons.text_middle
        seen, read = features @ parts["projection"] + parts["offset"], texts @ parts["turn"]
        photo, text = unit(seen), unit(read)
        cosines = photo @ text.T
        gradient = lesson.weight * _loss_gradient(scale * cosines, lesson)  # d loss / d logits, (n, m)
        seen_gradient = unit_gradient(scale * gradient @ text, seen)
        read_gradient = unit_gradient(scale * gradient.T @ photo, read)
        total["projection"] += features.T @ seen_gradient
        total["offset"] += seen_gradient.sum(axis=0)
        total["turn"] += texts.T @ read_gradient
        if scale < MAX_LOGIT_SCALE:
            total["log_scale"] += scale * (gradient * cosines).sum()
    return total


def _loss_gradient(logits: Floats, lesson: _Lesson) -> Floats:
    """d loss / d logits of both cross-entropies: photos choose texts, and texts choose photos."""
    gradient = _cross_entropy_gradient(logits, lesson.of_photos, 1)
    return gradient if lesson.of_texts is None else gradient + _cross_entropy_gradient(logits, lesson.of_texts, 0)


def _cross_entropy_gradient(logits: Floats, shares: FloatArray, axis: int) -> Floats:
    asked = shares.sum(axis=axis, keepdims=True) > 0
    return np.where(asked, softmax(logits, axis) - shares, 0) / np.float32(2 * max(int(asked.sum()), 1))


def _shares(has: FloatArray, axis: int) -> FloatArray:
    return has / np.maximum(has.sum(axis=axis, keepdims=True), 1)


def _draw(random: np.random.Generator, count: int, most: int) -> npt.NDArray[np.intp]:
    return random.permutation(count)[:most]
