"""How good a vocabulary of a set's own words is on a shipped network, against the plain head and ridge regression.

    VECTORTAG_DATA=... python benchmarks/raw_words.py lite0 lite2 resnet18

The words of COCO, Corel-5k and Flickr8k as they are, without any taxonomy (of Flickr8k's those with 100 training
photos), on embeddings of the shipped networks; training and validation photos are those of the shipped models, so no
network has seen the latter. Validation mAP of three heads:

    ridge    linear regression on standardised embeddings, the best of three strengths
    plain    Linear K-256, ReLU, Dropout 0.4, Linear by Adam, 25 epochs, at its best epoch
    fit      what `vectortag fit` fits, at its best epoch
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from measuring import print_table

from vectortag.assembly.fit import fit_head
from vectortag.assembly.mlp import fit_mlp
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.usable import embed_data_set
from vectortag.data.vocabulary import build_targets, choose_vocabulary
from vectortag.evaluation.evaluate import choose_part
from vectortag.evaluation.metrics import average_precision, mean_over_tags
from vectortag.inference.tagger import Tagger
from vectortag.model.taxonomy import load_taxonomy

SETS = {"coco": 1, "corel5k": 1, "flickr8k": 100}
"""Each set, and how many training photos a word needs."""

STRENGTHS = (0.1, 0.3, 1.0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    rows = []
    for model in parser.parse_args().models:
        tagger = Tagger.load(model, precision="exact", additions=False)
        for name, least in SETS.items():
            rows.append(
                {"model": model, "set": name, **measure(tagger, Path(os.environ["VECTORTAG_DATA"]) / name, least)}
            )
    print_table(rows, None)


def measure(tagger: Tagger, path: Path, least: int) -> dict[str, object]:
    """The number of words, and the mAP of the three heads."""
    data, embeddings = embed_data_set(tagger.embedder, tagger.folder, read_tagged_photos(path))
    parts = [choose_part(data, split, tagger.folder.manifest) for split in ("train", "val")]
    as_they_are = load_taxonomy("none")
    words = choose_vocabulary(parts[0], as_they_are, min_photos=least)
    training, validation = (np.stack([embeddings[record.path] for record in part]) for part in parts)
    targets, judged = (build_targets(part, words, as_they_are, words) for part in parts)

    def score(logits: np.ndarray) -> float:
        return 100 * mean_over_tags(average_precision(logits.astype(np.float32), judged))

    plain: list[float] = []
    fit_mlp(training, targets, after_epoch=lambda head: plain.append(score(head.logits(validation))))
    sets = SimpleNamespace(training=SimpleNamespace(targets=targets), validation=SimpleNamespace(targets=judged))
    head, _ = fit_head(training, validation, sets, max_positive_weight=1.0, seed=1)  # type: ignore[arg-type]
    return {
        "words": len(words),
        "ridge": ridge(training, targets, validation, score),
        "plain": max(plain),
        "fit": score(head.logits(validation)),
    }


def ridge(training: np.ndarray, targets: np.ndarray, validation: np.ndarray, score) -> float:  # type: ignore[no-untyped-def]
    """The mAP at the best strength."""
    middle, spread = training.mean(axis=0), training.std(axis=0) + 1e-3
    x, y = (training - middle) / spread, targets - targets.mean(axis=0)
    gram = x.T @ x
    return max(
        score((validation - middle) / spread @ np.linalg.solve(gram + s * len(x) * np.eye(len(gram)), x.T @ y))
        for s in STRENGTHS
    )


if __name__ == "__main__":
    main()
