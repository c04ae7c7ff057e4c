"""How many flipped labels are found, by heads that have not learnt them and by one that has; cleanlab beside us.

    VECTORTAG_DATA=... python benchmarks/label_errors.py --dataset coco corel5k flickr8k --share 0.05 0.2 --model lite0

Of each tag, a share of its photos loses the label, and as many others get it. N is the number of flipped labels.
Printed are how many labels are doubted, which share of these is flipped, which share of the flipped ones is among them,
and which share of the N/2 and of the N most doubtful labels is flipped. Of a list of cleanlab's, the last column is
the share of flipped ones in as many of VectorTag's.

cleanlab (Apache-2.0 in 2.9) gets the same scores, where it is installed: `pip install cleanlab`. It judges each tag by
itself, as two classes; its finds are ranked by self-confidence, its own measure.
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
    from vectortag.assembly.label_errors import doubted_labels

    count = int(flipped.sum())
    ours = np.array([flipped[one.row, one.tag] for one in doubted_labels(scores, labels)])
    print_line(name, "VectorTag", ours, count, ours)
    try:
        import cleanlab  # noqa: F401
    except ModuleNotFoundError:
        return
    for method in METHODS:
        found, confidence = doubted_by_cleanlab(scores, labels, method)
        order = np.argsort(confidence[found], kind="stable")
        print_line(name, f"cleanlab, `{method}`", flipped[found][order], count, ours)


def doubted_by_cleanlab(scores: np.ndarray, labels: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, T) bool, which labels it doubts, and (N, T), its confidence in each: the lower, the more doubtful."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_self_confidence_for_each_label

    found, confidence = np.zeros(labels.shape, bool), np.full(labels.shape, np.inf)
    for tag in range(labels.shape[1]):
        rows = np.flatnonzero(labels[:, tag] != 255)
        given, share = labels[rows, tag].astype(int), scores[rows, tag].astype(float)
        if len(set(given.tolist())) == 2:
            both = np.stack([1 - share, share], axis=1)
            found[rows, tag] = find_label_issues(given, both, filter_by=method, n_jobs=1)
            confidence[rows, tag] = get_self_confidence_for_each_label(given, both)
    return found, confidence


def print_line(name: str, program: str, found: np.ndarray, count: int, ours: np.ndarray) -> None:
    """One row: `found` says of each doubted label, the most doubtful first, whether it is flipped; `ours`, of ours."""
    half = count // 2
    shares = (
        found.mean(),
        found.sum() / count,
        found[:half].sum() / half,
        found[:count].sum() / count,
        ours[: len(found)].mean(),
    )
    print(f"| {name} | {program} | {len(found):,} | {' | '.join(f'{share:.1%}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
