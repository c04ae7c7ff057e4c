"""How long searches of a photo library take, each beside the bare SQL query or numpy scan in the same run.

    python benchmarks/library_search.py [--photos 100000] [--vectors 1000000] [--rounds 7] [--json FILE]

The library is synthetic: rows that are written directly. Embeddings are those of the model's background, each changed a
little; every tag is shown by a share of the photos, the first one by 30 %, the others by 1 %. The time depends on how
many there are, not on what they show. It lies in a temporary folder and takes about 4 kB a photo.

The ratio is that of CPU time, which other work on the machine changes less than wall time.

The searches run on one core, in a process that is warm: the first of each kind is not counted. Each is evaluated anew;
the next page of a search, which is not, takes about a millisecond. The scan of VECTORS int8
vectors of 384 numbers, a memory map as a library of so many photos would have for sentences, may use two.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import machine_line, print_table

from vectortag.library.library import Library
from vectortag.library.library_model import LibraryModel
from vectortag.library.packing import pack_embeddings, pack_scores
from vectortag.library.schema import transaction
from vectortag.library.vectors import BLOCK_NUMBERS, VectorMap
from vectortag.model.words.word_vectors import sentence_vector
from vectortag.runtime.blas import one_thread

SENTENCE = "children throwing snowballs at each other"
WIDE, NARROW = 0.30, 0.01
"""The share of photos that show the first tag, and each of the others."""
LOW = 0.15
"""The share of tags whose score is neither nearly 0 nor shown, as in a photo of the model's background."""
TOP = 20
NEAR = "0000/0000007.jpg"


def write_library(file: Path, count: int, model: LibraryModel) -> Library:
    """A library of `count` photos that were never taken."""
    library, random = Library.open(file), np.random.default_rng(0)
    tags, background = model.scorer.tags, model.folder.background
    assert background is not None
    manifest, folder = model.folder.manifest, model.folder
    names = (manifest.name, folder.digest, model.network_digest, model.precision, model.size)
    thresholds = [None if np.isnan(one) else float(one) for one in model.scorer.thresholds]
    texts = (json.dumps(tags), json.dumps(model.prints), json.dumps(thresholds), json.dumps(model.parents))
    with transaction(library.database):
        library.database.execute("INSERT INTO roots (id, path) VALUES (1, '/photos')")
        library.database.execute("INSERT INTO models VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*names, *texts))
        for start in range(0, count, 1000):
            _write_photos(library.database, random, start, min(1000, count - start), background, model)
    library.change_setting("model_row", 1)
    library.change_setting("model", str(model.folder.path))
    return library


def _write_photos(
    database: sqlite3.Connection,
    random: np.random.Generator,
    start: int,
    count: int,
    background: np.ndarray,
    model: LibraryModel,
) -> None:
    numbers = range(start, start + count)
    contents = [random.bytes(16) for _ in numbers]
    photos = [
        (f"{n // 1000:04}/{n:07}.jpg", content, f"20{n % 24:02}-{1 + n % 12:02}-{1 + n % 28:02}T12:00:00")
        for n, content in zip(numbers, contents, strict=True)
    ]
    database.executemany(
        "INSERT INTO photos (root, path, size, mtime_ns, content, taken, added) VALUES (1, ?, 1, 1, ?, ?, 0)", photos
    )
    embeddings = background[np.arange(start, start + count) % len(background)]
    embeddings = (embeddings * random.uniform(0.8, 1.2, embeddings.shape)).astype(np.float32)
    scores = random.uniform(0, 0.04, (count, len(model.scorer.tags))).astype(np.float32)
    scores[random.random(scores.shape) >= LOW] = 0
    shares = np.full(scores.shape[1], NARROW)
    shares[0] = WIDE
    shows = random.random(scores.shape) < shares
    scores[shows] = random.uniform(0.9, 1, shows.sum())
    rows = zip(contents, pack_scores(scores), pack_embeddings(embeddings), strict=True)
    database.executemany("INSERT INTO analyses VALUES (?, 1, ?, ?, 0)", rows)
    shown = [
        (int(tag), contents[photo], float(scores[photo, tag])) for photo, tag in zip(*np.nonzero(shows), strict=True)
    ]
    database.executemany("INSERT INTO shown VALUES (1, ?, ?, ?)", shown)


def median_ms(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The median wall and CPU milliseconds of some calls, after one that is not counted."""
    work()
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    return statistics.median(walls), statistics.median(cpus)


def bare_tag(database: sqlite3.Connection, tag: int, threshold: float) -> Callable[[], object]:
    """The best photos of a tag, by SQL alone."""
    query = (
        "SELECT photos.id, path, score FROM shown JOIN photos ON photos.content = shown.content "
        "WHERE model = 1 AND tag = ? AND score >= ? AND gone IS NULL ORDER BY score DESC LIMIT ?"
    )
    return lambda: database.execute(query, (tag, threshold, TOP)).fetchall()


def bare_codes(database: sqlite3.Connection) -> Callable[[], object]:
    """The codes of all scores, by SQL alone."""
    return lambda: database.execute("SELECT content, codes FROM analyses WHERE model = 1").fetchall()


def bare_scan(vectors: VectorMap, query: np.ndarray) -> Callable[[], object]:
    """The best rows of a scan, by numpy alone and on one core."""

    def scan() -> np.ndarray:
        cosines = np.empty(len(vectors), np.float32)
        rows = BLOCK_NUMBERS // vectors.codes.shape[1]
        with one_thread():
            for start in range(0, len(vectors), rows):
                block = vectors.codes[start : start + rows].astype(np.float32)
                np.dot(block, query, out=cosines[start : start + rows])
        cosines *= vectors.inverse_lengths
        best = np.argpartition(-cosines, TOP)[:TOP]
        return best[np.argsort(-cosines[best])]

    return scan


def searches(library: Library, model: LibraryModel, rounds: int) -> list[dict[str, object]]:
    """Each kind of search, on one core."""
    searched = library._searches.searched(model_row=1, offline=False)
    words, tags = searched.words, model.scorer.tags
    sentence = words.queries(sentence_vector(SENTENCE)[None])[0]
    maps = {"sentence": searched.directions._map, "near": searched.embeddings._map}
    near = maps["near"].floats()[7]
    thresholds = [float(np.nan_to_num(one)) for one in model.scorer.thresholds]
    pairs = {
        f'tag, 1 % of photos ("{tags[1]}")': (f'tag:"{tags[1]}"', bare_tag(library.database, 1, thresholds[1])),
        f'tag, 30 % of photos ("{tags[0]}")': (f'tag:"{tags[0]}"', bare_tag(library.database, 0, thresholds[0])),
        f'score below what is shown ("{tags[1]}")': (f'score:"{tags[1]}">0.01', bare_codes(library.database)),
        f'word, 30 % of photos ("{tags[0]}")': (f'"{tags[0]}"', bare_tag(library.database, 0, thresholds[0])),
        "sentence": (f'"{SENTENCE}"', bare_scan(maps["sentence"], sentence)),
        "near": (f"near:{NEAR}", bare_scan(maps["near"], near)),
        "all together": (
            f'"{tags[0]}" date:2010.. not "{tags[1]}" "{SENTENCE}"',
            None,
        ),
    }
    rows: list[dict[str, object]] = []
    for name, (query, bare) in pairs.items():
        took = median_ms(lambda q=query: search_anew(library, q), rounds)
        rows.append(row_of(name, took, None if bare is None else median_ms(bare, rounds)))
    return rows


def search_anew(library: Library, query: str) -> None:
    """A search that is evaluated: what was found the last time is kept for its next page, and left aside here."""
    library._searches.searched(model_row=1, offline=False).kept.clear()
    library.search(query, top=TOP)


def row_of(what: str, search: tuple[float, float], bare: tuple[float, float] | None) -> dict[str, object]:
    """A row of the table; the ratio is that of CPU time, which other work on the machine changes less."""
    row: dict[str, object] = {"what": what, "wall ms": search[0], "CPU ms": search[1]}
    if bare is None:
        return row | {"bare wall ms": "", "bare CPU ms": "", "ratio": ""}
    return row | {"bare wall ms": bare[0], "bare CPU ms": bare[1], "ratio": search[1] / bare[1]}


def scan_of(count: int, folder: Path, rounds: int, cores: int) -> dict[str, object]:
    """A scan of many vectors in a memory map."""
    file = folder / "vectors"
    random = np.random.default_rng(1)
    with file.open("wb") as output:
        for _ in range(0, count, 10_000):
            output.write(random.integers(-127, 128, (10_000, 384), np.int8).tobytes())
    codes = np.memmap(file, np.int8, "r").reshape(-1, 384)[:count]
    vectors = VectorMap(codes, np.ones(count, np.float32), np.arange(count, dtype=np.uint64))
    query = random.normal(0, 1, 384).astype(np.float32)
    took = median_ms(lambda: vectors.cosines(query), rounds)
    return row_of(f"scan of {count:,} x 384 int8, {cores} cores", took, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--model", default=None)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    model = LibraryModel.load(options.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with write_library(folder / "library.sqlite", options.photos, model) as library:
            library.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            size = (folder / "library.sqlite").stat().st_size / options.photos
            os.sched_setaffinity(0, cores[:1])
            rows = searches(library, model, options.rounds)
            derived = sum(file.stat().st_size for file in folder.glob("*.vectors/*")) / options.photos
        two = cores[:2]
        os.sched_setaffinity(0, two)
        rows.append(scan_of(options.vectors, folder, options.rounds, len(two)))
    print(f"{options.photos:,} synthetic photos, {model.folder.id}, {machine_line()}")
    print(f"{size:,.0f} bytes a photo in the database, {derived:,.0f} in the derived vectors\n")
    print_table(rows, options.json)


if __name__ == "__main__":
    main()
