"""Tagging on a Ray cluster of this machine, while its machines die.

The tests with a cluster are long; `./task.sh long` installs Ray. It is no part of the test set-up: it takes 240 MB.
Its processes also give up after 30 seconds where a busy machine starts them slowly: runs would fail by chance.
"""

from __future__ import annotations

import importlib.util
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray_cluster
from PIL import Image

from vectortag.apps.cli.tag_options import Loading
from vectortag.apps.cli.tag_ray import job_options, tagger_options
from vectortag.apps.partitions import PartitionedJob
from vectortag.apps.ray_engine import PartitionTagger, TaggerOptions
from vectortag.core.errors import ModelFolderError
from vectortag.data.find import photos_of
from vectortag.data.output_folder import OutputFolder
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

MAIN = "import sys; from vectortag.apps.cli.app import run; sys.exit(run(sys.argv[1:]))"
PATIENCE = 200.0
"""Seconds; only against waiting for ever."""


pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def _ray(need: Callable[[object, str], None]) -> None:
    need(importlib.util.find_spec("ray"), "ray")


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
def job(tiny_model: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """job(folder, address): a running `vectortag tag --engine ray`, which writes to tmp_path/"tags"."""
    with ExitStack() as running:

        def start(photos: Path, address: str | None, *options: str) -> subprocess.Popen[str]:
            command = ["tag", str(photos), "--engine", "ray", "--format", "parquet", "--output", str(tmp_path / "tags")]
            command += ["--model", str(tiny_model), *options]
            command += ["--ray-address", address] if address else []
            pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            process = subprocess.Popen(
                [sys.executable, "-c", MAIN, *command], text=True, env=ray_cluster.environment(), **pipes
            )
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield start


def parts(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "tags").glob("part-*.parquet"))


def wait_for_parts(tmp_path: Path, count: int, running: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while len(parts(tmp_path)) < count:
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)


def finish(running: subprocess.Popen[str]) -> str:
    """What the job says on stderr; it ends with 1, since two photos are broken."""
    output, said = running.communicate(timeout=PATIENCE)
    assert (running.returncode, output) == (1, ""), said
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
        chosen, folder = options(embeddings=embeddings), OutputFolder(tmp_path / "tags")
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


@pytest.mark.long
@pytest.mark.usefixtures("_ray")
def test_a_cluster_for_one_job_writes_the_rows_of_the_local_engine(job, make_photos, cli, tiny_model, tmp_path: Path):
    photos = make_photos(40)

    running = job(photos, None, "--partition", "16")
    wait_for_parts(tmp_path, 1, running)
    listening = ray_cluster.addresses_open_to(running.pid)
    said = finish(running)

    assert listening
    assert listening <= set(ray_cluster.LOOPBACK)
    assert said.splitlines()[-1] == "2 of 40 photos could not be tagged"
    assert len(parts(tmp_path)) == 2
    check_rows(tmp_path, photos, cli, tiny_model)


@pytest.mark.long
@pytest.mark.usefixtures("_ray")
def test_two_thousand_photos_outlive_a_node(job, make_photos, cli, tiny_model: Path, tmp_path: Path, tried):
    photos = make_photos(2000)
    with ray_cluster.nodes_of(2) as nodes:
        running = job(photos, nodes.address, "--partition", "32")
        wait_for_parts(tmp_path, 20, running)
        nodes.kill("node")
        assert len(parts(tmp_path)) < 62, "the node was killed midway"
        finish(running)

    check_rows(tmp_path, photos, cli, tiny_model)
    tried("Ray jobs", "a node of two killed midway")


@pytest.mark.long
@pytest.mark.usefixtures("_ray")
def test_two_thousand_photos_go_on_where_the_head_ended(job, make_photos, cli, tiny_model: Path, tmp_path: Path, tried):
    photos = make_photos(2000)
    with ray_cluster.nodes_of(2) as nodes:
        running = job(photos, nodes.address, "--partition", "32")
        wait_for_parts(tmp_path, 20, running)
        nodes.kill("head")
        running.communicate(timeout=PATIENCE)
        assert running.returncode != 0
    kept = {part: part.stat().st_mtime_ns for part in parts(tmp_path)}
    assert 20 <= len(kept) < 62, "the head was killed midway"

    with ray_cluster.nodes_of(2) as nodes:
        said = finish(job(photos, nodes.address, "--partition", "32"))

    assert f"continuing: {len(kept)} of 62 partitions are done" in said
    assert {part: part.stat().st_mtime_ns for part in kept} == kept
    check_rows(tmp_path, photos, cli, tiny_model)
    tried("Ray jobs", "the head killed midway, and the job begun again")
