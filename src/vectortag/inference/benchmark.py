"""How fast each runtime and precision tags on this machine, each in a process of its own.

A process of its own, because peak memory and start-up belong to a process, and because a runtime that crashes must
not take the others with it.
"""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vectortag.core.errors import VectorTagError
from vectortag.core.file_names import real_path
from vectortag.core.types import Arithmetic, FailedTagging, FloatArray
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder
from vectortag.model.precision import Precision, allowed
from vectortag.runtime.pixels import Photo
from vectortag.runtime.session import Engine, installed_runtimes

ROUNDS = 2
"""Each candidate is measured so often, in turns, and its best counts: other programs only ever slow it down."""

PHOTOS = 16
"""Photos to generate if none are given."""

COMPUTES: dict[Engine, tuple[Arithmetic, ...]] = {
    "openvino": ("f32", "bf16", "int8"),
    "onnxruntime": ("f32", "int8"),
    "cuda": ("f32",),
}
"""What each runtime computes in faster than in float32, and that."""

ASKED: dict[Arithmetic, Precision] = {"f32": "exact", "bf16": "bf16", "int8": "int8"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a model."""

    runtime: Engine
    precision: Arithmetic


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured.

    Attributes:
        photos_a_second: decoded and tagged, on all cores.
        milliseconds: processor time a photo, of all cores together.
        start: processor time from the start of the process to its first tags, in seconds, with imports.
        scores: (N, T) of the photos.
    """

    candidate: Candidate
    photos_a_second: float
    milliseconds: float
    start: float
    scores: FloatArray


def candidates(folder: ModelFolder) -> list[Candidate]:
    """Every installed runtime with every precision that "auto" may choose for the model."""
    return [
        Candidate(runtime, precision)
        for runtime in installed_runtimes()
        for precision in allowed(folder)
        if precision in COMPUTES[runtime]
    ]


def bench(
    folder: ModelFolder, photos: Sequence[Path] = (), *, seconds: float = 2.0
) -> Iterator[tuple[Candidate, Measured | str]]:
    """Measure every candidate, and yield each with its best round or with what went wrong.

    Args:
        folder: the model.
        photos: photos to tag; without any, pictures of noise of 500 x 375 pixels.
        seconds: how long each round lasts, beside its start.
    """
    rounds: dict[Candidate, list[Measured | str]] = {one: [] for one in candidates(folder)}
    for _ in range(ROUNDS):
        for candidate, results in rounds.items():
            if not any(isinstance(result, str) for result in results):
                results.append(_measure_in_child(folder, candidate, photos, seconds))
    for candidate, results in rounds.items():
        wrong = next((result for result in results if isinstance(result, str)), None)
        good = [result for result in results if isinstance(result, Measured)]
        yield candidate, wrong or max(good, key=lambda measured: measured.photos_a_second)


def _measure_in_child(
    folder: ModelFolder, candidate: Candidate, photos: Sequence[Path], seconds: float
) -> Measured | str:
    task = {
        "model": str(real_path(folder.path)),
        "runtime": candidate.runtime,
        "precision": candidate.precision,
        "photos": [str(photo) for photo in photos],
        "seconds": seconds,
    }
    child = subprocess.run(
        [sys.executable, "-m", "vectortag.inference.benchmark"], input=json.dumps(task), capture_output=True, text=True
    )
    if child.returncode != 0:
        last = child.stderr.strip().splitlines()[-1:] or [f"stopped with exit status {child.returncode}"]
        return last[0]
    found = json.loads(child.stdout)
    if found.pop("computed_in") != candidate.precision:
        return "this processor does not have it"
    return Measured(candidate=candidate, **(found | {"scores": np.array(found["scores"], np.float32)}))


def _measure(task: dict[str, Any]) -> dict[str, Any]:
    """In the child: tag the photos again and again for so many seconds."""
    photos: list[Photo] = [*task["photos"]] or list(pictures(PHOTOS))
    tagger = Tagger.load(task["model"], runtime=task["runtime"], precision=ASKED[task["precision"]], additions=False)
    results = tagger.tag_many(photos)
    taggings = [next(results)]
    start = time.process_time()
    taggings += results
    job = tagger.tag_many(itertools.cycle(photos))
    tagged, before, began = 0, time.process_time(), time.perf_counter()
    while (passed := time.perf_counter() - began) < task["seconds"]:
        next(job)
        tagged += 1
    return {
        "photos_a_second": tagged / passed,
        "milliseconds": 1000 * (time.process_time() - before) / tagged,
        "start": start,
        "scores": [[s.score for s in one.scores] for one in taggings if not isinstance(one, FailedTagging)],
        "computed_in": tagger.embedder.session.precision,
    }


def pictures(count: int) -> Iterator[bytes]:
    """JPEG files of 500 x 375 pixels: noise with some structure, different for each."""
    for seed in range(count):
        coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        yield file.getvalue()


if __name__ == "__main__":
    try:
        print(json.dumps(_measure(json.load(sys.stdin))))  # noqa: T201
    except VectorTagError as error:
        sys.exit(str(error))
