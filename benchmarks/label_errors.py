"""How many flipped labels are found by heads that have not learnt them, and how many by a head that has.

    VECTORTAG_DATA=... python benchmarks/label_errors.py --share 0.05 --photos 2000

Of each tag, a share of its photos loses the label, and as many others get it. N is the number of flipped labels.
Printed are precision and recall of the labels that `vectortag check --labels` doubts, and the share of flipped ones
among the N most doubtful, for out-of-fold scores and for those of one head that was fitted on all photos.

`--save FILE` writes labels and scores as .npz, so that other programs can judge by the same scores: cleanlab's, say,
which is under the AGPL and therefore no part of this repository.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="coco")
    parser.add_argument("--model", default="lite0")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--save", type=Path)
    arguments = parser.parse_args()
    embeddings, targets = labelled_photos(arguments.dataset, arguments.model, arguments.photos)
    labels, flipped = flip(targets, arguments.share)
    print(
        f"{len(labels):,} photos, {labels.shape[1]} tags, {flipped.sum():,} of {(labels != 255).sum():,} labels flipped"
    )
    scores = {name: judge(name, embeddings, labels) for name in ("out of fold", "one head")}
    for name, values in scores.items():
        print_figures(name, values, labels, flipped)
    if arguments.save:
        names = {name.replace(" ", "_"): values for name, values in scores.items()}
        np.savez(arguments.save, labels=labels, flipped=flipped, **names)


def labelled_photos(dataset: str, model: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, K) of photos drawn at random, and targets (N, T) of the tags that 20 of them have at least."""
    from vectortag.assembly.fit import embed_data_set
    from vectortag.data.usable import read_usable
    from vectortag.data.vocabulary import build_targets, choose_vocabulary, judgeable, known_tags
    from vectortag.inference.tagger import Tagger
    from vectortag.model.taxonomy import load_taxonomy

    data = read_usable(Path(os.environ["VECTORTAG_DATA"]) / dataset, skip_bad_rows=True)
    rows = np.random.default_rng(9).permutation(len(data.records))[:count]
    data = replace(data, records=tuple(data.records[row] for row in rows))
    tagger, taxonomy = Tagger.load(model, additions=False), load_taxonomy("default")
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
    from vectortag.assembly.fit import FIT_OPTIONS
    from vectortag.assembly.label_errors import EPOCHS, folds_of, out_of_fold_scores
    from vectortag.assembly.mlp import fit_mlp
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
    """What is doubted, and what the N most doubtful labels are."""
    from vectortag.assembly.label_errors import doubted_labels

    found = np.array([flipped[one.row, one.tag] for one in doubted_labels(scores, labels)], bool)
    count = int(flipped.sum())
    against = np.where(labels == 1, 1 - scores, scores)
    against[labels == 255] = -1
    first = flipped.ravel()[np.argsort(-against.ravel(), kind="stable")[:count]]
    print(
        f"{name:12} doubted {len(found):,}: precision {100 * found.mean():.1f} %, recall "
        f"{100 * found.sum() / count:.1f} %; of the first N doubted {100 * found[:count].sum() / count:.1f} % are "
        f"flipped, of the N that the score contradicts most {100 * first.mean():.1f} %"
    )


if __name__ == "__main__":
    main()
