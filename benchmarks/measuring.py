"""What the speed benchmarks share: photos of a given size, ways in processes of their own, a table and JSON."""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from PIL import Image

from vectortag.runtime.cpu import this_machine

EXAMPLES = Path(__file__).parents[1] / "examples/photos"
SIZES = {"500x375": (500, 375), "2 MP": (1632, 1224), "12 MP": (4000, 3000)}

Work = Callable[[Sequence[Path]], object]
"""Does one thing with each of some photos."""

Way = tuple[Callable[..., Work], tuple[object, ...]]
"""A function of a module, so that another process can call it, and its arguments: it prepares the work."""


def make_photos(folder: Path, size: tuple[int, int]) -> list[Path]:
    """The example photos, freely licensed, as JPEGs of one size (quality 90)."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(EXAMPLES.glob("*.jpg")):
        with Image.open(file) as photo:
            photo.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(folder / file.name, quality=90)
    return sorted(folder.iterdir())


class Children:
    """Ways to do the same job, each in a process of its own that is kept, so that they can be measured in turns.

    Attributes:
        results: by way and by name of the job: for each round (CPU ms a photo, wall ms a photo).
    """

    def __init__(self, ways: Mapping[str, Way], cores: int | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: dict[str, Connection] = {}
        for name, way in ways.items():
            here, there = context.Pipe()
            context.Process(target=_serve, args=(there, way, cores), daemon=True).start()
            self._pipes[name] = here
        for name, pipe in self._pipes.items():
            if pipe.recv() != "ready":
                raise SystemExit(f"{name} did not start")
        self.results: dict[tuple[str, str], list[tuple[float, float]]] = {}

    def measure(self, job: str, photos: Sequence[Path], *, rounds: int) -> None:
        """Give every way the photos, in turns, `rounds` times; a first pass over a few of them is not counted."""
        for turn in range(rounds + 1):
            for name, pipe in self._pipes.items():
                part = photos[: max(13, len(photos) // 10)] if turn == 0 else photos
                pipe.send([str(photo) for photo in part])
                cpu, wall = pipe.recv()
                if turn:
                    self.results.setdefault((name, job), []).append((1000 * cpu / len(part), 1000 * wall / len(part)))

    def medians(self, name: str, job: str) -> tuple[float, float]:
        """CPU and wall milliseconds a photo."""
        cpu, wall = zip(*self.results[name, job], strict=True)
        return statistics.median(cpu), statistics.median(wall)


def _serve(pipe: Connection, way: Way, cores: int | None) -> None:
    if cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    prepare, arguments = way
    work = prepare(*arguments)
    pipe.send("ready")
    while True:
        try:
            photos = [Path(name) for name in pipe.recv()]
        except EOFError:  # nothing more to measure
            return
        cpu, wall = time.process_time(), time.perf_counter()
        work(photos)
        pipe.send((time.process_time() - cpu, time.perf_counter() - wall))


def machine_line() -> str:
    """The processor, its cores and its extensions."""
    machine = this_machine()
    return f"{machine.cpu}, {machine.cores} cores, {' '.join(machine.extensions)}"


def print_table(rows: Sequence[Mapping[str, object]], json_file: Path | None) -> None:
    """Rows with the same keys, as Markdown; and as JSON with the machine, where a file is named."""
    print(f"| {' | '.join(rows[0])} |")
    print(f"|{' --- |' * len(rows[0])}")
    for row in rows:
        cells = (f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values())
        print(f"| {' | '.join(cells)} |")
    if json_file is not None:
        json_file.write_text(json.dumps({"machine": machine_line(), "rows": list(rows)}, indent=2) + "\n")
