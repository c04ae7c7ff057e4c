"""How many flipped labels are found, by heads that have not learnt them and by one that has; cleanlab beside us.

    VECTORTAG_DATA=... python benchmarks/label_errors.py --dataset coco corel5k flickr8k --share 0.05 0.2 --photos 1000

Of each tag, a share of its photos loses the label, and as many others get it. N is the number of flipped labels.
Printed are how many labels are doubted, precision and recall of these, and the share of flipped ones among the N most
doubtful: by `vectortag check --labels`, and on the same scores by cleanlab, where it is installed (Apache-2.0 in 2.9).
cleanlab judges each tag by itself, as two classes; its finds are ranked by self-confidence, its own measure. "As many
as" is our ranking of all labels, cut where cleanlab cuts its own.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

METHODS = ("confident_learning", "prune_by_noise_rate")
"""Of cleanlab's `find_label_issues`."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", nargs="+", default=["coco"])
    parser.add_argument("--model", default="lite2")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--share", type=float, nargs="+", default=[0.05])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--one-head", action="store_true", help="also judge by one head that was fitted on all photos")
    arguments = parser.parse_args()
    for dataset in arguments.dataset:
        embeddings, targets = labelled_photos(dataset, arguments.model, arguments.precision, arguments.photos)
        for share in arguments.share:
            labels, flipped = flip(targets, share)
            known = (labels != 255).sum()
            of = f"{dataset}, {len(labels):,} photos, {labels.shape[1]} tags"
            print(f"{of}, {share:.0%}: N = {flipped.sum():,} of {known:,} labels")
            for name in ["out of fold", *(["one head"] if arguments.one_head else [])]:
                print_figures(name, judge(name, embeddings, labels), labels, flipped)


def labelled_photos(dataset: str, model: str, precision: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, K) of photos drawn at random, and targets (N, T) of the tags that 20 of them have at least."""
    from vectortag.data.usable import embed_data_set, read_usable
    from vectortag.data.vocabulary import build_targets, choose_vocabulary, judgeable, known_tags
    from vectortag.inference.tagger import Tagger
    from vectortag.model.taxonomy import load_taxonomy

    data = read_usable(Path(os.environ["VECTORTAG_DATA"]) / dataset, skip_bad_rows=True)
    rows = np.random.default_rng(9).permutation(len(data.records))[:count]
    data = replace(data, records=tuple(data.records[row] for row in rows))
    tagger, taxonomy = Tagger.load(model, additions=False, precision=precision), load_taxonomy("default")
    data, embeddings = embed_data_set(tagger.embedder, tagger.folder, data, skip_bad_rows=True)
    tags = choose_vocabulary(data.records, taxonomy, min_photos=20)
    known = known_tags(data.records, tags, taxonomy, data.name, stated=data.known)
    targets = judgeable(build_targets(data.records, tags, taxonomy, known))
    return np.stack([embeddings[record.path] for record in data.records]), targets


def flip(targets: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which some are wrong, (N, T) uint8, and which: (N, T) bool."""
    random = np.random.default_rng(0)
    labels, flipped = targets.copy(), np.zeros(targets.shape, bool)
    for tag in range(targets.shape[1]):
        sides = [np.flatnonzero(targets[:, tag] == value) for value in (1, 0)]
        count = min(round(share * len(sides[0])), len(sides[1]))
        for rows in sides:
            flipped[random.choice(rows, count, replace=False), tag] = True
    labels[flipped] = 1 - labels[flipped]
    return labels, flipped


def judge(name: str, embeddings: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N, T) calibrated scores."""
    from vectortag.assembly.folds import EPOCHS, folds_of, out_of_fold_scores
    from vectortag.assembly.mlp import FIT_OPTIONS, fit_mlp
    from vectortag.data.vocabulary import judgeable
    from vectortag.model.calibration import Calibration, fit_calibration

    started = time.process_time()
    if name == "out of fold":
        scores = out_of_fold_scores(embeddings, labels, folds_of(len(labels)))
    else:
        logits = fit_mlp(embeddings, labels, replace(FIT_OPTIONS, epochs=EPOCHS)).logits(embeddings)
        scores = Calibration(*fit_calibration(logits, judgeable(labels)), {}).scores(logits)
    print(f"{name}: {time.process_time() - started:.0f} s of CPU")
    return scores


def print_figures(name: str, scores: np.ndarray, labels: np.ndarray, flipped: np.ndarray) -> None:
    """What each program doubts, and how many of these labels are flipped; in percent."""
    from vectortag.assembly.label_errors import doubted_labels, suspicion

    count = int(flipped.sum())
    doubted = [(one.row, one.tag) for one in doubted_labels(scores, labels)]
    print_line(name, "VectorTag", [flipped[place] for place in doubted], count)
    every = np.nan_to_num(suspicion(scores, labels), nan=-np.inf, posinf=1e9)
    ranked = flipped.ravel()[np.argsort(-every.ravel(), kind="stable")]
    print_line(name, "VectorTag, all labels ranked", ranked[:count], count)
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_self_confidence_for_each_label
    except ModuleNotFoundError:
        return
    confidence = np.full(labels.shape, np.inf)
    found = {method: np.zeros(labels.shape, bool) for method in METHODS}
    for tag in range(labels.shape[1]):
        rows = np.flatnonzero(labels[:, tag] != 255)
        given, share = labels[rows, tag].astype(int), scores[rows, tag].astype(float)
        if given.min() == given.max():
            continue
        both = np.stack([1 - share, share], axis=1)
        confidence[rows, tag] = get_self_confidence_for_each_label(given, both)
        for method, wrong in found.items():
            wrong[rows, tag] = find_label_issues(given, both, filter_by=method, n_jobs=1)
    order = np.argsort(confidence.ravel(), kind="stable")
    for method, wrong in found.items():
        first = flipped.ravel()[order[wrong.ravel()[order]]]
        print_line(name, f"cleanlab, {method}", first, count)
        print_line(name, f"VectorTag, as many as {method}", ranked[: len(first)], count)
    print_line(name, "cleanlab, all labels ranked", flipped.ravel()[order[:count]], count)


def print_line(name: str, program: str, found: list[bool] | np.ndarray, count: int) -> None:
    """One row: `found` says of each doubted label, the most doubtful first, whether it is flipped."""
    hits = np.array(found, bool)
    print(
        f"| {name} | {program} | {len(hits):,} | {100 * hits.mean():.1f} % | {100 * hits.sum() / count:.1f} % "
        f"| {100 * hits[:count].sum() / count:.1f} % |",
        flush=True,
    )


if __name__ == "__main__":
    main()
