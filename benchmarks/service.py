"""How much of the speed of `Tagger.tag_many` is left behind HTTP, and does the service's memory grow?

    python benchmarks/service.py                # the same scores? photos a second, latencies
    python benchmarks/service.py --minutes 30   # memory under load

The example photos at 500 x 375 (JPEG), over and over. A service, a process that is its 32 clients, and a process that
calls `tag_many` on the same photos, all on this machine; service and `tag_many` take turns, so that whatever else the
machine does meets both. The clients send each photo as the body of a request, on connections that are kept, and wait
for each answer. They share the cores with the service: their CPU time is given apart, and `CPU ms a photo` is what the
service and `tag_many` spent themselves.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from vectortag.apps.client import Client

EXAMPLES = Path(__file__).parents[1] / "examples/photos"
CLIENTS = 32
COMMAND = [sys.executable, "-c", "from vectortag.apps.entry import main; main()"]
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="Turns of each.")
    parser.add_argument("--seconds", type=float, default=10, help="Of one turn.")
    parser.add_argument("--minutes", type=float, default=0, help="Instead: keep it busy so long and watch its memory.")
    parser.add_argument("--precision", default="auto", choices=("auto", "exact"))
    arguments = parser.parse_args()
    photos = list(example_photos())
    with serving(arguments.precision) as (pid, port):
        if arguments.minutes:
            watch_memory(pid, port, photos, arguments.minutes)
        else:
            apart = difference(port, photos, arguments.precision)
            print(f"largest difference from the command line's scores: {apart:.6f}")
            compare(pid, port, photos, arguments)


def difference(port: int, photos: list[bytes], precision: str) -> float:
    """Between the scores of all tags that the service gives, asked by all clients at once, and the command line's."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        ours = list(pool.map(lambda photo: all_scores(port, photo), photos))
    with tempfile.TemporaryDirectory() as folder:
        for place, photo in enumerate(photos):
            (Path(folder) / f"{place:02}.jpg").write_bytes(photo)
        command = [*COMMAND, "tag", folder, "--format", "jsonl", "--all-scores", "--precision", precision]
        lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
    theirs = [[tag["score"] for tag in json.loads(line)["tags"]] for line in lines]
    return float(np.abs(np.array(ours) - np.array(theirs)).max())


def all_scores(port: int, photo: bytes) -> list[float]:
    with Client(f"http://127.0.0.1:{port}") as client:
        return [tag.score for tag in client.tag(photo, all_scores=True).tags]


def example_photos() -> Iterator[bytes]:
    for file in sorted(EXAMPLES.glob("*.jpg")):
        stream = io.BytesIO()
        Image.open(file).convert("RGB").resize((500, 375)).save(stream, "JPEG", quality=90)
        yield stream.getvalue()


@contextmanager
def serving(precision: str) -> Iterator[tuple[int, int]]:
    """A service, as its process and port."""
    command = [*COMMAND, "serve", "--port", "0", "--precision", precision]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(line.rstrip())
            if found := re.search(r"listening on http://127.0.0.1:(\d+)", line):
                break
        try:
            yield process.pid, int(found[1])
        finally:
            process.terminate()


def compare(pid: int, port: int, photos: list[bytes], arguments: argparse.Namespace) -> None:
    print(f"{CLIENTS} clients, {len(photos)} photos, {arguments.rounds} turns of {arguments.seconds:g} s each\n")
    rates: dict[str, list[float]] = {"tag_many": [], "service": []}
    cpu: dict[str, list[float]] = {"tag_many": [], "service": [], "clients": []}
    latencies: list[float] = []
    with TagMany(photos, arguments.precision) as tag_many:
        tag_many.run(2)
        load(port, photos, 2)
        for _ in range(arguments.rounds):
            count, wall, spent = tag_many.run(arguments.seconds)
            rates["tag_many"].append(count / wall)
            cpu["tag_many"].append(1000 * spent / count)
            before = cpu_seconds(pid)
            seconds, wall, clients = load(port, photos, arguments.seconds)
            rates["service"].append(len(seconds) / wall)
            cpu["service"].append(1000 * (cpu_seconds(pid) - before) / len(seconds))
            cpu["clients"].append(1000 * clients / len(seconds))
            latencies += seconds
    report(rates, cpu, latencies)


def report(rates: dict[str, list[float]], cpu: dict[str, list[float]], latencies: list[float]) -> None:
    for name, values in rates.items():
        each = ", ".join(f"{value:.1f}" for value in values)
        print(f"{name:9} {statistics.median(values):6.1f} photos/s (median of {each})")
    for name, values in cpu.items():
        print(f"{name:9} {statistics.median(values):6.2f} CPU ms a photo")
    shares = [ours / theirs for ours, theirs in zip(rates["service"], rates["tag_many"], strict=True)]
    print(
        f"\nservice / tag_many: {statistics.median(shares):.2f} of the photos a second (median of the turns), ", end=""
    )
    print(f"{statistics.median(cpu['tag_many']) / statistics.median(cpu['service']):.2f} by CPU time")
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99]) * 1000
    print(f"latency with {CLIENTS} clients: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")


class TagMany:
    """A process that calls `tag_many` for so many seconds whenever it is asked to."""

    def __init__(self, photos: list[bytes], precision: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=tag_for_seconds, args=(theirs, photos, precision))
        self._process.start()

    def __enter__(self) -> TagMany:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send(None)
        self._process.join()

    def run(self, seconds: float) -> tuple[int, float, float]:
        """Photos, wall seconds, CPU seconds."""
        self._ours.send(seconds)
        return self._ours.recv()


def tag_for_seconds(connection, photos: list[bytes], precision: str) -> None:
    from vectortag.inference.tagger import Tagger

    tagger = Tagger.load(precision=precision)
    tagger.tag(photos[0])
    while (seconds := connection.recv()) is not None:
        begun, spent = time.perf_counter(), time.process_time()
        end = begun + seconds
        count = sum(1 for _ in tagger.tag_many(endless(photos, end)))
        connection.send((count, time.perf_counter() - begun, time.process_time() - spent))


def endless(photos: list[bytes], end: float) -> Iterator[bytes]:
    while time.perf_counter() < end:
        yield from photos


def load(port: int, photos: list[bytes], seconds: float) -> tuple[list[float], float, float]:
    """Seconds of each request, wall seconds, and CPU seconds of the clients."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=be_clients, args=(theirs, port, photos, seconds))
    process.start()
    result = ours.recv()
    process.join()
    return result


def be_clients(connection, port: int, photos: list[bytes], seconds: float) -> None:
    times: list[float] = []
    begun, spent = time.perf_counter(), time.process_time()
    clients = [
        threading.Thread(target=be_client, args=(port, photos[place % len(photos) :] + photos, begun + seconds, times))
        for place in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    connection.send((times, time.perf_counter() - begun, time.process_time() - spent))


def be_client(port: int, photos: list[bytes], end: float, times: list[float]) -> None:
    """Plain sockets: a client that costs as little as it can."""
    requests = [
        f"POST /v1/tag HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/jpeg\r\ncontent-length: {len(photo)}\r\n\r\n"
        .encode() + photo
        for photo in photos
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as stream:
        place = 0
        while (begun := time.perf_counter()) < end:
            connection.sendall(requests[place % len(requests)])
            answer = read_answer(stream)
            times.append(time.perf_counter() - begun)
            assert answer["photos"][0]["tags"] is not None
            place += 1


def read_answer(stream: io.BufferedReader) -> dict:
    status, length = stream.readline(), 0
    assert status.startswith(b"HTTP/1.1 200 "), status
    while (line := stream.readline()) != b"\r\n":
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return json.loads(stream.read(length))


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has spent so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def watch_memory(pid: int, port: int, photos: list[bytes], minutes: float) -> None:
    """Print the resident memory twelve times while 32 clients keep the service busy."""
    print(f"{CLIENTS} clients for {minutes:g} minutes\n  minute  photos   MiB")
    count, begun, sizes = 0, time.perf_counter(), []
    for _ in range(12):
        times, _, _ = load(port, photos, minutes * 60 / 12)
        count += len(times)
        sizes.append(resident_mib(pid))
        print(f"{(time.perf_counter() - begun) / 60:8.1f} {count:7} {sizes[-1]:5.0f}", flush=True)
    first, last = statistics.mean(sizes[2:7]), statistics.mean(sizes[7:])
    print(f"\nsecond half against first half, without the start: {last - first:+.1f} MiB of {last:.0f}")


def resident_mib(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
