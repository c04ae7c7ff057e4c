"""How good is a tag that was added from a few photos, against the same tag trained with the head?

    VECTORTAG_DATA=... python benchmarks/new_tags.py --model lite0

Twenty tags, drawn over the whole range of frequencies, are left out of a head fitted on the model's embeddings of the
three shared sets, and added back from 5, 10, 20 and 50 training photos, five draws each. What is compared is average
precision on validation photos, as a share of that of a head fitted with all tags. Two classifiers for the new tags,
fitted against the same background: ours, and L2 logistic regression (scikit-learn), the usual baseline, on the
embedding, on the hidden values, and on the features that ours uses. On photos of another source than the examples:
`new_tags_elsewhere.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from vectortag.assembly.mlp import fit_mlp
from vectortag.core.types import UNKNOWN
from vectortag.data.records import Record, read_data_set
from vectortag.data.split import split_by_column, split_together
from vectortag.data.vocabulary import build_targets, judgeable, known_tags, record_tags
from vectortag.evaluation.metrics import average_precision
from vectortag.inference.tagger import Tagger
from vectortag.model.added_block import new_tag_features, new_tag_parts
from vectortag.model.blocks import MlpBlock
from vectortag.model.head import Head
from vectortag.personal.few_shot import fit_tag

SETS = ("coco", "corel5k", "flickr8k")
COUNTS = (5, 10, 20, 50)
ENOUGH, ENOUGH_TO_JUDGE = 80, 8
"""A tag takes part that has so many training photos, and so many validation photos."""

Rank = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]
"""(examples (P, K), background (B, K)) -> a function that scores embeddings (N, K) -> (N,)."""


def main() -> None:
    """Measure and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lite0")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--tags", type=int, default=20)
    parser.add_argument("--plot", type=Path, help="Draw the table as this PNG.")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    tagger = Tagger.load(arguments.model, additions=False)
    training, validation = prepare(tagger, arguments.cache)
    added = draw_tags(training[1], validation[1], arguments.tags)
    others = [tag for tag in range(training[1].shape[1]) if tag not in set(added)]
    whole = fit_mlp(*training)
    part = fit_mlp(training[0], training[1][:, others])
    trained = average_precision(whole.logits(validation[0]), validation[1])
    reference = float(np.mean(trained[added]))
    names = [tagger.tags[tag] for tag in added]
    print(
        f"{tagger.folder.id}; head fitted here: mAP {np.nanmean(trained):.3f}; the {len(added)} tags: {reference:.3f}"
    )
    print("added:", ", ".join(names))
    background = training[0][np.random.default_rng(1).permutation(len(training[0]))[:1000]]
    table = {}
    for name, rank in methods(part).items():
        shares, seconds = measure(rank, training, validation, added, background, reference, arguments.draws)
        table[name] = {**shares, "ms": seconds * 1000}
        print(
            f"{name:34}", *(f"{n}: {100 * share:5.1f} %  " for n, share in shares.items()), f"{1000 * seconds:.0f} ms"
        )
    if arguments.plot:
        draw(table, arguments.plot)
    print(json.dumps({"model": tagger.folder.id, "reference": reference, "tags": names, "share_of_reference": table}))


def prepare(tagger: Tagger, cache: Path) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Embeddings and targets of training and validation; the embeddings are kept for a second run."""
    parts: tuple[list[Record], list[Record]] = ([], [])
    targets: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    manifest = tagger.folder.manifest
    for name in SETS:
        data = read_data_set(f"{os.environ['VECTORTAG_DATA']}/{name}/metadata.csv", name=name)
        if data.has_splits:
            sides = split_by_column(data)
        else:
            tags = [record_tags(record, manifest.taxonomy) for record in data.records]
            sides = split_together(data.records, tags, [], validation=0.1, seed=1)
        known = known_tags(sides[0], manifest.tags, manifest.taxonomy, name)
        for side in (0, 1):
            parts[side].extend(sides[side])
            targets[side].append(build_targets(sides[side], manifest.tags, manifest.taxonomy, known))
    file = cache / f"vectortag-embeddings-{tagger.folder.digest[:16]}.npz"
    if not file.is_file():
        paths = [record.path for part in parts for record in part]
        every = np.stack([embedding for _, embedding in tagger.embedder.embed_many(paths)])
        np.savez(file, training=every[: len(parts[0])], validation=every[len(parts[0]) :])
    with np.load(file) as kept:
        training, validation = kept["training"], kept["validation"]
    return (training, judgeable(np.concatenate(targets[0]))), (validation, np.concatenate(targets[1]))


def draw_tags(training: np.ndarray, validation: np.ndarray, count: int) -> list[int]:
    enough = ((training == 1).sum(axis=0) >= ENOUGH) & ((validation == 1).sum(axis=0) >= ENOUGH_TO_JUDGE)
    judged = ((validation == 0).sum(axis=0) > 0) & ((training == 0).sum(axis=0) > 0)
    usable = np.flatnonzero(enough & judged)
    return [int(tag) for tag in np.random.default_rng(0).choice(usable, count, replace=False)]


def methods(part: MlpBlock) -> dict[str, Rank]:
    head = Head((part,))

    def ours(examples: np.ndarray, background: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        features = new_tag_features(head, examples)
        fitted = fit_tag(
            features[:, None], features[:0, None], new_tag_features(head, background), parts=new_tag_parts(head)
        )
        return lambda embeddings: new_tag_features(head, embeddings) @ fitted.w

    def logistic(of: Callable[[np.ndarray], np.ndarray]) -> Rank:
        def rank(examples: np.ndarray, background: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
            known = np.concatenate([of(examples), of(background)])
            scale = known.std(axis=0) * np.sqrt(known.shape[1]) + 1e-6
            truth = np.arange(len(known)) < len(examples)
            model = LogisticRegression(C=3, class_weight="balanced", max_iter=300).fit(known / scale, truth)
            return lambda embeddings: (of(embeddings) / scale) @ model.coef_[0]

        return rank

    return {
        "ours": ours,
        "logistic regression, embedding": logistic(lambda e: e),
        "logistic regression, hidden": logistic(part.hidden),
        "logistic regression, our features": logistic(lambda e: new_tag_features(head, e)),
    }


def measure(
    rank: Rank,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    added: Sequence[int],
    background: np.ndarray,
    reference: float,
    draws: int,
) -> tuple[dict[int, float], float]:
    """Mean average precision over tags and draws as a share of the reference, for each number of examples; s a fit."""
    shares, seconds, fits = {}, 0.0, 0
    for count in COUNTS:
        precisions = []
        for tag in added:
            positives = np.flatnonzero(training[1][:, tag] == 1)
            rows = validation[1][:, tag] != UNKNOWN
            for draw in range(draws):
                chosen = np.random.default_rng([tag, draw]).choice(positives, count, replace=False)
                start = time.perf_counter()
                score = rank(training[0][chosen], background)
                seconds, fits = seconds + time.perf_counter() - start, fits + 1
                scores = score(validation[0][rows]).astype(np.float32)
                precisions.append(average_precision(scores[:, None], validation[1][rows, tag][:, None])[0])
        shares[count] = float(np.mean(precisions)) / reference
    return shares, seconds / fits


def draw(table: dict[str, dict], file: Path) -> None:
    """Shares of the trained head over the number of photos."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, row in table.items():
        style = {"linewidth": 2.5, "color": "#0072B2"} if name == "ours" else {"linewidth": 1.2, "linestyle": "--"}
        axes.plot(COUNTS, [100 * row[count] for count in COUNTS], marker="o", label=name, **style)
    axes.axhline(100, color="#595959", linestyle=":", label="trained with all tags")
    axes.set_xscale("log")
    axes.set_xticks(COUNTS, [str(count) for count in COUNTS])
    axes.minorticks_off()
    axes.set_xlabel("example photos")
    axes.set_ylabel("average precision, % of the trained tag's")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
