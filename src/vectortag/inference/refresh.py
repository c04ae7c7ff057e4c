"""Updates a model from corrections: the corrected tags are fitted again, all others stay unchanged."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import CorrectionError, PhotoError
from vectortag.core.types import FloatArray
from vectortag.inference.scorer import Scorer
from vectortag.inference.tagger import Tagger
from vectortag.model.blocks import features_of
from vectortag.personal.added_tags import AddedTag, Wording, read_examples, replace_addition
from vectortag.personal.corrected_rows import Refit, save_refits
from vectortag.personal.corrections import Correction, read_corrections
from vectortag.personal.few_shot import MIN_EXAMPLES
from vectortag.personal.from_photos import fit_examples
from vectortag.personal.from_words import fit_of_words
from vectortag.personal.refit import refit

log = logging.getLogger(__name__)

Views = dict[Path, FloatArray]
"""The (V, K) embeddings of each corrected photo; the first view is the photo as it is."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The effect of corrections on one tag.

    Attributes:
        corrections: number of photos with a correction of the tag.
        right: number of them on which the model now agrees.
    """

    tag: str
    corrections: int
    right: int


def refresh(tagger: Tagger) -> list[Refreshed]:
    """Fit every corrected tag again, from the corrections, the background photos and, for an added tag, its examples.

    A tag whose corrections were undone gets its old scores back. The result is stored in the user's data folder, and
    the tagger uses it at once.

    Raises:
        CorrectionError: the model has no background, or the result cannot be stored.
    """
    return _fit(tagger, read_corrections())


def forget(tagger: Tagger) -> None:
    """Undo `refresh`: tags get their old scores back. The corrections stay stored.

    Raises:
        CorrectionError: as `refresh`.
    """
    _fit(tagger, [])


def _fit(tagger: Tagger, corrections: Sequence[Correction]) -> list[Refreshed]:
    background = tagger.folder.background
    if background is None:
        raise CorrectionError(
            f"{tagger.folder.path}: the model has no background photos to fit against. Train it again"
        )
    by_tag: dict[str, list[Correction]] = defaultdict(list)
    views: Views = {}
    for one in corrections:
        if one.tag in tagger.tags and _embed(tagger, one.photo, views):
            by_tag[one.tag].append(one)
    added = {tag.name: tag for tag in tagger.additions}
    plain = Tagger(tagger.folder, tagger.default_embedder, profile=tagger.profile)
    refits = [_refit(plain, background, tag, said, views) for tag, said in by_tag.items() if tag not in added]
    save_refits(tagger.folder, [one for one in refits if one is not None])
    for tag in added.values():
        if tag.corrections or tag.name in by_tag:
            _fit_again(tagger, tag, by_tag.get(tag.name, ()), views)
    tagger.reload()
    plain.reload()
    return [_judge(plain, tag, said, views) for tag, said in by_tag.items()]


def _embed(tagger: Tagger, photo: Path, views: Views) -> bool:
    """Embed a corrected photo, unless it is in `views` already; False if it can no longer be read."""
    if photo not in views:
        try:
            views[photo] = tagger.default_embedder.embed_views(photo)
        except PhotoError as error:
            log.warning("left out: %s", error)
            return False
    return True


def _refit(plain: Tagger, background: FloatArray, tag: str, said: Sequence[Correction], views: Views) -> Refit | None:
    """Fit one of the model's own tags again."""
    photos = np.stack([views[one.photo][0] for one in said])
    return refit_of(plain.scorer, background, tag, photos, np.array([one.has for one in said]))


def refit_of(
    scorer: Scorer, background: FloatArray, tag: str, photos: FloatArray, has: npt.NDArray[np.bool_]
) -> Refit | None:
    """What photos teach of one of a model's own tags; None for a tag without a score of its own.

    Args:
        scorer: of the model as it is in its folder.
        background: (B, K) embeddings of photos of everything.
        photos: (C, K) embeddings.
        has: (C,) whether each has the tag.
    """
    place = scorer.index(tag)
    slope = float(scorer.calibration.slope[place])
    if not slope:
        log.warning('"%s" has no score of its own: it is as high as the highest tag below it. Correct that one', tag)
        return None
    block = scorer.head.blocks[scorer.head.block_of(place)[0]]
    before, now = (scorer.logits(embeddings)[:, place] for embeddings in (background, photos))
    row, bias = refit(features_of(block, background), features_of(block, photos), has, logits=(before, now))
    return Refit(tag, (row / slope).astype(np.float32), bias / slope, len(has))


def _fit_again(tagger: Tagger, tag: AddedTag, said: Sequence[Correction], views: Views) -> None:
    """Fit an added tag again: corrected photos become examples and counterexamples."""
    shown = []
    for examples, has in zip(read_examples(tagger.folder, tag), (True, False), strict=True):
        more = [views[one.photo] for one in said if one.has == has]
        shown.append(np.concatenate([examples, np.stack(more)]) if more else examples)
    folder, wording = tagger.folder, None
    if tag.words is not None:
        wording = Wording(tag.words, tagger.embedded[tag.name], tag.nearest, tag.nearness or 0.0, tag.class_nearness)
    if wording is not None and not tag.examples and len(shown[0]) < MIN_EXAMPLES:
        if said:
            log.warning('"%s" was added from words: it learns once %d photos show it', tag.name, MIN_EXAMPLES)
        fitted = fit_of_words(folder, wording)
    else:
        fitted = fit_examples(folder, shown[0], shown[1], wording)
    replace_addition(tagger.folder, tag, fitted, corrections=len(said))


def _judge(tagger: Tagger, tag: str, said: Sequence[Correction], views: Views) -> Refreshed:
    place = tagger.place(tag)
    shown = tagger.shown(tagger.scores(np.stack([views[one.photo][0] for one in said])))[:, place]
    return Refreshed(tag, len(said), int((shown == np.array([one.has for one in said])).sum()))
