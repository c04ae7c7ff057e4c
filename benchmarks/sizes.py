"""What does a larger input give, and what becomes of a tag that was added at the default size?

    VECTORTAG_DATA=... python benchmarks/sizes.py --model lite0 [--size 320] [--json FILE]

First table, on the validation photos of the three shared sets: the model at its default size; at the larger one with
calibration and thresholds of its own, as `vectortag train` makes them; and at the larger one with those of the default
size, which is why it does not. F1 is cross-fitted: each half of the photos by what the other half fitted.

Second table: tags of the model are taken out of its head and added back from a few training photos, at one size, and
judged on the validation photos at one size. What `Tagger.add_tag` does is "default -> default", and at the larger size
"default -> larger"; "larger -> larger" is a fit with everything at the larger size; "mixed" has examples of the larger
size against a background of the default one, which is what an addition made at the larger size would be without care.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measuring import print_table

from vectortag.assembly.operating_point import calibrate, cross_fit, score
from vectortag.core.types import UNKNOWN
from vectortag.data.records import Record, read_data_set
from vectortag.data.vocabulary import build_targets, judgeable
from vectortag.evaluation.evaluate import choose_part, known_in
from vectortag.evaluation.metrics import average_precision, count, mean_over_tags
from vectortag.inference.tagger import Tagger
from vectortag.model.added_block import new_tag_features, new_tag_parts
from vectortag.model.blocks import MlpBlock
from vectortag.model.head import Head
from vectortag.model.hierarchy import Hierarchy
from vectortag.personal.few_shot import fit_tag

SETS = ("coco", "corel5k", "flickr8k")
COUNTS = (5, 20)
ENOUGH, ENOUGH_TO_JUDGE = 40, 10


def read(tagger: Tagger) -> tuple[list[list[Record]], list[np.ndarray], list[np.ndarray]]:
    """Training and validation: records, targets, and for each validation photo the number of its set."""
    parts: list[list[Record]] = [[], []]
    targets: list[list[np.ndarray]] = [[], []]
    sets = []
    manifest = tagger.folder.manifest
    for number, name in enumerate(SETS):
        data = read_data_set(f"{os.environ['VECTORTAG_DATA']}/{name}/metadata.csv", name=name)
        for side, split in enumerate(("train", "val")):
            records = choose_part(data, split, manifest)
            parts[side].extend(records)
            targets[side].append(build_targets(records, tagger.tags, manifest.taxonomy, known_in(data, manifest)))
            if split == "val":
                sets += [number] * len(records)
    return parts, [np.concatenate(of) for of in targets], [np.array(sets) == number for number in range(len(SETS))]


def embed(tagger: Tagger, size: int, records: list[Record]) -> np.ndarray:
    return np.stack([one for _, one in tagger.embedder.at(size).embed_many(record.path for record in records)])


def points(tagger: Tagger, size: int, seen: dict[int, np.ndarray], targets: np.ndarray, sets: list[np.ndarray]):
    """The first table."""
    default = tagger.embedder.size
    hierarchy = Hierarchy.of(tagger.tags, tagger.folder.manifest.taxonomy)
    logits = {of: tagger.head.logits(embeddings) for of, embeddings in seen.items()}
    for name, at, fitted in (
        ("default", default, default),
        ("larger", size, size),
        ("default's curves", size, default),
    ):
        calibration = calibrate(logits[fitted], targets, hierarchy)
        scores = score(logits[at], calibration, hierarchy)
        row: dict[str, object] = {"model": tagger.folder.id, "way": name, "size": at}
        for data, rows in zip(SETS, sets, strict=True):
            known = judgeable(targets[rows])
            decided = count(scores[rows] >= calibration.thresholds["balanced"], known)
            row |= {f"{data} mAP": 100 * mean_over_tags(average_precision(scores[rows], known))}
            row |= {f"{data} F1": 100 * decided.micro_f1}
        cross = cross_fit(logits[at], targets, hierarchy, seed=1).summary()
        row |= {"cross-fitted micro F1": 100 * cross["micro_f1"] if at == fitted else "-"}
        yield row | {"calibration error": f"{cross['calibration_error']:.4f}" if at == fitted else "-"}


def additions(
    tagger: Tagger,
    size: int,
    seen: dict[int, np.ndarray],
    parts: list[list[Record]],
    targets: list[np.ndarray],
    *,
    tags: int,
    draws: int,
) -> Iterator[dict[str, object]]:
    """The second table."""
    sizes = {"default": tagger.embedder.size, "larger": size}
    random = np.random.default_rng(0)
    few = ((targets[0] == 1).sum(axis=0) >= ENOUGH) & ((targets[1] == 1).sum(axis=0) >= ENOUGH_TO_JUDGE)
    chosen = random.choice(np.flatnonzero(few & (judgeable(targets[1]) == 0).any(axis=0)), tags, replace=False)
    others = np.setdiff1d(np.arange(len(tagger.tags)), chosen)
    whole = tagger.folder.head.blocks[0]
    assert isinstance(whole, MlpBlock)
    head = Head((MlpBlock(whole.w1, whole.b1, whole.w2[others], whole.b2[others]),))
    background_rows = random.choice(len(parts[0]), 1000, replace=False)
    background = {
        name: new_tag_features(head, embed(tagger, at, [parts[0][row] for row in background_rows]))
        for name, at in sizes.items()
    }
    judged = {name: new_tag_features(head, seen[at]) for name, at in sizes.items()}
    ways = {
        "default -> default": ("default", "default", "default"),
        "default -> larger": ("default", "default", "larger"),
        "larger -> larger": ("larger", "larger", "larger"),
        "mixed -> larger": ("larger", "default", "larger"),
        "mixed -> default": ("larger", "default", "default"),
    }
    figures: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for tag in chosen:
        truth = judgeable(targets[1])[:, tag]
        for draw in range(draws):
            rows = np.random.default_rng([tag, draw]).choice(
                np.flatnonzero(targets[0][:, tag] == 1), max(COUNTS), False
            )
            views = {
                name: new_tag_features(
                    head, np.stack([tagger.embedder.at(at).embed_views(parts[0][row].path) for row in rows])
                )
                for name, at in sizes.items()
            }
            for examples in COUNTS:
                for way, (of_examples, of_background, on) in ways.items():
                    shown = views[of_examples][:examples]
                    fitted = fit_tag(shown, shown[:0], background[of_background], parts=new_tag_parts(head))
                    scores = fitted.calibration.scores(judged[on] @ fitted.w)
                    known = truth != UNKNOWN
                    threshold = fitted.calibration.thresholds["balanced"]
                    decided = count((scores[known] >= threshold)[:, None], truth[known][:, None])
                    precision = average_precision(scores[known][:, None], truth[known][:, None])[0]
                    figures.setdefault((way, examples), []).append((precision, float(decided.f1[0])))
    print("tags:", ", ".join(tagger.tags[tag] for tag in chosen), f"; {draws} draws\n")
    for (way, examples), found in figures.items():
        precision, f1 = np.mean(found, axis=0)
        yield {"fitted -> judged": way, "examples": examples, "mAP": 100 * precision, "F1 at its threshold": 100 * f1}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lite0")
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--precision", default="exact")
    parser.add_argument("--tags", type=int, default=12)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    tagger = Tagger.load(arguments.model, precision=arguments.precision, additions=False)
    parts, targets, sets = read(tagger)
    seen = {size: embed(tagger, size, parts[1]) for size in (tagger.embedder.size, arguments.size)}
    first = list(points(tagger, arguments.size, seen, targets[1], sets))
    print_table(first, None)
    second = []
    if arguments.tags:
        second = list(
            additions(tagger, arguments.size, seen, parts, targets, tags=arguments.tags, draws=arguments.draws)
        )
        second.sort(key=lambda row: row["examples"])
        print_table(second, None)
    if arguments.json:
        arguments.json.write_text(json.dumps({"points": first, "additions": second}, indent=2) + "\n")


if __name__ == "__main__":
    main()
