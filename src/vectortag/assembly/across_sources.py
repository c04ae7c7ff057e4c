"""Calibration and thresholds that hold on a source nobody has trained on.

Scores that were fitted on photos of the sources that a head has learnt are too sure elsewhere. So each source of
photos is judged by a head that has not seen it, and curves and thresholds are fitted on what these heads say: the
promise of a profile is what share of the shown tags is right on an unseen source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.assembly.operating_point import SILENT, CrossFitted, score
from vectortag.core.numerics import fit_platt, logit, sigmoid
from vectortag.core.types import UNKNOWN, ByteArray, Doubles, FloatArray
from vectortag.data.vocabulary import judgeable
from vectortag.evaluation.metrics import ENOUGH_PHOTOS, calibration_error
from vectortag.model.calibration import PRIOR_STRENGTH, Calibration, Profile, lowest_threshold
from vectortag.model.hierarchy import Hierarchy

PROMISE: dict[Profile, float] = {"precise": 0.95, "balanced": 0.88, "thorough": 0.70}
"""What share of the tags that a profile shows is right on a source never seen."""

MARGIN = 0.005
"""So much more is asked of the photos on which a threshold is fitted: elsewhere it holds a little less."""

SLACK = 0.1
"""A single tag may be right so much less often than its profile promises for all tags together."""

UNNAMED_WEIGHT = 0.3
"""How much an entry counts as absent that nobody has named, or by a set whose labels are not complete."""

CLASS_SHARE = 0.3
"""The share of the softmax from which on a tag that is made of classes alone is shown. On 1,000 photos, one of each
class, 91 % are then named by the frozen Lite2, and 97 % of its sure tags are right."""

COMMONEST = 0.25
"""A curve is fitted as if no more than this share of photos had the tag: half of COCO's photos show people, and a
photo that is like none of them would be guessed to show one."""

FEWEST_JUDGED = 20
"""A tag that complete sets show on fewer photos is calibrated by all sets."""

LIKELY = 0.3
"""From this score on, before anybody looked, shown tags are drawn for a spot check."""

FEWEST_SHOWN = 20
"""A tag that a profile shows on fewer photos is not judged by itself."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What heads say of photos of sources that they have not learnt.

    Attributes:
        logits: (N, T) float32.
        targets: (N, T) uint8, 255 = unknown.
        unnamed: (N, T) bool, the unknown entries that are probably absent.
        sources: (N,) the source of each photo.
        left_out: (N,) bool, which photos are of a source that the head had not learnt. The others are validation
            photos: by them those tags are judged that mainly their own source teaches.
        judges: the sources whose labels are complete enough to say how many of the shown tags are right.
        checked: (N, T) uint8, what somebody who looked at a photo says of a tag that heads would show on it: 1 it is
            right, 0 it is wrong, 255 nobody looked. None: nobody looked at any.
    """

    logits: FloatArray
    targets: ByteArray
    unnamed: npt.NDArray[np.bool_]
    sources: npt.NDArray[np.str_]
    left_out: npt.NDArray[np.bool_]
    judges: tuple[str, ...]
    checked: ByteArray | None = None

    def photo_weights(self) -> npt.NDArray[np.float64]:
        """(N,): each source counts as much as any other, and all of them together as N photos."""
        names, places, counts = np.unique(self.sources, return_inverse=True, return_counts=True)
        weights: npt.NDArray[np.float64] = len(self.sources) / len(names) / counts[places]
        return weights


def fit_across(
    evidence: Evidence,
    hierarchy: Hierarchy,
    *,
    first_borrowed: int | None = None,
    careful: Sequence[int] = (),
) -> Calibration:
    """Fit everything between logits and decisions, as `calibrate`, on sources that were left out.

    One threshold holds for all tags, on their calibrated scores: so most tags are shown for what is right in all. It
    is raised for a tag that is right far less often than the others.

    Args:
        first_borrowed: the tags from this place on are made of classes alone. From CLASS_SHARE on they are shown in
            "balanced".
        careful: the places of tags that are held to the promise of "precise" in every profile but thorough.
    """
    slope, bias = calibration_across(evidence, first_borrowed=first_borrowed)
    scores = score(evidence.logits, Calibration(slope, bias, {}), hierarchy)
    common = {profile: threshold_for_all(evidence, scores, promise + MARGIN) for profile, promise in PROMISE.items()}
    if first_borrowed is not None:
        bias[first_borrowed:] = logit(common["balanced"]) - logit(CLASS_SHARE)
    thresholds = {}
    for profile, promise in PROMISE.items():
        own = np.full(len(slope), common[profile], np.float32)
        for tag in range(len(slope))[:first_borrowed]:
            if tag in careful and profile != "thorough":
                own[tag] = max(own[tag], _threshold_of(evidence, scores, tag, 0.0, PROMISE["precise"], careful=True))
            else:
                own[tag] = max(own[tag], _threshold_of(evidence, scores, tag, common[profile], promise - SLACK))
        thresholds[profile] = own
    return Calibration(slope, bias, thresholds)


def with_borrowed(evidence: Evidence, count: int) -> Evidence:
    """The evidence with so many tags more at the end, of which it says nothing."""
    rows = len(evidence.logits)
    return replace(
        evidence,
        logits=np.concatenate([evidence.logits, np.full((rows, count), SILENT, np.float32)], axis=1),
        targets=np.concatenate([evidence.targets, np.full((rows, count), UNKNOWN, np.uint8)], axis=1),
        unnamed=np.concatenate([evidence.unnamed, np.zeros((rows, count), bool)], axis=1),
        checked=None
        if evidence.checked is None
        else np.concatenate([evidence.checked, np.full((rows, count), UNKNOWN, np.uint8)], axis=1),
    )


def judged_by(
    calibration: Calibration,
    logits: FloatArray,
    targets: ByteArray,
    hierarchy: Hierarchy,
    *,
    sets: npt.NDArray[np.str_] | None = None,
) -> CrossFitted:
    """What calibration and thresholds make of photos on which nothing of them was fitted; as `cross_fit`."""
    scores = score(logits, calibration, hierarchy)
    decisions = hierarchy.shown(scores, calibration.thresholds["balanced"])
    return CrossFitted(sigmoid(logits).astype(np.float32), scores, decisions, judgeable(targets, sets))


def left_out_figures(
    evidence: Evidence, calibration: Calibration, hierarchy: Hierarchy, tags: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What each source got from heads that had not seen it, at the thresholds of the profile "balanced".

    Returns:
        By source, shares of 1: `found` of what is named, `silent` photos without a tag, `by_tag` what is found of each
        tag that ENOUGH_PHOTOS photos have; where the labels are complete enough, `right` of what is shown and judged,
        and `calibration_error`.
    """
    scores = score(evidence.logits, calibration, hierarchy)
    shown, has = hierarchy.shown(scores, calibration.thresholds["balanced"]), evidence.targets == 1
    figures = {}
    for source in np.unique(evidence.sources):
        rows = evidence.left_out & (evidence.sources == source)
        own, named = shown[rows], has[rows]
        found: dict[str, Any] = {"found": _share(own[named]), "silent": _share(~own.any(axis=1))}
        enough = np.flatnonzero(named.sum(axis=0) >= ENOUGH_PHOTOS)
        found["by_tag"] = {tags[tag]: _share(own[named[:, tag], tag]) for tag in enough.tolist()}
        if source in evidence.judges:
            targets = judgeable(evidence.targets[rows])
            found["right"] = _share(targets[own & (targets != UNKNOWN)] == 1)
            found["calibration_error"] = round(calibration_error(scores[rows], targets), 4)
        figures[str(source)] = found
    return figures


def tags_of_one_source(evidence: Evidence, tags: Sequence[str]) -> list[str]:
    """The tags that no source left out could judge: what they are worth elsewhere is not known."""
    has = evidence.targets == 1
    elsewhere = has[evidence.left_out].any(axis=0)
    return [tag for tag, there, any_photo in zip(tags, elsewhere, has.any(axis=0), strict=True) if any_photo > there]


def _share(values: npt.NDArray[np.bool_]) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None


def calibration_across(evidence: Evidence, *, first_borrowed: int | None = None) -> tuple[FloatArray, FloatArray]:
    """Slope and bias of each tag, (T,) and (T,), drawn to a common curve, every source counting the same.

    Where sets whose labels are complete show a tag often enough, they alone are asked. Of the other tags, spot checks
    say how often they are right where they are likely to be shown. A tag of which nothing speaks for an absence is
    silent: it lives by its children.
    """
    known = evidence.targets != UNKNOWN
    used = known | evidence.unnamed  # (N, T)
    truth = evidence.targets == 1
    judged = known & np.isin(evidence.sources, evidence.judges)[:, None]  # (N, T)
    enough = ((truth & judged).sum(axis=0) >= FEWEST_JUDGED) & (~truth & judged).any(axis=0)  # (T,)
    of_photo = evidence.photo_weights()
    weights = of_photo[:, None] * np.where(truth | judged, 1.0, UNNAMED_WEIGHT)  # (N, T)
    taught = slice(0, first_borrowed)
    mask = np.where(enough, judged, used)[:, taught]
    common = fit_platt(
        evidence.logits[:, taught][mask],
        truth[:, taught][mask],
        prior=np.array([1.0, 0.0]),
        strength=1e-3,
        weights=weights[:, taught][mask],
    )
    curves = np.tile(common, (evidence.logits.shape[1], 1))  # (T, 2)
    curves[len(curves) if first_borrowed is None else first_borrowed :] = 1.0, 0.0
    for tag in range(len(curves))[taught]:
        rows = (judged if enough[tag] else used)[:, tag]
        if not (rows & ~truth[:, tag]).any():
            curves[tag] = 0.0, SILENT
            continue
        logits = evidence.logits[:, tag]
        curves[tag] = _curve(logits[rows], truth[rows, tag], weights[rows, tag], common)
        if evidence.checked is not None and not enough[tag]:
            unsure = rows & ~truth[:, tag] & ~judged[:, tag]
            likely = unsure & (sigmoid(curves[tag, 0] * logits + curves[tag, 1]) >= LIKELY)
            asked = likely & (evidence.checked[:, tag] != UNKNOWN)
            if asked.any():  # they were drawn from the likely ones, and stand for all of them
                rows = rows & ~likely | asked
                right = np.where(asked, evidence.checked[:, tag] == 1, truth[:, tag])
                counted = np.where(asked, of_photo[likely].sum() / asked.sum(), weights[:, tag])
                curves[tag] = _curve(logits[rows], right[rows], counted[rows], common)
    return curves[:, 0].astype(np.float32), curves[:, 1].astype(np.float32)


def _curve(logits: FloatArray, has: npt.NDArray[np.bool_], weights: Doubles, common: Doubles) -> Doubles:
    """(2,) slope and bias of one tag, (n,), (n,), (n,), as if it were no commoner than COMMONEST."""
    counted = weights * np.where(has, 1.0, _rarer(weights, has))
    return fit_platt(logits, has, prior=common, strength=PRIOR_STRENGTH, weights=counted)


def _rarer(weights: npt.NDArray[np.float64], has: npt.NDArray[np.bool_]) -> float:
    """How many times as much photos without a tag count, so that no larger share than COMMONEST has it."""
    with_tag, without = weights[has].sum(), weights[~has].sum()
    return max(1.0, with_tag * (1 / COMMONEST - 1) / max(without, 1e-9))


def threshold_for_all(evidence: Evidence, scores: FloatArray, promise: float) -> float:
    """The lowest threshold at which, on average over the sources that judge, the promise is kept."""
    targets = judgeable(evidence.targets, evidence.sources)
    values, truth, weights = [], [], []
    for source in evidence.judges:
        known = (targets != UNKNOWN) & (evidence.sources == source)[:, None]
        shown = scores[known] >= _LOWEST
        values.append(scores[known][shown])
        truth.append(targets[known][shown] == 1)
        weights.append(np.full(shown.sum(), 1 / max(1, int((evidence.sources == source).sum()))))
    together, right, weight = (np.concatenate(parts) for parts in (values, truth, weights))
    return max(_LOWEST, lowest_threshold(together, right, promise, weight)) if len(together) else promise


_LOWEST = 0.1
"""No threshold is lower: what is left out nine times in ten is no guess worth showing."""


def _threshold_of(
    evidence: Evidence, scores: FloatArray, tag: int, common: float, asked: float, *, careful: bool = False
) -> float:
    """The lowest threshold at which a tag is right as often as is asked; 0 where too few photos judge it.

    Args:
        careful: sets whose labels are not complete judge, too.
    """
    known = evidence.targets[:, tag] != UNKNOWN
    if not careful:
        known &= np.isin(evidence.sources, evidence.judges)
    if (evidence.targets[known, tag] == 0).any() and (scores[known, tag] >= common).sum() >= FEWEST_SHOWN:
        weights = evidence.photo_weights()[known]
        return lowest_threshold(scores[known, tag], evidence.targets[known, tag] == 1, asked, weights)
    return 0.0
