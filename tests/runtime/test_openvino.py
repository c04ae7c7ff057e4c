"""OpenVINO: batches, compiled networks in the cache, no telemetry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.checked import is_whole
from vectortag.core.types import Arithmetic, ByteArray, FloatArray
from vectortag.runtime import openvino
from vectortag.runtime.cpu import Machine
from vectortag.runtime.session import open_session


def images(count: int, height: int = 32, width: int = 32) -> ByteArray:
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3), np.uint8)


class TestBatches:
    """How many images a run should have, which depends on the precision and the processor."""

    @pytest.mark.parametrize(
        ("precision", "extension", "batch"),
        [
            ("f32", "amx_int8", 1),
            ("int8", "avx2", 1),
            ("int8", "avx512_vnni", 2),
            ("int8", "amx_int8", 8),
        ],
    )
    def test_a_batch_is_as_large_as_pays_and_gives_the_same_numbers(
        self, network: Path, monkeypatch: pytest.MonkeyPatch, precision: Arithmetic, extension: str, batch: int
    ):
        machine = Machine("a processor", 2, ("avx2", extension))
        monkeypatch.setattr("vectortag.runtime.openvino.this_machine", lambda: machine)
        opened = open_session(network, runtime="openvino", precision=precision, threads=2)
        assert opened.batch == batch

        for count in (1, 3, 8, 11):
            together = opened.run(images(count), batch=opened.batch, concurrent=True)

            assert together.shape == (count, 8, 8, 8)
            np.testing.assert_allclose(together, opened.run(images(count)), atol=1e-5)

    def test_more_images_than_may_be_in_flight_are_all_computed(self, network: Path):
        opened, photos = open_session(network, runtime="openvino", threads=1), images(5 * openvino.IN_FLIGHT + 1)

        alone = np.concatenate([opened.run(photo[None], concurrent=True) for photo in photos])

        np.testing.assert_array_equal(opened.run(photos), alone)
        np.testing.assert_allclose(opened.run(photos, batch=3), alone, atol=1e-5)


def test_threads_that_are_the_first_to_run_a_network_do_not_wait_for_each_other(network: Path):
    code = """
import sys, pathlib, numpy, concurrent.futures, vectortag.runtime.session as session
opened = session.open_session(pathlib.Path(sys.argv[1]), runtime="openvino", threads=4)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda n: opened.run(numpy.zeros((1, 32, 32, 3), numpy.uint8), concurrent=True), range(8)))
"""
    for _ in range(8):  # without the care that `_import_openvino` takes, about every third process hung
        subprocess.run([sys.executable, "-c", code, network], check=True, timeout=60)


class TestCache:
    """Compiled networks are cached under the network's hash, and loaded the next time."""

    def run(self, network: Path) -> FloatArray:
        return open_session(network, runtime="openvino", digest="0" * 64).run(images(1))

    def cached(self, home: Path) -> list[Path]:
        return sorted((home / "cache/compiled").glob("*"))

    def test_the_second_time_it_is_not_compiled(self, network: Path, home: Path, tmp_path: Path):
        expected = self.run(network)
        (file,) = self.cached(home)

        actual = self.run(tmp_path / "not looked at.onnx")

        np.testing.assert_array_equal(actual, expected)
        assert self.cached(home) == [file]

    @pytest.mark.parametrize("content", [b"not compiled", b""])
    def test_a_broken_one_is_replaced(self, network: Path, home: Path, content: bytes):
        expected = self.run(network)
        (file,) = self.cached(home)
        whole = file.stat().st_size
        file.write_bytes(content)

        np.testing.assert_array_equal(self.run(network), expected)

        assert abs(file.stat().st_size - whole) < 100  # there are names with a running number in it

    @pytest.mark.parametrize("part", np.linspace(0, 1, 12).tolist())
    def test_a_flipped_bit_is_noticed(self, network: Path, home: Path, part: float):
        expected = self.run(network)
        (file,) = self.cached(home)
        content = bytearray(file.read_bytes())
        content[int(part * (len(content) - 1))] ^= 8
        file.write_bytes(content)

        np.testing.assert_array_equal(self.run(network), expected)
        assert is_whole(file)

    def test_without_a_hash_nothing_is_cached(self, network: Path, home: Path):
        open_session(network, runtime="openvino").run(images(1))

        assert self.cached(home) == []

    def test_networks_that_it_has_are_given_back_and_loaded_again(self, network: Path, home: Path):
        session = open_session(network, runtime="openvino", digest="0" * 64)
        before = session.run(images(3))
        assert session._pools

        session.release()

        assert not session._pools
        np.testing.assert_array_equal(session.run(images(3)), before)

    def test_networks_that_it_does_not_have_are_kept(self, network: Path, home: Path):
        session = open_session(network, runtime="openvino")
        session.run(images(1))

        session.release()

        assert len(session._pools) == 1

    def test_of_too_many_the_least_recently_used_is_deleted(
        self, network: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(openvino, "CACHED_NETWORKS", 2)
        written = []
        for side in (32, 48, 64):
            open_session(network, runtime="openvino", digest="0" * 64).run(images(1, side, side))
            written += sorted(set(self.cached(home)) - set(written))

        assert self.cached(home) == sorted(written[1:])

    def test_a_cache_folder_that_cannot_be_made_is_done_without(
        self, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        (tmp_path / "file").touch()
        monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path / "file"))

        assert self.run(network).shape == (1, 8, 8, 8)

    def test_openvino_is_imported_without_its_telemetry(self, network: Path, tmp_path: Path):
        code = (
            "import sys, pathlib, vectortag.runtime.session as session\n"
            "session.open_session(pathlib.Path(sys.argv[1]), runtime='openvino')\n"
            "print(sys.modules['openvino_telemetry'], 'openvino.tools.ovc' in sys.modules)"
        )
        environment = os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}

        run = subprocess.run(
            [sys.executable, "-c", code, network], env=environment, capture_output=True, text=True, check=True
        )

        assert run.stdout == "None False\n"
        assert list(tmp_path.iterdir()) == []  # telemetry would leave a file in the home folder
