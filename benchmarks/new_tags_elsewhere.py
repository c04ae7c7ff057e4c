"""How good are new tags on photos of another source than their examples, and how true is what the command promises?

    VECTORTAG_DATA=... VECTORTAG_MORE=... python benchmarks/new_tags_elsewhere.py --model lite2

Tags that several sources have are left out of a head, and added back from 5, 10, 20 and 50 photos of one set, five
draws each; photos of other sources judge them, as if 2 % of photos had the tag. The bank holds no photo of these
sources. What is promised of a tag comes from curves that were fitted on the other tags. Three ways, in one run:
examples against 1,000 photos of the three shared sets, with a threshold from the examples; examples against a bank of
many sources, with trust; and that with the tag's name.

The table has means over tags: the precision of what is shown, the recall, what was promised of both, the share of tags
whose precision is at most 7 points off the promise, and the share at most 7 points below it; and the recall where the
precision is 80 %, by the best threshold there is.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vectortag.assembly.judged_photos import JudgedPhotos, judge_photos
from vectortag.assembly.measure_trust import embed_names, read_names
from vectortag.assembly.photo_trials import (
    COUNTS,
    Attempt,
    FeaturesOf,
    attempts_of,
    head_without,
    said_by_names,
    transfers_of,
    try_attempts,
)
from vectortag.assembly.trust_curves import Kept, Outcome, Trial, cross_fit, outcome
from vectortag.assembly.word_trials import views_of
from vectortag.core.numerics import logit
from vectortag.data.records import read_data_set
from vectortag.inference.tagger import Tagger
from vectortag.model.added_block import new_tag_features, new_tag_parts
from vectortag.model.head import Head
from vectortag.model.trust import Promise
from vectortag.personal.few_shot import Backdrop, fit_tag

SHARED = ("coco", "corel5k", "flickr8k")
PROMISED, CLOSE = 0.8, 0.07
FORMER_BACKGROUND = 1000


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lite2", help="A model's name or folder.")
    parser.add_argument("--precision", default="exact", help='Of the network; "bf16" takes what a training cached.')
    parser.add_argument("--tags", type=int, default=40)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    tagger = Tagger.load(arguments.model, additions=False, precision=arguments.precision)
    files = [Path(os.environ["VECTORTAG_DATA"]) / name / "metadata.csv" for name in SHARED]
    files += sorted(Path(os.environ["VECTORTAG_MORE"]).glob("*/metadata.csv"))
    photos = judge_photos(tagger, [read_data_set(file, name=file.parent.name, skip_bad_rows=True) for file in files])
    transfers = transfers_of(photos, tagger.folder.manifest.taxonomy, most=arguments.tags)
    names = sorted({photos.tags[one.tag] for one in transfers})
    print(f"{tagger.folder.id}: {len(names)} tags, {len(transfers)} pairs of sources:", ", ".join(names), flush=True)
    head = head_without(tagger.folder, photos, [one.tag for one in transfers])
    attempts = attempts_of(photos, transfers, draws=arguments.draws)
    words = tagger.folder.words
    embedded = {} if words is None else embed_names(tagger.folder, words, read_names(photos, None))
    said = None if words is None else said_by_names(embedded, views_of(words, photos.embeddings))
    named = [one for one in attempts if one.transfer.tag in embedded]
    ways = {
        "threshold from the examples": (attempts, *as_before(photos, attempts, head)),
        "bank and trust": (attempts, *with_trust(try_attempts(photos, attempts, head))),
        "bank, name and trust": (named, *with_trust(try_attempts(photos, named, head, said=said))),
    }
    rows = [
        {"way": way, "photos": count, **summary(count, *judged)} for way, judged in ways.items() for count in COUNTS
    ]
    print(f"| {' | '.join(rows[0])} |")
    print(f"|{' --- |' * len(rows[0])}")
    for row in rows:
        print(f"| {' | '.join(f'{value:.1f}' if isinstance(value, float) else str(value) for value in row.values())} |")
    if arguments.json:
        arguments.json.write_text(json.dumps({"model": tagger.folder.id, "tags": names, "rows": rows}, indent=2) + "\n")


def as_before(photos: JudgedPhotos, attempts: Sequence[Attempt], head: Head) -> tuple[list[Trial], list[Kept]]:
    """Against photos of the shared sets, at the threshold of best F1; that of the balanced profile asks for 80 %."""
    shared = np.isin(photos.sets, [photos.names.index(name) for name in SHARED])
    background = photos.embeddings[np.random.default_rng(1).permutation(np.flatnonzero(shared))[:FORMER_BACKGROUND]]
    backdrop = Backdrop.of(new_tag_features(head, background), new_tag_parts(head)).for_many()
    features = FeaturesOf(photos, head)
    trials, kept = [], []
    for attempt in attempts:
        examples = features[attempt.examples][:, None]
        fitted = fit_tag(examples, examples[:0], backdrop)
        slope, bias, thresholds = fitted.calibration.one(0)
        values = features[attempt.judging] @ fitted.w
        name = photos.tags[attempt.transfer.tag]
        trial = Trial(name, np.empty(0, np.float32), values[attempt.has], values[~attempt.has])
        came = outcome(trial, (float(logit(thresholds["balanced"])) - bias) / slope)
        trials.append(trial)
        kept.append(Kept(name, Promise(PROMISED, np.nan), came))
    return trials, kept


def with_trust(trials: list[Trial]) -> tuple[list[Trial], list[Kept]]:
    """Each tag by curves of the others."""
    return trials, cross_fit(trials)


def summary(
    count: int, attempts: Sequence[Attempt], trials: Sequence[Trial], kept: Sequence[Kept]
) -> dict[str, float | int]:
    """Percentages, means over tags of means over draws."""
    by_tag: dict[str, list[tuple[float, ...]]] = {}
    for attempt, trial, one in zip(attempts, trials, in_order(trials, kept), strict=True):
        if len(attempt.examples) == count:
            numbers = (one.came.precision, one.came.recall, one.promised.precision, one.promised.recall, best(trial))
            by_tag.setdefault(trial.tag, []).append(numbers)
    means = 100 * np.array([_mean(np.array(numbers)) for numbers in by_tag.values()])  # (tags, 5)
    off = means[:, 0] - means[:, 2]
    shown = ~np.isnan(off)
    return {
        "tags": len(by_tag),
        "precision": float(means[shown, 0].mean()),
        "recall": float(means[:, 1].mean()),
        "promised precision": float(means[:, 2].mean()),
        "promised recall": float(means[:, 3].mean()),
        "within 7 points": 100 * float((np.abs(off[shown]) <= 100 * CLOSE).mean()),
        "at most 7 points below": 100 * float((off[shown] >= -100 * CLOSE).mean()),
        "recall at 80 %": float(means[:, 4].mean()),
    }


def _mean(numbers: np.ndarray) -> np.ndarray:
    """The mean of each column; draws that show nothing have no precision."""
    counted = ~np.isnan(numbers)
    sums = np.where(counted, numbers, 0).sum(axis=0)
    return np.where(counted.any(axis=0), sums / np.maximum(counted.sum(axis=0), 1), np.nan)


def in_order(trials: Sequence[Trial], kept: Sequence[Kept]) -> list[Kept]:
    """What came of each trial, in the order of the trials: `cross_fit` goes by folds of tags."""
    of_tag: dict[str, list[Kept]] = {}
    for one in kept:
        of_tag.setdefault(one.tag, []).append(one)
    return [of_tag[trial.tag].pop(0) for trial in trials]


def best(trial: Trial) -> float:
    """The highest recall at a precision of 80 %."""
    cuts = np.unique(np.quantile(trial.positives, np.linspace(0, 1, 101)))
    outcomes: list[Outcome] = [outcome(trial, float(cut)) for cut in cuts]
    return max((one.recall for one in outcomes if one.precision >= PROMISED), default=0.0)


if __name__ == "__main__":
    main()
