"""The tables of experiments.md, from the model folders that the experiments have left.

    VECTORTAG_DATA=... python experiments/compare_runs.py runs/001_baseline runs/002_augmented ...

Prints, in Markdown: every epoch of each run; the figures on the validation photos; and what the scores and the heat
maps of photos that have a tag look like, over the tags that all the runs have in common.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from vectortag.core.numerics import sigmoid
from vectortag.data.records import read_data_set
from vectortag.data.vocabulary import build_targets
from vectortag.evaluation.evaluate import choose_part, known_in
from vectortag.inference.heatmap_drawing import sharpness
from vectortag.inference.tagger import Tagger

SETS = ("coco", "corel5k", "flickr8k")
MOST_PHOTOS = 3
"""Photos of a tag and set whose heat maps are measured."""


def main() -> None:
    """Print all tables."""
    taggers = [Tagger.load(run, additions=False) for run in sys.argv[1:]]
    for line in (*epochs(taggers), "", *figures(taggers), "", *scores_and_maps(taggers)):
        print(line, flush=True)


def epochs(taggers: Sequence[Tagger]) -> Iterator[str]:
    """A row an epoch, three columns a run."""
    names = [tagger.folder.manifest.name for tagger in taggers]
    histories = [tagger.folder.manifest.provenance["epochs"] for tagger in taggers]
    yield "| epoch | " + " | ".join(names) + " |"
    yield "| ---: " * (len(names) + 1) + "|"
    for number in range(max(map(len, histories))):
        cells = []
        for history in histories:
            if number >= len(history):
                cells.append("")
                continue
            one = history[number]
            cells.append(f"{one['train_loss']:.4f} / {one['val_loss']:.4f} / {100 * one['val_map']:.1f}")
        yield f"| {number + 1} | " + " | ".join(cells) + " |"


def figures(taggers: Sequence[Tagger]) -> Iterator[str]:
    """A row a run."""
    yield "| run | tags | mAP COCO / Corel-5k / Flickr8k | micro F1 | macro F1 | calibration error before | after |"
    yield "| --- | ---: | --- | ---: | ---: | ---: | ---: |"
    for tagger in taggers:
        manifest = tagger.folder.manifest
        cross = manifest.metrics["cross_fitted"]
        maps = " / ".join(f"{100 * manifest.metrics[name]['map']:.1f}" for name in SETS)
        yield (
            f"| {manifest.name} | {len(manifest.tags)} | {maps} | {100 * cross['micro_f1']:.1f} "
            f"| {100 * cross['macro_f1']:.1f} | {cross['calibration_error_before']:.4f} "
            f"| {cross['calibration_error']:.4f} |"
        )


def scores_and_maps(taggers: Sequence[Tagger]) -> Iterator[str]:
    """A row a run: mean raw and calibrated scores where a tag is there and where it is not, and sharpness of maps."""
    common = [tag for tag in taggers[0].tags if all(tag in tagger.tags for tagger in taggers)]
    yield f"{len(common)} common tags: {', '.join(common)}"
    yield ""
    yield "| run | raw score, tag there | not there | calibrated, there | not there | sharpness | maps |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for tagger in taggers:
        yield f"| {tagger.folder.manifest.name} | " + " | ".join(measure(tagger, common)) + " |"


def measure(tagger: Tagger, common: Sequence[str]) -> Iterator[str]:
    """The cells of one run; means over tags, so that a frequent tag counts no more than a rare one."""
    manifest = tagger.folder.manifest
    places = [tagger.tags.index(tag) for tag in common]
    raw, calibrated, truth, sharp = [], [], [], []
    for name in SETS:
        data = read_data_set(f"{os.environ['VECTORTAG_DATA']}/{name}/metadata.csv", name=name)
        records = choose_part(data, "val", manifest)
        targets = build_targets(records, tagger.tags, manifest.taxonomy, known_in(data, manifest))[:, places]
        embeddings = np.stack([e for _, e in tagger.embedder.embed_many([record.path for record in records])])
        raw.append(sigmoid(tagger.head.logits(embeddings)[:, places]))
        calibrated.append(tagger.scores(embeddings)[:, places])
        truth.append(targets)
        wanted: dict[int, list[str]] = {}
        for column, tag in enumerate(common):
            for row in np.flatnonzero(targets[:, column] == 1)[:MOST_PHOTOS]:
                wanted.setdefault(int(row), []).append(tag)
        for row, tags in wanted.items():
            sharp.extend(map(sharpness, tagger.analyse(records[row].path).heatmaps(tags)))
    known, has, has_not = np.concatenate(truth), np.concatenate(truth) == 1, np.concatenate(truth) == 0
    for scores in (np.concatenate(raw), np.concatenate(calibrated)):
        for where in (has, has_not):
            columns = [scores[where[:, tag], tag].mean() for tag in range(known.shape[1]) if where[:, tag].any()]
            yield f"{np.mean(columns):.3f}"
    yield f"{np.mean(sharp):.3f}"
    yield str(len(sharp))


if __name__ == "__main__":
    main()
