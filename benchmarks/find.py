"""How long the commands on words take: `vectortag find` in a large collection, and `vectortag add-tag --from-words`.

    python benchmarks/find.py [--photos 100000] [--rounds 5] [--json FILE]

The collection is synthetic: files of a few bytes, whose embeddings are in a cache as if they had been looked at (those
of the model's background, each changed a little; the time depends on how many there are, not on what they show). Both
lie in a temporary folder and take about 10 kB a photo. CPU and wall seconds of whole processes are medians: of the
first search, which works out where each photo points, and of later ones. The parts of a later one are measured once.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np
from measuring import machine_line, print_table
from startup import VECTORTAG, run

from vectortag.core.folders import cache_home
from vectortag.data.embedding_cache import cache_file, open_cache
from vectortag.data.find import find_images
from vectortag.inference.search import PhotoIndex
from vectortag.inference.tagger import Tagger

SENTENCE = "a cat asleep on a sofa"
A_FOLDER = 1000
NEW_TAGS = {"of the bank": "teapot", "that the text model reads": "zebrafish"}


def make_collection(folder: Path, count: int, tagger: Tagger) -> None:
    """Files, and what the model is to have seen of them in the cache."""
    background, random = tagger.folder.background, np.random.default_rng(0)
    assert background is not None
    network = tagger.folder.manifest.files[tagger.folder.network_in(tagger.embedder.session.precision).name]
    with closing(open_cache(cache_file(tagger.embedder, network))) as cache, cache:
        for number in range(count):
            photo = folder / f"{number // A_FOLDER:04}" / f"{number:07}.jpg"
            photo.parent.mkdir(parents=True, exist_ok=True)
            photo.write_bytes(str(number).encode())
            found, content = photo.stat(), sha256(str(number).encode()).digest()
            row = background[number % len(background)]
            row = row * random.uniform(0.8, 1.2, len(row)).astype(np.float32)
            state = f"{found.st_size} {found.st_mtime_ns}"
            cache.execute("INSERT INTO files VALUES (?, ?, ?)", (str(photo.absolute()), state, content))
            cache.execute("INSERT INTO embeddings VALUES (?, ?)", (content, row.tobytes()))


def searches(folder: Path, rounds: int, count: int) -> list[dict[str, object]]:
    """The first search and later ones."""
    command = [*VECTORTAG, "find", SENTENCE, str(folder)]
    first, later = [], []
    for _ in range(rounds):
        shutil.rmtree(cache_home() / "directions", ignore_errors=True)
        first.append(run(command))
        later.append(run(command))
    what = f"find in {count:,} photos"
    return [median_row(f"{what}, the first time", first), median_row(f"{what}, later", later)]


def parts(folder: Path, tagger: Tagger) -> list[dict[str, object]]:
    """Where the time of a later search goes."""
    clocks = [_clocks()]
    photos = list(find_images(folder))
    clocks.append(_clocks())
    index = PhotoIndex.of(tagger, photos)
    clocks.append(_clocks())
    index.search(SENTENCE, top=20)
    clocks.append(_clocks())
    names = ("listing the files", "getting ready", "reading the sentence and ranking")
    spans = [(after[0] - before[0], after[1] - before[1], 0.0) for before, after in itertools.pairwise(clocks)]
    return [median_row(f"of it, {name}", [span]) for name, span in zip(names, spans, strict=True)]


def _clocks() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def new_tags(rounds: int) -> list[dict[str, object]]:
    """Adding a tag from its name."""
    rows = []
    for kind, word in NEW_TAGS.items():
        measured = []
        for turn in range(rounds + 1):
            again = run([*VECTORTAG, "add-tag", word, "--from-words"])
            subprocess.run([*VECTORTAG, "remove-tag", word], check=True, stdout=subprocess.DEVNULL)
            if turn:  # the first time, files are read and the text model is compiled
                measured.append(again)
        rows.append(median_row(f"add-tag --from-words, a word {kind}", measured))
    return rows


def median_row(what: str, measured: list[tuple[float, float, float]]) -> dict[str, object]:
    cpu, wall, peak = (statistics.median(column) for column in zip(*measured, strict=True))
    return {"what": what, "CPU s": cpu, "wall s": wall, "peak MiB": round(peak) or ""}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["VECTORTAG_HOME"] = str(Path(name) / "home")
        tagger, folder = Tagger.load(), Path(name) / "photos"
        rows = new_tags(arguments.rounds)
        make_collection(folder, arguments.photos, tagger)
        rows += searches(folder, arguments.rounds, arguments.photos) + parts(folder, tagger)
    print(machine_line(), "\n")
    print_table(rows, arguments.json)


if __name__ == "__main__":
    main()
