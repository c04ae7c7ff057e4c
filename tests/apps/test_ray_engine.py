"""Tagging on a Ray cluster of this machine, while its machines die.

The tests with a cluster are long ones, and are skipped where Ray is not installed. Ray is no part of the test set-up:
it takes 200 MB, and its processes give up where a busy machine starts them too slowly.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import s3
from PIL import Image

from vectortag.apps.cli.tag_options import Loading
from vectortag.apps.cli.tag_ray import job_options, tagger_options
from vectortag.apps.partitions import JobFolder, PartitionedJob
from vectortag.apps.ray_engine import PartitionTagger, TaggerOptions
from vectortag.core.errors import ModelFolderError
from vectortag.data.find import photos_of
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

MAIN = "import sys; from vectortag.apps.cli.app import run; sys.exit(run(sys.argv[1:]))"
PATIENCE = 600.0
"""Seconds; only against waiting for ever."""


pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def _ray(need: Callable[[object, str], None]) -> None:
    need(importlib.util.find_spec("ray"), "ray")


def ray_environment() -> dict[str, str]:
    """Of cluster and job: a token that both know, no report to anybody, no proxy between processes of this machine."""
    ray = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": 32 * "0"}
    return s3.clean() | ray | {"OMP_NUM_THREADS": "1"}


CLUSTER = """
import sys
from ray.cluster_utils import Cluster

nodes = int(sys.argv[1])
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
made = [cluster.add_node(num_cpus=1, include_dashboard=False) for _ in range(nodes)]
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(made.pop(), allow_graceful=False)
    print("killed", flush=True)
cluster.shutdown()
"""


class RayNodes:
    """A cluster of a head and some nodes of one core each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def kill_one(self) -> None:
        """End all processes of a node by SIGKILL."""
        assert self._process.stdin is not None
        self._process.stdin.write("kill\n")
        self._process.stdin.flush()
        assert self._line() == "killed"


@contextmanager
def ray_nodes(count: int) -> Iterator[RayNodes]:
    """A cluster; at the end of the block, all its processes are killed, the head's among them."""
    command = [sys.executable, "-c", CLUSTER, str(count)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, text=True, env=ray_environment(), start_new_session=True, **pipes)
    try:
        yield RayNodes(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def make_photos(tmp_path: Path) -> Callable[[int], Path]:
    """make_photos(100): a folder of photos, two of which are broken."""

    def make(count: int) -> Path:
        folder = tmp_path / "photos"
        folder.mkdir()
        generator = np.random.default_rng(1)
        for number in range(count):
            Image.fromarray(generator.integers(0, 256, (24, 32, 3), np.uint8)).save(folder / f"{number:05}.png")
        for number in (3, count - 2):
            (folder / f"{number:05}.png").write_bytes(b"no photo")
        return folder

    return make


@pytest.fixture
def job(tiny_model: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """job(folder, address): a running `vectortag tag --engine ray`, which writes to tmp_path/"tags"."""

    def start(photos: Path, address: str | None, *options: str) -> subprocess.Popen[str]:
        command = ["tag", str(photos), "--engine", "ray", "--format", "parquet", "--output", str(tmp_path / "tags")]
        command += ["--model", str(tiny_model), "--threads", "1", *options]
        command += ["--ray-address", address] if address else []
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, *command], stderr=subprocess.PIPE, text=True, env=ray_environment()
        )

    return start


def parts(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "tags").glob("part-*.parquet"))


def wait_for_parts(tmp_path: Path, count: int, running: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while len(parts(tmp_path)) < count:
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)


def finish(running: subprocess.Popen[str]) -> str:
    """What the job says; it ends with 1, since two photos are broken."""
    _, said = running.communicate(timeout=PATIENCE)
    assert running.returncode == 1, said
    return said


def check_rows(tmp_path: Path, photos: Path, cli: Callable[..., Any], model: Path, *options: object) -> None:
    """Each photo once, and all rows as the local engine writes them."""
    local = tmp_path / "local.parquet"
    command = ("tag", photos, "--model", model, "--threads", 1, "--format", "parquet", "--output", local)
    assert cli(*command, *options).status == 1
    found = [row for part in parts(tmp_path) for row in pq.read_table(part).to_pylist()]

    assert len({row["path"] for row in found}) == len(found)
    assert found == pq.read_table(local).to_pylist()


class TestTaggers:
    """The actors, without a cluster."""

    @pytest.fixture
    def options(self, tiny_model: Path) -> Callable[..., TaggerOptions]:
        """options(embeddings=True): of a job with the tiny model."""
        loading = Loading(model=str(tiny_model), threads=1)
        return lambda embeddings=False: tagger_options(loading, {"top_k": 3}, Language(), embeddings=embeddings)

    @pytest.mark.parametrize("embeddings", [False, True])
    def test_their_rows_are_those_of_the_local_engine(
        self, options, make_photos, cli, tiny_model: Path, tmp_path: Path, embeddings: bool
    ):
        photos = make_photos(75)
        chosen, folder = options(embeddings=embeddings), JobFolder(tmp_path / "tags")
        job = PartitionedJob.begin(folder, job_options(chosen), photos_of([photos]), 32)
        sent = pickle.loads(pickle.dumps((folder, chosen)))  # as Ray sends them

        counts = PartitionTagger(*sent)({"partition": np.array(job.left())})

        assert {name: values.tolist() for name, values in counts.items()} == {
            "partition": [0, 1],
            "photos": [32, 43],
            "failed": [1, 1],
        }
        assert (job.left(), job.failed()) == ([], 2)
        more = ("--top-k", 3, *(["--embeddings"] if embeddings else []))
        check_rows(tmp_path, photos, cli, tiny_model, *more)

    def test_tags_that_the_user_added_are_sent_along(self, options, photos_12, tiny_model: Path, home: Path):
        Tagger.load(tiny_model).add_tag("pet", photos_12[:4])
        sent = pickle.dumps(options())
        shutil.rmtree(home)

        assert "pet" in pickle.loads(sent).load().tags

    def test_another_model_of_that_name_is_refused(self, options, two_sizes):
        with pytest.raises(ModelFolderError, match="is not the model of the machine where the job was started"):
            replace(options(), model=str(two_sizes.path)).load()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("--engine", "ray"), "--engine ray needs --format parquet"),
        (("--engine", "ray", "--format", "parquet"), "--format parquet needs --output"),
        (("--engine", "ray", "--format", "parquet", "--output", "x", "--partition", "20"), "a multiple of 16"),
        (("--ray-address", "auto"), "go with --engine ray"),
    ],
)
def test_options_that_do_not_go_together_are_refused(cli, make_photo, given: tuple[str, ...], expected: str):
    found = cli("tag", make_photo(), *given)

    assert found.status == 2
    assert expected in found.stderr


@pytest.mark.long
@pytest.mark.usefixtures("_ray")
def test_a_job_outlives_a_node_and_its_cluster(job, make_photos, cli, tiny_model: Path, tmp_path: Path):
    photos = make_photos(400)
    with ray_nodes(1) as nodes:
        running = job(photos, nodes.address, "--partition", "16")
        wait_for_parts(tmp_path, 3, running)
        running.send_signal(signal.SIGKILL)
        running.wait()
    kept = {part: part.stat().st_mtime_ns for part in parts(tmp_path)}
    assert 3 <= len(kept) < 25, "the job was stopped midway"

    with ray_nodes(2) as nodes:
        running = job(photos, nodes.address, "--partition", "16")
        wait_for_parts(tmp_path, len(kept) + 2, running)
        nodes.kill_one()
        said = finish(running)

    assert "going on: " in said
    assert {part: part.stat().st_mtime_ns for part in kept} == kept
    check_rows(tmp_path, photos, cli, tiny_model)


@pytest.mark.long
@pytest.mark.usefixtures("_ray")
def test_two_thousand_photos_outlive_a_node_and_the_head(job, make_photos, cli, tiny_model: Path, tmp_path, tried):
    photos = make_photos(2000)
    with ray_nodes(2) as nodes:
        running = job(photos, nodes.address, "--partition", "32")
        wait_for_parts(tmp_path, 20, running)
        nodes.kill_one()
        tried("Ray jobs", "a node killed midway")
        wait_for_parts(tmp_path, 35, running)
    running.kill()
    running.wait()
    tried("Ray jobs", "the head ended midway")
    done = len(parts(tmp_path))
    assert 35 <= done < 62

    with ray_nodes(2) as nodes:
        assert "going on: " in finish(job(photos, nodes.address, "--partition", "32"))

    check_rows(tmp_path, photos, cli, tiny_model)
    tried("Ray jobs", "completed, each photo once")
