"""What lower precisions lose, and the int8 network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.assembly import quantise as quantise_module
from vectortag.assembly.quantise import int8_network, quantise, rounded_to_bf16
from vectortag.core.errors import DataError
from vectortag.core.types import ByteArray
from vectortag.evaluation.evaluate import evaluate
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import INT8_NETWORK, ModelFolder
from vectortag.model.precision import allowed
from vectortag.runtime.session import open_session

NeedModule = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _needed(need_module: NeedModule) -> None:
    need_module("onnx")
    need_module("onnxruntime")


def smooth_photos(count: int, seed: int = 0) -> ByteArray:
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(4, axis=1).repeat(4, axis=2))


class TestNetworks:
    @pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
    def test_the_int8_network_sees_nearly_what_the_float32_one_sees(self, tiny_network: bytes, runtime: str):
        photos = smooth_photos(6, seed=1)
        int8 = int8_network(tiny_network, list(smooth_photos(20)))

        exact = open_session(tiny_network).run(photos)
        actual = open_session(int8, runtime=runtime, precision="int8").run(photos)

        assert 0 < np.abs(actual - exact).max() < 0.05 * exact.max()

    def test_its_weights_have_eight_bits_one_scale_a_channel_and_room_for_a_sum(self, tiny_network: bytes, need_module):
        onnx = need_module("onnx")

        graph = onnx.load_from_string(int8_network(tiny_network, list(smooth_photos(4)))).graph

        kernels = [onnx.numpy_helper.to_array(array) for array in graph.initializer if len(array.dims) == 4]
        assert [kernel.dtype for kernel in kernels] == [np.int8] * 2
        assert all(np.abs(kernel.astype(int)).max() <= 64 for kernel in kernels)
        assert sum(list(array.dims) == [8] for array in graph.initializer) >= 2

    def test_bf16_is_rounded_where_torch_rounds_it(self, tiny_network: bytes, need_module):
        torch, onnx = need_module("torch"), need_module("onnx")
        arrays = {a.name: onnx.numpy_helper.to_array(a) for a in onnx.load_from_string(tiny_network).graph.initializer}
        photos = smooth_photos(3)

        def rounded(values: Any) -> Any:
            return values.to(torch.bfloat16).float()

        values = torch.from_numpy((photos.astype(np.float32).transpose(0, 3, 1, 2) - 127.5) / 127.5)
        for name in ("w1", "w2"):
            padded = torch.nn.functional.pad(rounded(values), (0, 1, 0, 1))
            weights = rounded(torch.from_numpy(arrays[name].copy()))
            values = torch.relu(rounded(torch.nn.functional.conv2d(padded, weights, stride=2)))

        actual = open_session(rounded_to_bf16(tiny_network), runtime="onnxruntime").run(photos)

        exact = open_session(tiny_network).run(photos)
        np.testing.assert_allclose(actual, values.numpy(), atol=1e-5)
        assert np.abs(actual - exact).max() > 1e-3


class TestQuantise:
    @pytest.fixture
    def model(self, write_tiny_model: Callable[..., ModelFolder], tmp_path: Path) -> ModelFolder:
        return write_tiny_model(tmp_path / "given")

    @pytest.fixture
    def data(self, make_data_set: Callable[..., Path]) -> Path:
        words = ["dog", "beach, sea", "boat", "vehicle", "dog, beach", "sea"] * 4
        tags = {f"{n}.jpg": word for n, word in enumerate(words)}
        return make_data_set(tags, splits={name: "val" if n % 2 else "train" for n, name in enumerate(tags)})

    def test_a_model_is_written_again_with_an_int8_network_and_its_loss(
        self, model: ModelFolder, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(quantise_module, "MOST_LOST", 100)

        folder, (loss,) = quantise(model.path, [data], tmp_path / "faster")

        manifest = folder.manifest
        assert (manifest.name, manifest.tags, loss.data) == ("faster", model.manifest.tags, "photos")
        assert folder.network.read_bytes() == model.network.read_bytes()
        assert manifest.lost == {"bf16": round(loss.bf16, 2), "int8": round(loss.int8, 2)}
        maps = {
            name: 100 * evaluate(Tagger.load(folder, precision=name), data, split="val").map
            for name in ("exact", "int8")
        }
        assert loss.exact == pytest.approx(maps["exact"])
        assert loss.int8 == pytest.approx(maps["exact"] - maps["int8"])
        assert Tagger.load(folder, precision="int8").embedder.session.precision == "int8"
        assert "int8" in (folder.path / "MODEL_CARD.md").read_text()

    def test_what_is_lost_at_the_worst_of_the_offered_sizes_counts(
        self, two_sizes: ModelFolder, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(quantise_module, "MOST_LOST", 100)

        folder, losses = quantise(two_sizes.path, [data], tmp_path / "faster")

        assert [loss.size for loss in losses] == [32, 64]
        assert folder.manifest.lost["int8"] == round(max(loss.int8 for loss in losses), 2)
        for loss in losses:
            maps = [
                100 * evaluate(Tagger.load(folder, size=loss.size, precision=name), data, split="val").map
                for name in ("exact", "int8")
            ]
            assert [loss.exact, loss.exact - loss.int8] == pytest.approx(maps)

    def test_of_several_sets_the_mean_counts(
        self,
        model: ModelFolder,
        data: Path,
        make_data_set: Callable[..., Path],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr(quantise_module, "MOST_LOST", 100)
        words = {f"{n}.jpg": word for n, word in enumerate(["dog", "sea", "boat", "dog, sea"] * 5)}
        other = make_data_set(
            words, splits={name: "val" if n % 3 else "train" for n, name in enumerate(words)}, name="b"
        )

        folder, losses = quantise(model.path, [data, other], tmp_path / "faster")

        one, two = losses
        assert one.int8 != two.int8
        assert folder.manifest.lost["int8"] == round((one.int8 + two.int8) / 2, 2)

    def test_an_int8_network_that_loses_too_much_is_left_out(
        self, model: ModelFolder, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(quantise_module, "MOST_LOST", -100)

        folder, _ = quantise(model.path, [data], tmp_path / "same")

        assert INT8_NETWORK not in folder.manifest.files
        assert "int8" not in allowed(folder)

    def test_a_set_that_the_model_does_not_know_is_refused(
        self, model: ModelFolder, make_data_set: Callable[..., Path], tmp_path: Path
    ):
        with pytest.raises(DataError, match='was not trained on a set named "other"'):
            quantise(model.path, [make_data_set({"1.jpg": "dog"}, name="other")], tmp_path / "out")
