"""What Ray costs beside the local engine, on the same cores: rate, CPU time, memory and start-up.

    python benchmarks/ray_engine.py [--model lite2] [--photos 20000] [--rounds 3] [--threads 2] [--json FILE]

Both engines tag the same photos into Parquet, in turns. A round's rate counts from the end of its first partition to
the end of the last one, so that start-up stands apart: of Ray, from nothing to the first partition, with the cluster;
of the local engine, from nothing to the end of as many photos. CPU seconds are those of all processes of an engine
between the same two moments; they say more than wall time where others use the machine. Memory is the largest sum of
the proportional set sizes (PSS) at the ends of partitions. Ratios are medians of the rounds' own ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from measuring import SIZES, machine_line, make_photos, print_table

from vectortag.apps.cli.tag_options import Loading
from vectortag.apps.cli.tag_ray import job_options, tagger_options
from vectortag.apps.parquet_output import write_parquet
from vectortag.apps.partitions import PartitionedJob
from vectortag.apps.ray_engine import tag_on_ray
from vectortag.core.types import FailedTagging, Tagging
from vectortag.data.output_folder import OutputFolder
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

TICKS = os.sysconf("SC_CLK_TCK")
SELECT = {"threshold": None, "top_k": None, "all_scores": False}


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds of the clock and of all processes of this program, and their memory in MiB."""

    wall: float
    cpu: float
    memory: float

    @classmethod
    def now(cls) -> Moment:
        """Sum up this process and all that came from it."""
        cpu = memory = 0.0
        for process in family(os.getpid()):
            try:
                fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
            except OSError:  # it has ended
                continue
            cpu += (int(fields[11]) + int(fields[12])) / TICKS
            memory += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
        return cls(time.perf_counter(), cpu, memory)


def family(root: int) -> Iterator[int]:
    """A process and its descendants."""
    yield root
    try:
        tasks = list(Path(f"/proc/{root}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from family(int(child))


@dataclass(frozen=True, slots=True)
class Pass:
    """One engine over all photos.

    Attributes:
        start: seconds to the end of the first partition.
        wall, cpu: milliseconds a photo after that.
        memory: MiB.
    """

    start: float
    wall: float
    cpu: float
    memory: float

    @classmethod
    def of(cls, began: float, moments: Sequence[Moment], photos: int) -> Pass:
        first, last = moments[0], moments[-1]
        wall, cpu = (1000 * (end - start) / photos for start, end in ((first.wall, last.wall), (first.cpu, last.cpu)))
        return cls(first.wall - began, wall, cpu, max(moment.memory for moment in moments))


def by_ray(model: str, photos: Sequence[Path], folder: Path, *, threads: int, partition: int) -> Pass:
    began, moments = time.perf_counter(), []
    loading = Loading(model=model, threads=threads, additions=False)
    chosen = tagger_options(loading, SELECT, Language(), embeddings=False)
    job = PartitionedJob.begin(OutputFolder(folder), job_options(chosen), iter(photos), partition)
    tag_on_ray(job, chosen, progress=lambda *_: moments.append(Moment.now()))
    return Pass.of(began, moments, sum(job.sizes) - job.sizes[0])


def by_local_engine(model: str, photos: Sequence[Path], file: Path, *, threads: int, partition: int) -> Pass:
    began, moments = time.perf_counter(), []

    def told(results: Iterator[Tagging | FailedTagging]) -> Iterator[Tagging | FailedTagging]:
        for count, result in enumerate(results, 1):
            yield result
            if count % partition == 0 or count == len(photos):
                moments.append(Moment.now())

    tagger = Tagger.load(model, threads=threads, additions=False)
    with file.open("wb") as output:
        write_parquet(output, told(tagger.tag_many(photos)), partial(Tagging.select, **SELECT))
    return Pass.of(began, moments, len(photos) - partition)


def in_a_process(work: object, *arguments: object, **options: object) -> Pass:
    """What a function returns in a new process: nothing that a round leaves behind helps the next one."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments, **options).result()  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lite2")
    parser.add_argument("--photos", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--partition", type=int, default=512)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once = make_photos(folder / "photos", SIZES["500x375"])
        photos = [once[number % len(once)] for number in range(options.photos)]
        passes: dict[str, list[Pass]] = {"local": [], "ray": []}
        for turn in range(options.rounds):
            for engine, work in (("local", by_local_engine), ("ray", by_ray)):
                place, shared = folder / f"{engine}{turn}", {"threads": options.threads, "partition": options.partition}
                passes[engine].append(in_a_process(work, options.model, photos, place, **shared))
    rows = [
        {"engine": engine}
        | {
            what: round(statistics.median(getattr(one, field) for one in found), 2)
            for what, field in {
                "start-up, s": "start",
                "wall ms a photo": "wall",
                "CPU ms a photo": "cpu",
                "MiB": "memory",
            }.items()
        }
        for engine, found in passes.items()
    ]
    for field, what in (("wall", "rate"), ("cpu", "photos a CPU second")):
        pairs = zip(passes["local"], passes["ray"], strict=True)
        share = statistics.median(getattr(local, field) / getattr(ray, field) for local, ray in pairs)
        print(f"{what} of Ray: {100 * share:.0f} % of the local engine's")
    print(machine_line())
    print_table(rows, options.json)


if __name__ == "__main__":
    main()
