"""Examples of a new tag that a person's own encoder finds among photos, from the tag's name alone.

How far the encoder can be trusted on these photos is tried on words whose answer is known: the tags that the model
shows there. They go through the same procedure as held-out words (`word_trust`). What it says of them together is what
a new word's similarity is worth. The model's own tags are the truth here, so its errors count as the encoder's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vectortag.assembly.word_trust import FEWEST_WORDS, Trial, fit_evidence
from vectortag.core.errors import NewTagError, PhotoError, WordsError
from vectortag.core.numerics import TINY, sigmoid
from vectortag.core.types import FloatArray
from vectortag.data.embedding_cache import embed_cached
from vectortag.inference.encoder_search import cosines, embed_with
from vectortag.inference.search import CHUNK
from vectortag.inference.tagger import Tagger
from vectortag.model.encoder import Encoder
from vectortag.model.words.similarity import prompts_of
from vectortag.personal.few_shot import MIN_EXAMPLES

LEAST_SHOWN, LARGEST_SHARE = 5, 0.5
"""A tag is tried if the model shows it on so many photos, and on no larger share of them."""
MOST_TRIED = 120
"""Tags that are tried; each is one text for the encoder."""
MOST_EXAMPLES = 50


@dataclass(frozen=True, slots=True)
class Examples:
    """Photos that the encoder chose for a tag.

    Attributes:
        photos: best first.
        among: the number of photos that were looked at.
        tried: tags of the model that the encoder was tried on.
        right: of what reached the line for them, the share that shows them by the model.
        failed: why other photos could not be read.
    """

    photos: tuple[Path, ...]
    among: int
    tried: int
    right: float
    failed: tuple[PhotoError, ...]


def find_examples(
    tagger: Tagger, encoder: Encoder, name: str, description: str | None, photos: Sequence[Path]
) -> Examples:
    """Choose examples of a tag among photos, labelled or not.

    Args:
        tagger: the model.
        name, description: as for `vectortag.personal.from_words.add_from_words`.

    Raises:
        MissingExtraError, ModelFolderError: the encoder cannot be loaded.
        NewTagError: too few of the photos fit the name well enough.
        WordsError: the photos show too few tags of the model to try the encoder on; or the text is too long.
    """
    encoded = embed_with(encoder, photos, threads=tagger.embedder.session.threads)
    readable = encoded.photos
    shown = _shown(tagger, readable)  # (N, T)
    tags = _tried(shown)
    if len(tags) < FEWEST_WORDS:
        raise WordsError(
            f"the model shows {len(tags)} tags on at least {LEAST_SHOWN} of these {len(readable):,} photos, and "
            f"{FEWEST_WORDS} are needed to try the encoder on. Name more photos with --among"
        )
    word = name if description is None else f"{name}, {description}"
    texts = encoder.embed_texts(prompts_of([*(tagger.tags[tag] for tag in tags), word]))
    values = np.stack([_standardised(cosines(encoded, text)) for text in texts])  # (tags + 1, N)
    near = texts @ texts.T
    np.fill_diagonal(near, -1)
    nearness = near[:, : len(tags)].max(axis=1)
    trials = [Trial(float(nearness[row]), values[row], shown[:, tag]) for row, tag in enumerate(tags)]
    evidence = fit_evidence(trials)
    assert evidence is not None  # there are enough words
    slope, bias, thresholds = evidence.calibration.one(max(evidence.group(float(nearness[-1])), 0))
    reached = sigmoid(slope * values + bias) >= thresholds["precise"]
    found = np.flatnonzero(reached[-1])
    if len(found) < MIN_EXAMPLES:
        raise NewTagError(
            f'"{name}": {len(found)} of {len(readable):,} photos fit it well enough, and {MIN_EXAMPLES} are the least. '
            "Say what it is with --description, name more photos with --among, or show photos of it"
        )
    best = found[np.argsort(-values[-1][found], kind="stable")][:MOST_EXAMPLES]
    right = (reached[:-1].T & shown[:, tags]).sum() / max(float(reached[:-1].sum()), TINY)
    chosen = tuple(readable[row] for row in best)
    return Examples(chosen, len(readable), len(tags), float(right), tuple(encoded.failed))


def _shown(tagger: Tagger, photos: Sequence[Path]) -> np.ndarray:
    """(N, T) bool: what the model shows by its precise thresholds. A photo that went away meanwhile shows nothing."""
    network = tagger.folder.network_in(tagger.embedder.session.precision)
    own = embed_cached(tagger.embedder, tagger.folder.manifest.files[network.name], photos)
    rows = {photo: row for row, photo in enumerate(photos)}
    shown = np.zeros((len(photos), len(tagger.tags)), bool)
    thresholds = tagger.scorer.calibration.thresholds["precise"]
    for start in range(0, len(own.photos), CHUNK):
        part = np.arange(start, min(start + CHUNK, len(own.photos)))
        scores = tagger.scores(own[part])
        shown[[rows[own.photos[row]] for row in part]] = tagger.scorer.family.shown(scores, thresholds)
    return shown


def _tried(shown: np.ndarray) -> list[int]:
    """The tags to try the encoder on, spread over all that the photos show."""
    counts = shown.sum(axis=0)
    fit = np.flatnonzero((counts >= LEAST_SHOWN) & (counts <= LARGEST_SHARE * len(shown)))
    every = max(1, -(-len(fit) // MOST_TRIED))
    chosen: list[int] = fit[::every].tolist()
    return chosen


def _standardised(similarities: FloatArray) -> FloatArray:
    """Mean 0 and deviation 1 over the photos, as the values of a model's own words have over its background."""
    return (similarities - similarities.mean()) / max(float(similarities.std()), 1e-6)
