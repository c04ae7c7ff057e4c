"""Tags that no photo has taught: groups of the classes that the backbone was pretrained with.

The taxonomy's [groups] say which classes make a tag. No photo can calibrate such a tag, so it borrows its calibration
from groups whose tags photos do teach, where the validation photos show how often a group is right.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from vectortag.core.types import UNKNOWN, ByteArray, FloatArray
from vectortag.model.blocks import SoftmaxGroupsBlock
from vectortag.model.calibration import Calibration, Profile, calibrate_rare, rare_weights
from vectortag.model.classifier import Classifier
from vectortag.model.taxonomy import Taxonomy

PREVALENCE = 0.01
"""The share of photos that are taken to have such a tag: they are things that the sets name rarely or never."""

PRECISION: dict[Profile, float] = {"precise": 0.9, "balanced": 0.75, "thorough": 0.5}
"""The precision of such a tag at its threshold: it was never judged by itself, so the threshold is cautious."""

FEWEST_POSITIVES = 10
"""A taught tag with fewer photos says nothing about its group."""


@dataclass(frozen=True, slots=True)
class Borrowed:
    """What is known of the tags that no photo has taught.

    Attributes:
        first: the index of the first of them among all tags; the others follow.
        calibration: of one tag; all of them share it.
    """

    first: int
    calibration: Calibration


def borrowed_tags(taxonomy: Taxonomy, classes: Collection[str], taught: Collection[str]) -> tuple[str, ...]:
    """The tags of the taxonomy's groups that are not taught, and of which some class is known, by name."""
    known = set(classes)
    return tuple(sorted(tag for tag, group in taxonomy.groups.items() if tag not in taught and known & set(group)))


def group_block(classifier: Classifier, taxonomy: Taxonomy, tags: Sequence[str]) -> SoftmaxGroupsBlock:
    """The head block of these tags; classes that the classifier does not know are passed over."""
    indexes = {name: index for index, name in enumerate(classifier.names)}
    groups = np.zeros((len(tags), len(indexes)), np.uint8)
    for row, tag in enumerate(tags):
        groups[row, [indexes[name] for name in taxonomy.groups[tag] if name in indexes]] = 1
    return SoftmaxGroupsBlock(classifier, groups)


def borrow(logits: FloatArray, targets: ByteArray, *, first: int) -> Borrowed:
    """Fit the calibration that untaught tags borrow, on the groups whose tags are taught.

    Args:
        logits: (N, R) of the groups of R taught tags.
        targets: (N, R) uint8, 255 = unknown.
        first: the index of the first tag that borrows.
    """
    values, truth, weights = [], [], []
    for tag in range(logits.shape[1]):
        known = targets[:, tag] != UNKNOWN
        has = targets[known, tag] == 1
        if has.sum() < FEWEST_POSITIVES or has.all():
            continue
        values.append(logits[known, tag])
        truth.append(has)
        weights.append(rare_weights(has, PREVALENCE, len(targets)))
    prior = np.array([1.0, 0.0])
    if not values:
        return Borrowed(first, Calibration.of_one(prior[0], prior[1], PRECISION))
    together, has, weight = (np.concatenate(parts) for parts in (values, truth, weights))
    return Borrowed(first, calibrate_rare(together, has, weight, prior=prior, strength=1e-3, precision=PRECISION))
