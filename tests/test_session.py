"""Both runtimes: the same numbers, the same errors, no more cores than granted, no telemetry."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vectortag import session
from vectortag.errors import MissingExtraError, ModelFolderError, VectorTagError
from vectortag.session import OnnxRuntimeSession, OpenVinoSession, open_session, usable_cores
from vectortag.tagger import Tagger
from vectortag.types import ByteArray, Tagging

NeedModule = Callable[[str], ModuleType]
RUNTIMES = ("openvino", "onnxruntime")


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

    def test_a_session_says_what_it_computes_with(self, network: Path, runtime: str):
        opened = open_session(network, runtime=runtime, precision="exact", threads=1)

        assert (opened.runtime, opened.precision) == (runtime, "f32")
        assert opened.feature_maps(images(1)).dtype == np.float32


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

    @pytest.mark.parametrize("wrong", [{"runtime": "tensorrt"}, {"precision": "f8"}])
    def test_an_unknown_runtime_or_precision_is_an_error_with_the_known_ones(
        self, network: Path, wrong: dict[str, str]
    ):
        with pytest.raises(VectorTagError, match="expected one of auto, openvino, onnxruntime, and one of auto, exact"):
            open_session(network, **wrong)

    def test_a_compiled_network_is_kept_in_the_cache_folder(self, network: Path, home: Path):
        open_session(network, runtime="openvino")

        assert list((home / "cache/openvino").iterdir())

    def test_a_cache_folder_that_cannot_be_made_is_done_without(
        self, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        (tmp_path / "file").touch()
        monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path / "file"))

        assert open_session(network, runtime="openvino").feature_maps(images(1)).shape == (1, 8, 8, 8)

    def test_openvino_is_imported_without_its_telemetry(self, network: Path, tmp_path: Path):
        code = (
            "import sys, pathlib, vectortag.session as session\n"
            "session.open_session(pathlib.Path(sys.argv[1]), runtime='openvino')\n"
            "print(sys.modules['openvino_telemetry'])"
        )
        environment = os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}

        run = subprocess.run(
            [sys.executable, "-c", code, network], env=environment, capture_output=True, text=True, check=True
        )

        assert run.stdout == "None\n"
        assert list(tmp_path.iterdir()) == []  # telemetry would leave a file in the home folder


class TestCores:
    @pytest.fixture
    def granted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
        """granted(name=text, ...): the usable cores of eight, under a control group with these files."""

        def cores(files: dict[str, str]) -> int:
            for name, text in files.items():
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_text(text)
            monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
            monkeypatch.setattr(session, "_cgroup_quota", functools.partial(session._cgroup_quota, tmp_path))
            return usable_cores()

        return cores

    def test_without_a_control_group_all_cores_of_the_process_are_usable(self, granted: Callable[..., int]):
        assert granted({}) == 8

    @pytest.mark.parametrize(
        ("quota", "cores"),
        [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("30000 100000", 1), ("9900000 100000", 8)],
    )
    def test_version_2_limits_them_by_quota_over_period(self, granted: Callable[..., int], quota: str, cores: int):
        assert granted({"cpu.max": f"{quota}\n"}) == cores

    @pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("300000", 3), ("10000", 1)])
    def test_version_1_limits_them_by_quota_over_period(self, granted: Callable[..., int], quota: str, cores: int):
        assert granted({"cpu/cpu.cfs_quota_us": f"{quota}\n", "cpu/cpu.cfs_period_us": "100000\n"}) == cores

    def test_where_the_affinity_is_unknown_the_machines_cores_count(
        self, granted: Callable[..., int], monkeypatch: pytest.MonkeyPatch
    ):
        granted({})
        monkeypatch.delattr(os, "sched_getaffinity")
        monkeypatch.setattr(os, "cpu_count", lambda: 3)

        assert usable_cores() == 3
