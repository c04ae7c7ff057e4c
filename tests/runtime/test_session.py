"""Both runtimes: the same numbers, the same errors, no more cores than granted, no telemetry."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import MissingExtraError, ModelFolderError, VectorTagError
from vectortag.core.types import Arithmetic, ByteArray, FloatArray, Tagging
from vectortag.inference.tagger import Tagger
from vectortag.runtime import session
from vectortag.runtime.cpu import Machine
from vectortag.runtime.session import (
    AT_ONCE,
    BATCHES,
    LARGEST_IN_BATCHES,
    OnnxRuntimeSession,
    OpenVinoSession,
    open_session,
)

NeedModule = Callable[[str], ModuleType]
RUNTIMES = ("openvino", "onnxruntime")
GPU, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.fixture
def network(tiny_model: Path) -> Path:
    return tiny_model / "model.onnx"


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest, need_module: NeedModule) -> str:
    """Each runtime that is installed."""
    need_module(request.param)
    return request.param


def images(count: int, height: int = 32, width: int = 32) -> ByteArray:
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3), np.uint8)


class TestNumbers:
    @pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 64), (48, 32)])
    def test_both_runtimes_give_the_same_feature_maps(
        self, network: Path, need_module: NeedModule, height: int, width: int
    ):
        need_module("onnxruntime")
        maps = [open_session(network, runtime=name).feature_maps(images(3, height, width)) for name in RUNTIMES]

        assert maps[0].shape == (3, 8, height // 4, width // 4)
        assert maps[0].max() > 0.1
        np.testing.assert_allclose(maps[0], maps[1], atol=1e-4)

    def test_both_runtimes_give_the_same_tags(
        self, tiny_model: Path, make_photo: Callable[..., Path], need_module: NeedModule
    ):
        need_module("onnxruntime")
        photos = [make_photo(f"{seed}.jpg", seed=seed) for seed in range(8)]

        one, other = (list(Tagger.load(tiny_model, runtime=name).tag_many(photos)) for name in RUNTIMES)

        def names(taggings: list[Tagging]) -> list[set[str]]:
            return [{scored.tag for scored in tagging.tags} for tagging in taggings]

        assert names(one) == names(other)
        assert len({frozenset(tags) for tags in names(one)}) > 1
        assert {tagging.runtime for tagging in one + other} == set(RUNTIMES)

    @pytest.mark.parametrize("batch", [1, 2, 5])
    def test_the_size_of_the_batch_changes_nothing(self, network: Path, runtime: str, batch: int):
        opened, photos = open_session(network, runtime=runtime), images(7)

        parts = [opened.feature_maps(photos[start : start + batch]) for start in range(0, 7, batch)]

        np.testing.assert_allclose(np.concatenate(parts), opened.feature_maps(photos), atol=1e-5)

    def test_a_later_call_leaves_an_earlier_result_alone(self, network: Path, runtime: str):
        opened = open_session(network, runtime=runtime)
        first = opened.feature_maps(images(2))
        before = first.copy()

        opened.feature_maps(255 - images(2))

        np.testing.assert_array_equal(first, before)

    def test_pixels_that_may_not_be_written_to_are_read(self, network: Path, runtime: str):
        opened, photos = open_session(network, runtime=runtime), images(2)
        expected = opened.feature_maps(photos)

        photos.flags.writeable = False

        np.testing.assert_array_equal(opened.feature_maps(photos), expected)

    def test_one_photo_on_one_core_and_on_all_has_the_same_feature_map(self, network: Path, runtime: str):
        opened = open_session(network, runtime=runtime, threads=3)
        (photo,) = images(1)

        alone, together = opened.feature_map(photo), opened.feature_map_at_once(photo)

        np.testing.assert_allclose(alone, together, atol=1e-5)
        np.testing.assert_array_equal(opened.feature_maps(photo[None])[0], together)

    def test_more_callers_than_cores_wait_their_turn_and_get_their_own_results(self, network: Path, runtime: str):
        opened, photos = open_session(network, runtime=runtime, threads=2), images(40)
        expected = [opened.feature_map(photo) for photo in photos]

        with ThreadPoolExecutor(8) as pool:
            actual = list(pool.map(opened.feature_map, photos))

        np.testing.assert_array_equal(actual, expected)

    def test_a_session_says_what_it_computes_with(self, network: Path, runtime: str):
        opened = open_session(network, runtime=runtime, threads=1)

        assert (opened.runtime, opened.precision) == (runtime, "f32")
        assert opened.feature_maps(images(1)).dtype == np.float32


class TestMany:
    """Images that a caller brings together."""

    @pytest.fixture(params=["avx2", "avx512_vnni", "amx_int8"])
    def extension(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
        machine = Machine("a processor", 2, ("avx2", request.param))
        monkeypatch.setattr("vectortag.runtime.session.this_machine", lambda: machine)
        return str(request.param)

    @pytest.mark.parametrize("count", [1, 3, AT_ONCE, AT_ONCE + 3])
    @pytest.mark.parametrize("precision", ["f32", "int8"])
    def test_each_has_the_same_feature_map_as_alone(
        self, network: Path, extension: str, precision: Arithmetic, count: int
    ):
        opened, photos = open_session(network, runtime="openvino", precision=precision, threads=2), images(count)

        together = opened.feature_maps_of(photos)

        assert opened.batch == (BATCHES["int8"].get(extension, 1) if precision == "int8" else 1)
        assert len(together) == count
        np.testing.assert_allclose(together, [opened.feature_map(photo) for photo in photos], atol=1e-5)

    def test_several_callers_at_once_get_each_their_own(self, network: Path):
        opened, photos = open_session(network, runtime="openvino", threads=2), images(40)

        with ThreadPoolExecutor(5) as pool:
            found = list(pool.map(opened.feature_maps_of, [photos[n : n + 8] for n in range(0, 40, 8)]))

        np.testing.assert_allclose(np.concatenate(found), opened.feature_maps(photos), atol=1e-5)

    @pytest.mark.parametrize("size", [LARGEST_IN_BATCHES, LARGEST_IN_BATCHES + 32])
    def test_large_images_are_computed_one_by_one(self, network: Path, monkeypatch: pytest.MonkeyPatch, size: int):
        opened, seen = open_session(network, runtime="openvino", threads=1), []
        assert isinstance(opened, OpenVinoSession)
        opened.batch = 2
        infer = opened._infer
        monkeypatch.setattr(opened, "_infer", lambda batches, threads: seen.extend(batches) or infer(batches, threads))

        opened.feature_maps_of(np.zeros((2, size, size, 3), np.uint8))

        assert [len(batch) for batch in seen] == ([2] if size == LARGEST_IN_BATCHES else [1, 1])

    def test_onnx_runtime_takes_them_one_by_one(self, network: Path):
        opened = open_session(network, runtime="onnxruntime", precision="int8")

        assert opened.batch == 1
        assert len(opened.feature_maps_of(images(3))) == 3


class TestOpening:
    def test_openvino_is_the_first_choice(self, network: Path):
        assert isinstance(open_session(network), OpenVinoSession)

    def test_without_openvino_the_choice_falls_on_onnx_runtime(
        self, network: Path, need_module: NeedModule, monkeypatch: pytest.MonkeyPatch
    ):
        need_module("onnxruntime")
        monkeypatch.setitem(sys.modules, "openvino", None)

        assert isinstance(open_session(network), OnnxRuntimeSession)

    def test_a_runtime_that_was_asked_for_is_never_replaced(self, network: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "openvino", None)

        with pytest.raises(MissingExtraError, match="The runtime openvino needs OpenVINO"):
            open_session(network, runtime="openvino")

    def test_a_missing_onnx_runtime_is_an_error_with_its_command(self, network: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)

        with pytest.raises(MissingExtraError, match=r"ONNX Runtime. Install it with: pip install 'vectortag\[onnx\]'"):
            open_session(network, runtime="onnxruntime")

    @pytest.mark.parametrize("content", [b"", b"not a network"])
    def test_a_file_that_is_no_network_is_refused_by_name(self, tmp_path: Path, runtime: str, content: bytes):
        (tmp_path / "broken.onnx").write_bytes(content)

        with pytest.raises(ModelFolderError, match=r"broken\.onnx: .* cannot load it"):
            open_session(tmp_path / "broken.onnx", runtime=runtime)

    def test_an_unknown_runtime_is_an_error_with_the_known_ones(self, network: Path):
        with pytest.raises(VectorTagError, match=r"'tensorrt'\. Expected one of: auto, openvino, onnxruntime"):
            open_session(network, runtime="tensorrt")

    def test_a_network_can_be_given_as_bytes(self, network: Path, runtime: str):
        expected = open_session(network, runtime=runtime).feature_maps(images(2))

        actual = open_session(network.read_bytes(), runtime=runtime).feature_maps(images(2))

        np.testing.assert_array_equal(actual, expected)


class TestCuda:
    """Without a GPU: what is asked of ONNX Runtime, and what is said where it has none."""

    @pytest.fixture
    def onnxruntime(self, need_module: NeedModule, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """ONNX Runtime as the package with CUDA has it; where it finds no GPU, it goes on without, as that does."""
        module = need_module("onnxruntime")
        opened = module.InferenceSession

        def without_gpu(*arguments: Any, providers: list[Any], **options: Any) -> Any:
            return opened(*arguments, providers=[one for one in providers if isinstance(one, str)], **options)

        monkeypatch.setattr(module, "get_available_providers", lambda: [GPU, CPU])
        monkeypatch.setattr(module, "preload_dlls", lambda: sys.stdout.write("Failed to load"), raising=False)
        monkeypatch.setattr(module, "InferenceSession", without_gpu)
        return module

    def test_an_onnx_runtime_without_cuda_says_what_to_install(self, network: Path, need_module: NeedModule):
        if GPU in need_module("onnxruntime").get_available_providers():
            pytest.skip("this ONNX Runtime has CUDA")

        with pytest.raises(VectorTagError, match=r"on the CPU alone\. Run: .* 'onnxruntime-gpu\[cuda,cudnn\]'"):
            open_session(network, runtime="cuda")

    def test_where_no_gpu_can_be_used_the_cpu_does_not_take_its_place_in_silence(
        self, network: Path, onnxruntime: ModuleType, capsys: pytest.CaptureFixture[str]
    ):
        with pytest.raises(VectorTagError, match="cannot use a GPU here"):
            open_session(network, runtime="cuda")

        assert capsys.readouterr().out == ""  # stdout is for taggings

    def test_a_gpu_is_asked_for_real_float32_and_its_taggings_say_that_it_made_them(
        self, network: Path, onnxruntime: ModuleType, monkeypatch: pytest.MonkeyPatch
    ):
        opened, asked = onnxruntime.InferenceSession, []

        def with_gpu(*arguments: Any, providers: list[Any], **options: Any) -> Any:
            asked.append(providers)
            real = opened(*arguments, providers=providers, **options)
            return SimpleNamespace(run=real.run, get_inputs=real.get_inputs, get_providers=lambda: [GPU, CPU])

        monkeypatch.setattr(onnxruntime, "InferenceSession", with_gpu)

        session = open_session(network, runtime="cuda", precision="bf16", threads=3)

        assert (session.runtime, session.precision, session.threads) == ("cuda", "f32", 3)
        expected = open_session(network, runtime="openvino").feature_maps(images(5))
        np.testing.assert_allclose(session.feature_maps(images(5)), expected, atol=1e-4)
        np.testing.assert_allclose(session.feature_maps(images(5)[:1]), expected[:1], atol=1e-4)
        assert len(asked) == 1  # one photo and many are computed by the same session: the GPU's memory holds it once
        assert asked[0][0] == (GPU, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"})


def test_each_installed_runtime_is_named_with_the_version_of_its_package(monkeypatch: pytest.MonkeyPatch):
    def version(package: str) -> str:
        if package == "onnxruntime":
            raise PackageNotFoundError(package)
        return f"1 of {package}"

    monkeypatch.setattr("importlib.metadata.version", version)

    assert list(session.installed_runtimes().items()) == [
        ("openvino", "1 of openvino"),
        ("onnxruntime", "1 of onnxruntime-gpu"),
        ("cuda", "1 of onnxruntime-gpu"),
    ]


def test_threads_that_are_the_first_to_run_a_network_do_not_wait_for_each_other(network: Path):
    code = """
import sys, pathlib, numpy, concurrent.futures, vectortag.runtime.session as session
opened = session.open_session(pathlib.Path(sys.argv[1]), runtime="openvino", threads=4)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(opened.feature_map, numpy.zeros((8, 32, 32, 3), numpy.uint8)))
"""
    for _ in range(8):  # without the care that `_import_openvino` takes, about every third process hung
        subprocess.run([sys.executable, "-c", code, network], check=True, timeout=60)


class TestKeptNetworks:
    """What OpenVINO compiled is kept under the network's hash, and loaded the next time."""

    def run(self, network: Path) -> FloatArray:
        return open_session(network, runtime="openvino", digest="0" * 64).feature_maps(images(1))

    def kept(self, home: Path) -> list[Path]:
        return sorted((home / "cache/compiled").glob("*"))

    def test_the_second_time_it_is_not_compiled(self, network: Path, home: Path, tmp_path: Path):
        expected = self.run(network)
        (file,) = self.kept(home)

        actual = self.run(tmp_path / "not looked at.onnx")

        np.testing.assert_array_equal(actual, expected)
        assert self.kept(home) == [file]

    @pytest.mark.parametrize("content", [b"not compiled", b""])
    def test_a_broken_one_is_replaced(self, network: Path, home: Path, content: bytes):
        expected = self.run(network)
        (file,) = self.kept(home)
        whole = file.stat().st_size
        file.write_bytes(content)

        np.testing.assert_array_equal(self.run(network), expected)

        assert abs(file.stat().st_size - whole) < 100  # there are names with a running number in it

    def test_without_a_hash_nothing_is_kept(self, network: Path, home: Path):
        open_session(network, runtime="openvino").feature_maps(images(1))

        assert self.kept(home) == []

    def test_of_too_many_the_one_that_was_longest_not_used_goes(
        self, network: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(session, "KEPT_NETWORKS", 2)
        written = []
        for side in (32, 48, 64):
            open_session(network, runtime="openvino", digest="0" * 64).feature_maps(images(1, side, side))
            written += sorted(set(self.kept(home)) - set(written))

        assert self.kept(home) == sorted(written[1:])

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
