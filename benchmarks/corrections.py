"""What do corrections teach? Average precision and F1 of the corrected tags on photos that nobody corrected.

    VECTORTAG_DATA=... python benchmarks/corrections.py

Two cases. "At home": the shipped head and its own validation photos. "Abroad": a head fitted without one of the three
sets, on that set's photos, as a user's photos differ from those that a model learnt from. In both, half of the photos
are there to be corrected: for each tag the first ten that the model decides wrongly, or the first twenty that it shows
as having the tag, right or wrong. The other half judges. For each resistance (see `vectortag.personal.refit`) the table
says how many corrected photos come out right and what happened to average precision and F1, means over all tags with at
least four corrections and eight photos that judge.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from new_tags import SETS, prepare

from vectortag.assembly.mlp import fit_mlp
from vectortag.assembly.operating_point import calibrate
from vectortag.core.numerics import sigmoid
from vectortag.core.types import UNKNOWN
from vectortag.data.records import read_data_set
from vectortag.data.split import split_by_column, split_together
from vectortag.data.vocabulary import record_tags
from vectortag.evaluation.metrics import average_precision
from vectortag.inference.tagger import Tagger
from vectortag.model.blocks import MlpBlock
from vectortag.model.calibration import Calibration
from vectortag.model.hierarchy import Hierarchy
from vectortag.personal.refit import RESISTANCE, refit

RESISTANCES = (3.0, 10.0, RESISTANCE, 100.0, 300.0)
FEWEST_CORRECTIONS, FEWEST_JUDGES = 4, 8


@dataclass
class Case:
    """A head, its background, and the photos that are corrected and that judge."""

    name: str
    block: MlpBlock
    calibration: Calibration
    background: np.ndarray
    embeddings: np.ndarray
    targets: np.ndarray


Choice = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
"""(scores, targets, threshold) of one tag on the photos that can be corrected -> which are."""

CHOICES: dict[str, Choice] = {
    "ten errors": lambda scores, has, threshold: np.flatnonzero((scores >= threshold) != has)[:10],
    "twenty shown": lambda scores, _, threshold: np.flatnonzero(scores >= threshold)[:20],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lite0")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    tagger = Tagger.load(arguments.model, additions=False)
    training, validation = prepare(tagger, arguments.cache)
    for case in cases(tagger, training, validation):
        for name, choice in CHOICES.items():
            for resistance in RESISTANCES:
                print(f"{case.name:16} {name:13} resistance {resistance:5.0f}  {measure(case, choice, resistance)}")


def cases(tagger: Tagger, training, validation):
    """At home, then abroad on each of the two sets whose tags are words of people."""
    calibration = tagger.folder.manifest.operating_points[0].calibration
    yield Case("at home", tagger.folder.head.blocks[0], calibration, tagger.folder.background, *validation)
    hierarchy = Hierarchy.of(tagger.tags, tagger.folder.manifest.taxonomy)
    sets = [set_names(tagger, side) for side in (0, 1)]
    for away in ("flickr8k", "corel5k"):
        here, judging = sets[0] != away, sets[1] != away
        block = fit_mlp(training[0][here], training[1][here])
        fitted = calibrate(block.logits(validation[0][judging]), validation[1][judging], hierarchy)
        rows = np.random.default_rng(0).permutation(np.flatnonzero(here))[:1000]
        parts = [np.concatenate([training[n][~here], validation[n][~judging]]) for n in (0, 1)]
        yield Case(f"abroad, {away}", block, fitted, training[0][rows], *parts)


def set_names(tagger: Tagger, side: int) -> np.ndarray:
    """The set of each photo of one side, in the order of `prepare`."""
    names = []
    for name in SETS:
        data = read_data_set(f"{os.environ['VECTORTAG_DATA']}/{name}/metadata.csv", name=name)
        if data.has_splits:
            sides = split_by_column(data)
        else:
            tags = [record_tags(record, tagger.folder.manifest.taxonomy) for record in data.records]
            sides = split_together(data.records, tags, [], validation=0.1, seed=1)
        names.extend([name] * len(sides[side]))
    return np.array(names)


def measure(case: Case, choice: Choice, resistance: float) -> str:
    """One line of the table."""
    order = np.random.default_rng(0).permutation(len(case.embeddings))
    corrected, judging = order[: len(order) // 2], order[len(order) // 2 :]
    hidden, of_background = case.block.hidden(case.embeddings), case.block.hidden(case.background)
    slope, bias = case.calibration.slope, case.calibration.bias
    logits, background = (slope * (h @ case.block.w2.T + case.block.b2) + bias for h in (hidden, of_background))
    thresholds = case.calibration.thresholds["balanced"]
    figures = []
    for tag, threshold in enumerate(thresholds):
        known = case.targets[:, tag] != UNKNOWN
        has = case.targets[:, tag] == 1
        pool, judges = corrected[known[corrected]], judging[known[judging]]
        if np.isnan(threshold) or slope[tag] == 0 or has[judges].sum() < FEWEST_JUDGES or has[judges].all():
            continue
        rows = pool[choice(sigmoid(logits[pool, tag]), has[pool], threshold)]
        if len(rows) < FEWEST_CORRECTIONS:
            continue
        w, b = refit(
            of_background,
            hidden[rows],
            has[rows],
            logits=(background[:, tag], logits[rows, tag]),
            resistance=resistance,
        )
        before = sigmoid(logits[:, tag])
        after = sigmoid(logits[:, tag] + hidden @ w + b)
        right = ((after[rows] >= threshold) == has[rows]).mean()
        judged = [judge(scores[judges], has[judges], threshold) for scores in (before, after)]
        figures.append((right, *judged[0], *judged[1]))
    right, ap, f1, ap_after, f1_after = 100 * np.array(figures).mean(axis=0)
    return f"{len(figures):3} tags  right {right:3.0f} %  AP {ap:.1f} -> {ap_after:.1f}  F1 {f1:.1f} -> {f1_after:.1f}"


def judge(scores: np.ndarray, has: np.ndarray, threshold: float) -> tuple[float, float]:
    """Average precision, and F1 at the tag's threshold."""
    precision = average_precision(scores[:, None].astype(np.float32), has[:, None].astype(np.uint8))[0]
    found = scores >= threshold
    return float(precision), 2 * float((found & has).sum()) / max(int(found.sum() + has.sum()), 1)


if __name__ == "__main__":
    main()
