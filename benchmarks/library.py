"""What a photo library costs: updates of a large one, bytes a photo, memory, duplicates, and searches.

    python benchmarks/library.py [--photos 100000] [--new 1000] [--rounds 3] [--model lite0] [--json FILE]
    python benchmarks/library.py --only updates      # or memory, or duplicates, or searches: one part of it

The large library is synthetic: JPEG files of a few hundred bytes, 500 in a folder, that count as read; their embeddings
are those of the model's background, each changed a little. The new photos are the example photos at 500 x 375, each
with other bytes behind its end mark, and go through the network. "walk" lists the same folders by `os.scandir` and asks
for the `stat` of each file, and does nothing else; the update of unchanged photos is measured in turns with it.
Before them, the example photos go through the network once, so that no figure has its compilation in it.
Peak memory is that of whole processes, also for the default model, in a second run of each, and with photos of
12 megapixels. Idle memory is that of `vectortag serve` and of `library update --watch` after its update; the anonymous
part is what the process holds itself, the rest are pages of files, such as OpenVINO's libraries.

Duplicates are looked for among the large library's photos: each has near ones, so all are opened, which is the most
that it can cost. The searches are those of benchmarks/library_search.py. Everything lies in a temporary folder and
takes about 12 kB a photo.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from measuring import SIZES, machine_line, make_photos, print_table
from PIL import Image

from vectortag.library.analyses import store, use_model
from vectortag.library.library import Library
from vectortag.library.library_model import LibraryModel
from vectortag.library.packing import pack_embeddings, unpack_embeddings
from vectortag.library.scan import scan
from vectortag.library.schema import transaction
from vectortag.model.registry import DEFAULT_MODEL
from vectortag.runtime.pipeline import batched

A_FOLDER, TOGETHER = 500, 2000
FACTS = """
UPDATE photos SET content = ?, taken = '2024-07-31T18:00:05', latitude = 52.51234, longitude = 13.37234,
orientation = 1, width = 4000, height = 3000 WHERE id = ?
"""
PEAK = """
import os, sys
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as vectortag.apps.entry sets it
from vectortag.apps.cli.app import run
status = run(sys.argv[1:])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(status)
"""
IDLE = {"Rss": "resident", "Pss": "proportional", "Anonymous": "anonymous"}
"""What is told of processes that wait. A page of n processes counts one n-th in the proportional size."""
LARGE = 60
"""Photos of 12 megapixels for the peak memory."""
PARTS = ("updates", "searches", "memory", "duplicates")
SEARCHES = Path(__file__).with_name("library_search.py")

Row = dict[str, object]


def fill(library: Library, model: LibraryModel) -> None:
    """Make the library know its photos, as if they had been read and gone through the network."""
    background, random = model.folder.background, np.random.default_rng(0)
    assert background is not None
    scan(library.database)
    row = use_model(library.database, model)
    ids = [found[0] for found in library.database.execute("SELECT id FROM photos ORDER BY id")]
    for some in batched(ids, TOGETHER):
        contents = [random.bytes(16) for _ in some]
        rows = background[random.integers(0, len(background), len(some))]
        rows = (rows * random.uniform(0.8, 1.2, rows.shape)).astype(np.float32)
        with transaction(library.database):
            store(library.database, row, model, contents, list(rows))
            library.database.executemany(FACTS, list(zip(contents, some, strict=True)))
    library.change_setting("model_row", row)


def make_tree(folder: Path, count: int) -> None:
    """Small JPEGs, each with other bytes."""
    memory = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 120, 200)).save(memory, "JPEG")
    for number in range(count):
        photo = folder / f"2024-{number // A_FOLDER:04}" / f"IMG_{number:07}.jpg"
        if number % A_FOLDER == 0:
            photo.parent.mkdir(parents=True)
        photo.write_bytes(memory.getvalue() + str(number).encode())


def make_new_photos(folder: Path, examples: list[Path], count: int) -> None:
    """The example photos, each with other bytes."""
    folder.mkdir()
    for number in range(count):
        example = examples[number % len(examples)]
        (folder / f"{number:05}.jpg").write_bytes(example.read_bytes() + str(number).encode())


def walk(folder: Path) -> int:
    """List a tree and ask for the stat of each file; the number of files."""
    count, waiting = 0, [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat()
                    count += 1
    return count


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def row_of(what: str, photos: int, spans: list[tuple[float, float]]) -> Row:
    cpu, wall = (statistics.median(column) for column in zip(*spans, strict=True))
    return {"what": what, "photos": photos, "CPU s": cpu, "wall s": wall, "photos a CPU second": round(photos / cpu)}


def updates(folder: Path, model: str, count: int, new: int, rounds: int) -> list[Row]:
    """The updates of a large library, beside a bare walk."""
    tree, small = folder / "large", folder / "small"
    examples = make_photos(folder / "examples", (500, 375))
    make_tree(tree, count)
    with Library.open(folder / "warm.sqlite") as library:
        library.add(folder / "examples")
        library.update(model=model)
    with Library.open(folder / "large.sqlite") as library:
        library.add(tree)
        library.change_setting("model", model)
        fill(library, LibraryModel.load(model))
        walks, seconds = [], []
        for _ in range(rounds):
            walks.append(timed(lambda: walk(tree)))
            seconds.append(timed(library.update))
        make_new_photos(tree / "new", examples, new)
        with_new = timed(library.update)
    shutil.move(tree / "new", small)
    with Library.open(folder / "small.sqlite") as library:
        library.add(small)
        alone = timed(lambda: library.update(model=model))
    return [
        row_of("walk", count, walks),
        row_of("update, all as they were", count, seconds),
        row_of(f"update with {new:,} new ones among them", count + new, [with_new]),
        row_of(f"first update of {new:,} alone", new, [alone]),
    ]


def bytes_a_photo(folder: Path) -> float:
    """Of the large library's file, without what waits in its log."""
    with closing(sqlite3.connect(folder / "large.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (count,) = database.execute("SELECT count(*) FROM photos").fetchone()
    return (folder / "large.sqlite").stat().st_size / count


def lost_by_packing(model: str) -> tuple[float, float]:
    """The largest and the mean change of a score from 0.05 on, if it is computed from a stored embedding."""
    loaded = LibraryModel.load(model)
    background = loaded.folder.background
    assert background is not None
    exact, stored = (
        loaded.scorer.scores(rows) for rows in (background, unpack_embeddings(pack_embeddings(background)))
    )
    change = np.abs(exact - stored)[exact >= 0.05]
    return float(change.max()), float(change.mean())


def memory(folder: Path, model: str) -> dict[str, float]:
    """Peak MiB of whole processes."""
    large, found = folder / "12mp", {}
    make_new_photos(large, make_photos(folder / "large examples", SIZES["12 MP"]), LARGE)
    for name in dict.fromkeys((model, DEFAULT_MODEL)):
        for what, photos in (("first run", "small"), ("second run", "small"), ("12 MP", large.name)):
            file = folder / f"{name}-{what.replace(' ', '-')}.sqlite"
            added = ["library", "add", str(folder / photos), "--library", str(file), "--model", name]
            found[f"library add, {name}, {what}"] = run(added)[1]
    again = ["library", "update", "--library", str(folder / "large.sqlite")]
    return {**found, "library update, the large library": run(again)[1]}


def idle(folder: Path) -> dict[str, dict[str, float]]:
    """MiB of processes that wait for work, with the default model, by `IDLE`."""
    library = str(folder / "idle.sqlite")
    run(["library", "add", str(folder / "examples"), "--library", library])
    (folder / "examples" / "new.jpg").write_bytes(next((folder / "small").iterdir()).read_bytes() + b"new")
    watch = ["library", "update", "--watch", "--library", library]
    ways = {
        "vectortag serve, started": (["serve", "--port", "0"], "listening on", 2),
        "vectortag serve, idle for a minute": (["serve", "--port", "0"], "listening on", 65),
        "library update --watch, after a new photo": (watch, "watching", 2),
    }
    return {name: resident_after(*way) for name, way in ways.items()}


def resident_after(arguments: list[str], line: str, seconds: float) -> dict[str, float]:
    """MiB of a command some seconds after it has said something, by `IDLE`."""
    code = "from vectortag.apps.entry import main; main()"
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        if not any(line in said for said in process.stderr):
            raise SystemExit(f"{arguments} ended")
        time.sleep(seconds)
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
        process.terminate()
        process.communicate()
    sizes = {name: int(value.split()[0]) / 1024 for name, _, value in (one.partition(":") for one in lines)}
    return {what: sizes[name] for name, what in IDLE.items()}


def duplicates(folder: Path, count: int) -> Row:
    """Seconds and peak MiB of the command."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    output, peak = run(["duplicates", "--kind", "alike", "--json", "--library", str(folder / "large.sqlite")])
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    groups = output.count('"kind"')
    return {"what": "duplicates", "photos": count, "groups": groups, "CPU s": cpu, "wall s": wall, "peak MiB": peak}


def run(arguments: list[str]) -> tuple[str, float]:
    """What a command prints, and its peak MiB. Not by `getrusage`, which counts this process in."""
    command = [sys.executable, "-c", PEAK, *arguments]
    outcome = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return outcome.stdout, int(outcome.stdout.split()[-2]) / 1024


def prepare(folder: Path, model: str, count: int, new: int) -> None:
    """The folders and libraries of `updates`, where it is left out."""
    make_tree(folder / "large", count)
    make_new_photos(folder / "small", make_photos(folder / "examples", (500, 375)), new)
    with Library.open(folder / "large.sqlite") as library:
        library.add(folder / "large")
        library.change_setting("model", model)
        fill(library, LibraryModel.load(model))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--new", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="lite0")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    parts = PARTS if arguments.only is None else (arguments.only,)
    print(machine_line(), "\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        os.environ["VECTORTAG_HOME"], folder = str(Path(name) / "home"), Path(name)
        if "updates" in parts:
            rows = updates(folder, arguments.model, arguments.photos, arguments.new, arguments.rounds)
            print_table(rows, arguments.json)
            largest, mean = lost_by_packing(arguments.model)
            print(f"\n{bytes_a_photo(folder):,.0f} bytes a photo")
            print(f"a score from a stored embedding is off by {mean:.4f}, at most {largest:.4f}\n", flush=True)
        elif parts != ("searches",):
            prepare(folder, arguments.model, arguments.photos, arguments.new)
        if "searches" in parts:
            subprocess.run([sys.executable, SEARCHES, "--photos", str(arguments.photos)], check=True)
        if "memory" in parts:
            for what, peak in memory(folder, arguments.model).items():
                print(f"peak memory of {what}: {peak:.0f} MiB", flush=True)
            for what, sizes in idle(folder).items():
                told = ", ".join(f"{size:.0f} MiB {kind}" for kind, size in sizes.items())
                print(f"idle memory of {what}: {told}", flush=True)
        if "duplicates" in parts:
            print_table([duplicates(folder, arguments.photos)], None)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
