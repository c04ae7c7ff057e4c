"""One contract for all runtimes: the same numbers, the same errors; and which of them is chosen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vectortag.core.errors import MissingExtraError, ModelFolderError, VectorTagError
from vectortag.core.types import ByteArray, Tagging
from vectortag.inference.tagger import Tagger
from vectortag.runtime.session import installed_runtimes, open_session

NeedModule = Callable[[str], ModuleType]
RUNTIMES = ("openvino", "onnxruntime")


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
        maps = [open_session(network, runtime=name).run(images(3, height, width)) for name in RUNTIMES]

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

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_the_number_of_images_per_call_changes_nothing(self, network: Path, runtime: str, count: int):
        opened, photos = open_session(network, runtime=runtime), images(7)

        parts = [opened.run(photos[start : start + count]) for start in range(0, 7, count)]

        np.testing.assert_allclose(np.concatenate(parts), opened.run(photos), atol=1e-5)

    def test_a_later_call_leaves_an_earlier_result_alone(self, network: Path, runtime: str):
        opened = open_session(network, runtime=runtime)
        first = opened.run(images(2))
        before = first.copy()

        opened.run(255 - images(2))

        np.testing.assert_array_equal(first, before)

    def test_pixels_that_may_not_be_written_to_are_read(self, network: Path, runtime: str):
        opened, photos = open_session(network, runtime=runtime), images(2)
        expected = opened.run(photos)

        photos.flags.writeable = False

        np.testing.assert_array_equal(opened.run(photos), expected)

    def test_one_image_on_one_core_and_on_all_has_the_same_feature_map(self, network: Path, runtime: str):
        opened, image = open_session(network, runtime=runtime, threads=3), images(1)

        np.testing.assert_allclose(opened.run(image, concurrent=True), opened.run(image), atol=1e-5)

    @pytest.mark.parametrize("count", [1, 3, 8, 11])
    def test_an_image_has_the_same_feature_map_in_a_batch(self, network: Path, runtime: str, count: int):
        opened, photos = open_session(network, runtime=runtime, threads=2), images(count)

        for concurrent in (False, True):
            maps = opened.run(photos, batch=4, concurrent=concurrent)
            np.testing.assert_allclose(maps, opened.run(photos), atol=1e-5)

    def test_more_callers_than_cores_get_their_own_results(self, network: Path, runtime: str):
        opened, photos = open_session(network, runtime=runtime, threads=2), images(40)
        groups = [photos[first : first + 5] for first in range(0, 40, 5)]

        with ThreadPoolExecutor(8) as pool:
            actual = list(pool.map(lambda group: opened.run(group, concurrent=True), groups))

        np.testing.assert_array_equal(np.concatenate(actual), opened.run(photos))

    def test_a_session_says_what_it_computes_with(self, network: Path, runtime: str):
        opened = open_session(network, runtime=runtime, threads=1)

        assert (opened.runtime, opened.precision) == (runtime, "f32")
        assert opened.run(images(1)).dtype == np.float32


class TestOpening:
    def test_openvino_is_the_first_choice(self, network: Path):
        assert open_session(network).runtime == "openvino"

    def test_without_openvino_the_choice_falls_on_onnx_runtime(
        self, network: Path, need_module: NeedModule, monkeypatch: pytest.MonkeyPatch
    ):
        need_module("onnxruntime")
        monkeypatch.setitem(sys.modules, "openvino", None)

        assert open_session(network).runtime == "onnxruntime"

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

        with pytest.raises(ModelFolderError, match=r"broken\.onnx: (the network cannot be|not a network that is)"):
            open_session(tmp_path / "broken.onnx", runtime=runtime)

    def test_an_unknown_runtime_is_an_error_with_the_known_ones(self, network: Path):
        with pytest.raises(VectorTagError, match=r"'tensorrt'\. Expected one of: auto, openvino, onnxruntime"):
            open_session(network, runtime="tensorrt")

    def test_a_network_can_be_given_as_bytes(self, network: Path, runtime: str):
        expected = open_session(network, runtime=runtime).run(images(2))

        actual = open_session(network.read_bytes(), runtime=runtime).run(images(2))

        np.testing.assert_array_equal(actual, expected)


def test_each_installed_runtime_is_named_with_the_version_of_its_package(monkeypatch: pytest.MonkeyPatch):
    def version(package: str) -> str:
        if package == "onnxruntime":
            raise PackageNotFoundError(package)
        return f"1 of {package}"

    monkeypatch.setattr("importlib.metadata.version", version)

    assert list(installed_runtimes().items()) == [
        ("openvino", "1 of openvino"),
        ("onnxruntime", "1 of onnxruntime-gpu"),
        ("cuda", "1 of onnxruntime-gpu"),
    ]
