"""How well a text fits a photo, in closed form, from the photo's embedding alone.

Two views of a photo are added up. Its *classes*: the softmax of the classifier that the backbone was pretrained with,
each class counting as much as its name means what the word means. And its *direction*: the embedding, and the roots of
the classes' probabilities, are projected to where sentences point that describe the photo. The first is sharp for
what ImageNet names ("zebra"), the second knows the rest of the world as captions tell it ("a man on a surfboard").

Texts come as the 384 numbers of a text model (`text_model.py`), D below; C is the number of classes, K the width of an
embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vectortag.core.numerics import unit, unit_gradient
from vectortag.core.types import FloatArray
from vectortag.model.calibration import Calibration
from vectortag.model.classifier import Classifier
from vectortag.model.head import scaled_maps
from vectortag.model.trust import Trust
from vectortag.model.words.line import Line

PROMPT, LIST_PROMPT = "a photo of a {}", "a photo of {}"
"""The prompts of the text model: for a word, and for the words of a photo, separated by commas."""

TEMPERATURE = 0.05
"""How fast a class counts less that means something else than the word, in cosine of their texts."""

FLOOR = 1e-6
"""Added to the probability of a word's classes, so that its logarithm has an end."""

ROUNDING = 1e-3
"""Tolerance of a cosine: texts of known words are stored in 8 bits, those of the bank in 4."""

UNLIKE, ALIKE = 0.5, 0.85
"""A word counts by its classes not at all where the nearest is not nearer than the first, and in full from the second
on. Cosines of texts; chosen on COCO's, Corel's and Flickr8k's words, see benchmarks/words.py."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a model scored words that it was not taught, by the cosine to the nearest known word.

    About four groups of words, from far to near; every array is aligned with them.

    Attributes:
        from_nearness: where each group begins, (G,), rising.
        calibration: from the value of a word to its score, fitted on all words of a group together.
        separation: how often a photo that shows the word scored higher than one that does not; the middle word.
        precision: of photos at the balanced threshold, as many as truly show it, as if 2 % of photos did.
        words: how many words each group rests on.
    """

    from_nearness: FloatArray
    calibration: Calibration
    separation: FloatArray
    precision: FloatArray
    words: FloatArray

    def group(self, nearness: float) -> int:
        """Which group a new word belongs to; -1 if it is farther than every word that was tried."""
        return int(np.searchsorted(self.from_nearness, nearness + ROUNDING, side="right")) - 1


@dataclass(frozen=True, slots=True)
class WordEmbedding:
    """A word, ready to be compared with photos.

    value = by_class * log(classes . probabilities + FLOOR) + by_direction * cosine - middle

    Attributes:
        classes: (C,) how much each class counts, the nearest 1.
        query: (D,) of length 1, where photos of it point.
        by_class, by_direction: how much each of the two views counts.
        middle: what photos of everything have on average.
    """

    classes: FloatArray
    query: FloatArray
    by_class: float
    by_direction: float
    middle: float = 0.0


@dataclass(frozen=True, slots=True)
class Views:
    """What a photo is compared by: `probabilities` (N, C) of the classes, `directions` (N, D) of length 1."""

    probabilities: FloatArray
    directions: FloatArray


@dataclass(frozen=True, slots=True)
class Words:
    """What a model knows of words.

    Attributes:
        classifier: the backbone's; with no classes at all where the model has none.
        class_texts: (C, D) of length 1, what each class is.
        projection, offset: (K + C, D) and (D,): the embedding and the classes' roots, to where sentences point.
        text_middle, text_turn: (D,) and (D, D): texts are moved and turned to meet the photos.
        known: the words that it was taught, besides the classes' names, and their texts, (V, D) of length 1.
        evidence: how far unseen words can be trusted; None while that is not measured.
        trust: the same word by word, by the signs of `signs_of_word`; None while that is not measured.
        line: from which likeness on a photo probably shows a sentence; None while that is not measured.
    """

    classifier: Classifier
    class_texts: FloatArray
    projection: FloatArray
    offset: FloatArray
    text_middle: FloatArray
    text_turn: FloatArray
    known: tuple[str, ...]
    known_texts: FloatArray
    evidence: Evidence | None = None
    trust: Trust | None = None
    line: Line | None = None

    def views(self, embeddings: FloatArray) -> Views:
        """(N, K) -> what words are compared with."""
        probabilities = class_probabilities(self.classifier, embeddings)
        return Views(probabilities, unit(self._projected(embeddings, probabilities)))

    def _projected(self, embeddings: FloatArray, probabilities: FloatArray) -> FloatArray:
        width = embeddings.shape[1]
        roots = np.sqrt(probabilities)
        projected = embeddings @ self.projection[:width] + roots @ self.projection[width:] + self.offset
        return projected.astype(np.float32, copy=False)

    def queries(self, texts: FloatArray) -> FloatArray:
        """Where photos point that a text describes: (n, D) -> (n, D) of length 1."""
        return unit((texts - self.text_middle) @ self.text_turn)

    def embed_word(self, text: FloatArray, background: Views) -> WordEmbedding:
        """Make a word comparable to photos, from its text (D,) and the views of background photos.

        Both parts are scaled to deviation 1 over the background.

        So the values of background photos have mean 0 and deviation 1.
        """
        near = self.class_texts @ text  # (C,)
        best = float(near.max(initial=-1))
        classes = np.exp((near - best) / TEMPERATURE).astype(np.float32)
        query = self.queries(text[None])[0]
        trust = float(np.clip((best - UNLIKE) / (ALIKE - UNLIKE), 0, 1))
        by_class = trust / _deviation(np.log(background.probabilities @ classes + FLOOR))
        by_direction = 1 / _deviation(background.directions @ query)
        embedded = WordEmbedding(classes, query, by_class, by_direction)
        raw = values(embedded, background)
        whole = _deviation(raw)
        return WordEmbedding(classes, query, by_class / whole, by_direction / whole, float(raw.mean()) / whole)

    def nearest(self, text: FloatArray, count: int = 5) -> list[tuple[str, float]]:
        """The known words and classes whose texts are nearest to one (D,), with their cosines, best first."""
        names = (*self.known, *self.classifier.names)
        cosines = np.concatenate([self.known_texts @ text, self.class_texts @ text])
        order = np.argsort(-cosines, kind="stable")
        found: dict[str, float] = {}
        for index in order[: 3 * count]:  # a class and a known word often have one name
            found.setdefault(names[index].lower(), float(cosines[index]))
        return list(found.items())[:count]

    def along(self, embedded: WordEmbedding, embedding: FloatArray, directions: FloatArray) -> FloatArray:
        """d value / d embedding, times directions: (K,), (K, n) -> (n,)."""
        width = len(embedding)
        (probabilities,) = class_probabilities(self.classifier, embedding[None])
        (projected,) = self._projected(embedding[None], probabilities[None])
        share = float(probabilities @ embedded.classes)
        of_logits = embedded.by_class / (share + FLOOR) * probabilities * (embedded.classes - share)
        of_projected = unit_gradient(embedded.query, projected, scale=embedded.by_direction)
        of_roots = 0.5 * np.sqrt(probabilities) * (self.projection[width:] @ of_projected)
        of_logits = of_logits + of_roots - probabilities * of_roots.sum()
        gradient = self.projection[:width] @ of_projected + of_logits @ self.classifier.w
        return (gradient @ directions).astype(np.float32)

    def sentence_map(self, query: FloatArray, feature_map: FloatArray) -> FloatArray:
        """Grad-CAM of a sentence's cosine with a photo: where the photo shows what the sentence says.

        Args:
            query: (D,), of `queries`.
            feature_map: (K, h, w) of the photo.

        Returns:
            (h, w) in [0, 1].
        """
        cells = feature_map.reshape(len(feature_map), -1)  # (K, h*w)
        sentence = WordEmbedding(np.zeros(len(self.class_texts), np.float32), query, by_class=0, by_direction=1)
        changes = self.along(sentence, cells.mean(axis=1), cells)
        return scaled_maps(changes[None]).reshape(feature_map.shape[1:])


def values(embedded: WordEmbedding, views: Views) -> FloatArray:
    """How well a word fits each photo: (N,), any number, higher is better."""
    by_class = np.log(views.probabilities @ embedded.classes + FLOOR)
    by_direction = views.directions @ embedded.query
    fit = embedded.by_class * by_class + embedded.by_direction * by_direction - embedded.middle
    return np.asarray(fit, np.float32)


def class_probabilities(classifier: Classifier, embeddings: FloatArray) -> FloatArray:
    """(N, K) -> (N, C), C may be 0."""
    return classifier.probabilities(embeddings) if classifier.names else np.empty((len(embeddings), 0), np.float32)


def no_classes(width: int) -> Classifier:
    """An empty classifier, for a backbone that has none."""
    return Classifier(np.empty((0, width), np.float32), np.empty(0, np.float32), ())


def prompts_of(texts: Sequence[str], prompt: str = PROMPT) -> list[str]:
    """Put each text into the prompt."""
    return [prompt.format(text) for text in texts]


def _deviation(numbers: FloatArray) -> float:
    return max(float(numbers.std()), 1e-6)
