"""Tags that no photo has taught: groups of the classes that the backbone was pretrained with.

Which classes make a tag stands in the taxonomy's [groups]. How far such a tag can be trusted is borrowed from those
groups whose tags the photos do teach: there it can be seen how often a group is right.
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
"""How often such a tag must be right where it is shown: nobody has judged it by itself, so it is shown with care."""

FEWEST_POSITIVES = 10
"""A taught tag with fewer photos says nothing about its group."""


@dataclass(frozen=True, slots=True)
class Borrowed:
    """What is known of the tags that no photo has taught.

    Attributes:
        first: their first place among all tags; they are the last.
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
    places = {name: place for place, name in enumerate(classifier.names)}
    groups = np.zeros((len(tags), len(places)), np.uint8)
    for row, tag in enumerate(tags):
        groups[row, [places[name] for name in taxonomy.groups[tag] if name in places]] = 1
    return SoftmaxGroupsBlock(classifier, groups)


def borrow(logits: FloatArray, targets: ByteArray, *, first: int) -> Borrowed:
    """How far groups can be trusted, from the groups whose tags are taught.

    Args:
        logits: (N, R) of the groups of R taught tags.
        targets: (N, R) uint8, 255 = unknown.
        first: the place of the first tag that borrows.
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
