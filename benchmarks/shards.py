"""Shards against the local cache of decoded photos: how fast they are read, and how fast a network trains on them.

    python benchmarks/shards.py read --data photos/metadata.csv --photos 2000
    python benchmarks/shards.py store --data photos/metadata.csv --photos 2000 --latency 30
    python benchmarks/shards.py train --data photos/metadata.csv --weights resnet18.safetensors --photos 256
    python benchmarks/shards.py plan --data photos/metadata.csv --photos 200000
    python benchmarks/shards.py prepare --data photos/metadata.csv --photos 500

read    one process takes all photos in a shuffled order, in batches of 32, without augmentation: from the cache (an
        array of pixels), from shards, and from the same JPEGs by webdataset and litdata, where these are installed
store   the same over HTTP, from a server in a process of its own that waits before each answer: single photos by
        ranged requests in the order of a permutation, and whole shards one after the other
train   epochs of the Lightning module as `vectortag train` runs it, from the cache and from shards (`--lossless` too),
        in turns; photos a second and the median of the ratios to the cache. With --cpu, a second is one of CPU time, of
        the training and its workers, on one thread: where others use the machine, the clock says little
plan    what comes before the first step, without any photo: the rows of so many photos are read, split and counted;
        words are those of the data set over and over, and no two photos look alike
prepare CPU milliseconds a photo of `vectortag prepare`: of the example photos in each size, and of the data set

Files are in the page cache of the machine: a slow disk is not measured.
"""

from __future__ import annotations

import argparse
import csv
import functools
import gc
import hashlib
import http.server
import importlib.util
import itertools
import json
import multiprocessing
import os
import re
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import SIZES, machine_line, make_photos
from torch import nn
from train_step import BATCH, _Clock, _module, _network, _trainer

from vectortag.core.schema import to_json
from vectortag.core.types import ByteArray
from vectortag.data.duplicates import FINGERPRINT
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.records import DataSet, Record
from vectortag.data.shards.layout import INDEX, Index, Plan, Row, Shard, listed, pack_rows, rows_name, tar_name
from vectortag.data.shards.reading import read_shards
from vectortag.data.shards.writing import write_shards
from vectortag.data.training_cache import prepared_photos
from vectortag.data.training_photos import Photos, training_photos
from vectortag.runtime.pixels import PixelRecipe, load_pixels
from vectortag.train.batches import AugmentedPhotos, Batches, BatchSampler, loader
from vectortag.train.config import BackboneConfig, DataConfig, TrainConfig
from vectortag.train.dataset import load_training_data
from vectortag.train.losses import to_float
from vectortag.train.sections import ScheduleConfig

SIZE = 256
TOGETHER = 500
"""Photos per shard."""


def main() -> None:
    """Measure and print lines, and one of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["read", "store", "train", "plan", "prepare"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=30, help="milliseconds before each answer of the store")
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--lossless", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VECTORTAG_HOME"] = str(Path(folder, "home"))
        data = read_tagged_photos(arguments.data)
        if arguments.what == "plan":
            plan(data, Path(folder, "shards"), arguments.photos)
            return
        data = DataSet(data.name, data.csv, data.records[: arguments.photos], known=data.known)
        if arguments.what == "prepare":
            prepare(data, Path(folder), arguments.rounds)
            return
        shards = Path(folder, "shards")
        started = time.perf_counter()
        index = write_shards(data, shards, size=SIZE, together=TOGETHER)
        took = time.perf_counter() - started
        size = sum(one.bytes for one in index.shards) / index.photos
        print(f"prepare: {index.photos / took:.0f} photos/s, {size / 1000:.1f} kB a photo")
        if arguments.what == "read":
            ways = reading(data, shards, Path(folder))
        elif arguments.what == "store":
            ways = from_store(shards, arguments.latency / 1000)
        else:
            places = {"cache": write_subset(data, folder), "shards": shards}
            if arguments.lossless:
                write_shards(data, Path(folder, "lossless"), size=SIZE, together=TOGETHER, lossless=True)
                places["lossless"] = Path(folder, "lossless")
            ways = training(arguments, places)
        report(ways, arguments.rounds)


def prepare(data: DataSet, folder: Path, rounds: int) -> None:
    """Print the CPU milliseconds a photo, the median of rounds, for one size and for two."""
    sets = {"the data set": data}
    for name, size in SIZES.items():
        photos = make_photos(folder / name, size) * 5
        records = [Record(path, ("photo",), row, None, name) for row, path in enumerate(photos, 2)]
        sets[name] = DataSet(name, folder / name / "metadata.csv", tuple(records))
    for name, one in sets.items():
        for copies, lossless in itertools.product(((), (224,)), (False, True) if one is data else (False,)):
            found = []
            for turn in range(rounds):
                output, started = folder / f"{name} {copies} {lossless} {turn}", time.process_time()
                index = write_shards(one, output, size=SIZE, copies=copies, lossless=lossless, together=TOGETHER)
                found.append(1000 * (time.process_time() - started) / index.photos)
            size = sum(shard.bytes for shard in index.shards) / index.photos / 1000
            what = f"{name}, {SIZE} {copies}{' lossless' if lossless else ''}"
            print(f"{what}: {statistics.median(found):.1f} ms, {size:.1f} kB a photo", flush=True)


def write_subset(data: DataSet, folder: str) -> Path:
    """A metadata.csv of these photos alone."""
    file = Path(folder, "metadata.csv")
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["image_path", "tags", "split"])
        rows.writerows([one.path.absolute(), ",".join(one.words), one.split or "train"] for one in data.records)
    return file


def report(ways: dict[str, Callable[[int], float]], rounds: int) -> None:
    """Go through the ways in turns; each gives its photos a second in a round."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            rate = way(turn)
            if turn:  # the first fills caches
                rates[name].append(rate)
                print(f"round {turn}: {name} {rate:.1f} photos/s", flush=True)
    first = next(iter(rates))
    for name, found in rates.items():
        ratio = statistics.median(a / b for a, b in zip(found, rates[first], strict=True))
        print(f"{name:12}{statistics.median(found):9.1f} photos/s   {ratio:6.3f} x {first}")
    print(json.dumps({"machine": machine_line(), "torch": torch.__version__, **rates}))


def timed(work: Callable[[int], Iterable[ByteArray]], turn: int) -> float:
    """Photos a second of what yields them in batches."""
    started = time.perf_counter()
    count = sum(len(batch) for batch in work(turn))
    return count / (time.perf_counter() - started)


def reading(data: DataSet, shards: Path, folder: Path) -> dict[str, Callable[[int], float]]:
    """The ways to read from a disk."""
    array, streamed = prepared_photos(data.records, SIZE), training_photos(read_shards(shards).records, SIZE)
    ways: dict[str, Callable[[int], Iterable[ByteArray]]] = {
        "cache": functools.partial(permuted, array),
        "shards": functools.partial(permuted, streamed),
    }
    if importlib.util.find_spec("webdataset"):
        ways["webdataset"] = functools.partial(by_webdataset, shards, len(streamed))
    if importlib.util.find_spec("litdata"):
        ways["litdata"] = functools.partial(by_litdata, write_litdata(shards, folder / "litdata"))
    return {name: functools.partial(timed, way) for name, way in ways.items()}


def permuted(photos: Photos, epoch: int) -> Iterable[ByteArray]:
    """Batches in the order of a training."""
    order = np.random.default_rng([1, epoch]).permutation(len(photos))
    for first in range(0, len(order), BATCH):
        yield photos[order[first : first + BATCH]]


def decoded(content: bytes) -> ByteArray:
    """The pixels of a photo in memory."""
    return load_pixels(content, SIZE, PixelRecipe())


def by_webdataset(shards: Path, count: int, epoch: int) -> Iterable[ByteArray]:
    """Shards in a shuffled order, and a buffer of a quarter of the photos, as its documentation shows."""
    import webdataset

    files = sorted(map(str, shards.glob("*.tar")))
    set_ = webdataset.WebDataset(files, shardshuffle=len(files), seed=epoch).shuffle(count // 4)
    photos = (decoded(sample["jpg"]) for sample in set_)
    yield from stacked(photos)


def write_litdata(shards: Path, folder: Path) -> Path:
    """The same JPEGs in chunks of litdata."""
    from litdata.streaming.writer import BinaryWriter

    writer = BinaryWriter(str(folder), chunk_size=TOGETHER)
    for place, record in enumerate(read_shards(shards).records):
        assert record.packed is not None
        writer.add_item(place, {"jpg": record.packed.photo.read().content})
    writer.done()
    writer.merge()
    return folder


def by_litdata(folder: Path, epoch: int) -> Iterable[ByteArray]:
    """Its own shuffle, by seed and epoch."""
    import litdata

    photos = litdata.StreamingDataset(str(folder), shuffle=True, seed=epoch)
    yield from stacked(decoded(sample["jpg"]) for sample in photos)


def stacked(photos: Iterable[ByteArray]) -> Iterable[ByteArray]:
    """Batches."""
    batch: list[ByteArray] = []
    for photo in photos:
        batch.append(photo)
        if len(batch) == BATCH:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def from_store(shards: Path, latency: float) -> dict[str, Callable[[int], float]]:
    """The ways to read from an object store."""
    here, there = multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=serve, args=(there, shards, latency), daemon=True).start()
    endpoint = f"http://127.0.0.1:{here.recv()}"
    os.environ |= {"AWS_ENDPOINT_URL": endpoint, "AWS_NO_SIGN_REQUEST": "1", "AWS_REGION": "us-east-1"}
    records = read_shards("s3://bucket/shards").records
    photos = training_photos(records, SIZE)
    ways = {"ranges": functools.partial(permuted, photos), "whole shards": functools.partial(whole, records)}
    return {name: functools.partial(timed, way) for name, way in ways.items()}


def whole(records: tuple[Record, ...], _: int) -> Iterable[ByteArray]:
    """What a shuffle within a buffer reads: shards one after the other; photos are decoded as they come."""
    from vectortag.data.object_store import read_object

    tars = dict.fromkeys(record.packed.photo.tar for record in records)  # type: ignore[union-attr]
    for tar in tars:
        content = read_object(tar).content
        assert isinstance(content, bytes)
        own = [record.packed.photo for record in records if record.packed.photo.tar == tar]  # type: ignore[union-attr]
        yield from stacked(decoded(content[one.offset : one.offset + one.size]) for one in own)


def serve(pipe: Any, folder: Path, latency: float) -> None:
    """As much of S3 as reading needs."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(200, {}, b"", (folder / Path(self.path.partition("?")[0]).name).stat().st_size)

        def do_GET(self) -> None:
            time.sleep(latency)
            file = folder / Path(self.path.partition("?")[0]).name
            size = file.stat().st_size
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            first, last = (int(found[1]), min(int(found[2]), size - 1)) if found else (0, size - 1)
            with file.open("rb") as opened:
                opened.seek(first)
                content = opened.read(last - first + 1)
            headers = {"Content-Range": f"bytes {first}-{last}/{size}"} if found else {}
            self._answer(206 if found else 200, headers, content, len(content))

        def _answer(self, status: int, headers: dict[str, str], content: bytes, size: int) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(size)}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=lambda: pipe.send(server.server_address[1])).start()
    server.serve_forever()


def plan(data: DataSet, folder: Path, photos: int) -> None:
    """Print the seconds and the memory before the first step, of a training of as many photos as there are."""
    write_rows(data, folder, photos)
    print(f"index: {sum(file.stat().st_size for file in folder.iterdir()) / photos:.0f} bytes a photo")
    before, started = _memory(), time.perf_counter()
    records = read_shards(folder).records
    read = time.perf_counter() - started
    print(f"read: {read:.1f} s, {(_memory() - before) / photos:.0f} bytes a photo")
    del records
    for distinct in (True, False):
        what = DataConfig(name="photos", csv=str(folder), distinct=distinct)
        started = time.perf_counter()
        found = load_training_data(TrainConfig(name="plan", data=(what,), max_samples=photos))
        took = time.perf_counter() - started
        compared = "not compared" if distinct else "compared with each other"
        print(
            f"read, {compared}, split, counted: {took:.1f} s, {len(found.tags)} tags, {_memory() / 1e9:.2f} GB in all"
        )
        del found


def write_rows(data: DataSet, folder: Path, photos: int) -> None:
    """An index and rows without any photo."""
    random = np.random.default_rng(1)
    folder.mkdir()
    shards, size = [], 30_000
    for number, first in enumerate(range(0, photos, TOGETHER)):
        rows = []
        for place in range(first, min(first + TOGETHER, photos)):
            words = data.records[place % len(data.records)].words
            offset = (place - first) * size
            digest = hashlib.sha256(str(place).encode()).digest()
            mark = random.bytes(FINGERPRINT.itemsize)
            name = f"train2017/{place:012}.jpg"
            rows.append(Row(name, place + 2, words, None, digest.hex()[:16], mark, offset, size, digest))
        shard = Shard(tar=tar_name(number), bytes=size * len(rows), sha256="", photos=len(rows))
        content = pack_rows(shard, rows)
        (folder / rows_name(shard.tar)).write_bytes(content)
        shards.append(listed(shard, content))
    what = Plan(
        source="", name="photos", size=SIZE, encoding="jpeg", recipe=PixelRecipe(), together=TOGETHER, known=None
    )
    index = Index(plan=what, photos=photos, left_out=(), shards=tuple(shards))
    (folder / INDEX).write_text(to_json(index))


def _memory() -> int:
    """Bytes of this process at its largest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def training(arguments: argparse.Namespace, places: dict[str, Path]) -> dict[str, Callable[[int], float]]:
    """The ways to train: one epoch each."""
    ways = {}
    for name, place in places.items():
        config = TrainConfig(
            name="benchmark",
            data=(DataConfig(name="photos", csv=str(place), distinct=True),),
            backbone=BackboneConfig(architecture=arguments.architecture, init=str(arguments.weights)),
            max_samples=arguments.photos,
            batch_size=BATCH,
            schedule=ScheduleConfig(kind="constant"),
        )
        ways[name] = functools.partial(epoch_of, config, arguments.photos, arguments.cpu)
    return ways


def epoch_of(config: TrainConfig, most: int, by_cpu: bool, turn: int) -> float:
    """One epoch; by the clock, the first step is not counted."""
    data = load_training_data(config)
    records = data.training.records[: most if turn else 2 * BATCH]
    source = AugmentedPhotos(training_photos(records, SIZE), config.backbone.image_size, config.augment, config.seed)
    targets = data.training.targets[: len(records)]
    clock = _Clock()
    module: nn.Module = _module(config, data, _network(config, data))
    sampler = BatchSampler(config, targets)
    sampler.set_epoch(turn)
    batches = Batches(source, to_float(torch.from_numpy(targets)))
    torch.set_num_threads(1 if by_cpu else torch.get_num_threads())
    started = _cpu_seconds()
    _trainer(config, clock).fit(module, loader(batches, sampler, workers=config.worker_count))
    if not by_cpu:
        return clock.photos_a_second
    gc.collect()  # ends the workers, whose time counts then
    return BATCH * len(sampler) / (_cpu_seconds() - started)


def _cpu_seconds() -> float:
    """Of this process and of those of its children that have ended."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)


if __name__ == "__main__":
    main()
