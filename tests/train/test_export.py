"""From torch to model.onnx, on the smallest networks of timm with random weights; and which networks are refused."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import ConfigError, TrainingError
from vectortag.runtime.session import open_session
from vectortag.train.config import BackboneConfig

SIZE = 64
PLAIN, SAME_PADDED, CONVNEXT, TRANSFORMER = "test_resnet", "test_efficientnet", "test_convnext", "test_vit"
"""The second gets the padding of the `tf_` models, which depends on the input's size; the last takes one size only."""


@functools.cache
def export_of(architecture: str, folder: Path) -> SimpleNamespace:
    """A backbone, what its export made of it, the file, and what the exporter printed; once for all tests."""
    import timm
    import torch

    from vectortag.train.backbone import Backbone
    from vectortag.train.export import export_backbone

    with torch.random.fork_rng():
        torch.manual_seed(0)
        options = {SAME_PADDED: {"pad_type": "same"}, TRANSFORMER: {"img_size": SIZE}}.get(architecture, {})
        body = timm.create_model(architecture, pretrained=False, num_classes=0, **options)
    backbone = Backbone(body, (0.48, 0.45, 0.4), (0.23, 0.22, 0.21))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exported = export_backbone(backbone, SIZE)
    file = folder / f"{architecture}.onnx"
    file.write_bytes(exported.network)
    return SimpleNamespace(backbone=backbone, exported=exported, file=file, printed=printed.getvalue())


@pytest.fixture
def training(need_module: Callable[[str], ModuleType]) -> None:
    """Skip where the extra "train" is not installed."""
    for name in ("torch", "timm", "onnx", "onnxscript"):
        need_module(name)


@pytest.fixture(params=[PLAIN, SAME_PADDED, CONVNEXT])
def case(request: pytest.FixtureRequest, training: None, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return export_of(request.param, tmp_path_factory.getbasetemp())


@pytest.fixture
def transformer(training: None, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return export_of(TRANSFORMER, tmp_path_factory.getbasetemp())


@pytest.fixture
def plain(training: None, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return export_of(PLAIN, tmp_path_factory.getbasetemp())


@pytest.fixture
def save_weights(training: None, tmp_path: Path) -> Callable[..., str]:
    """save_weights("test_resnet", leave_out="layer4"): the path of a safetensors file with random weights."""

    def save(architecture: str, *, leave_out: str = "nothing") -> str:
        import timm
        from safetensors.torch import save_file

        weights = timm.create_model(architecture, pretrained=False, num_classes=10).state_dict()
        file = tmp_path / f"{architecture}.safetensors"
        save_file({name: array for name, array in weights.items() if not name.startswith(leave_out)}, file)
        return str(file)

    return save


def pictures(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3), np.uint8)


def features_in_torch(backbone: Any, images: np.ndarray) -> np.ndarray:
    import torch

    with torch.inference_mode():
        return backbone(torch.from_numpy(images)).numpy()


def parameter_count(case: SimpleNamespace) -> int:
    return sum(parameter.numel() for parameter in case.backbone.parameters())


class TestNetwork:
    @pytest.mark.parametrize("shape", [(1, 64, 64), (3, 97, 97), (2, 128, 75)])
    @pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
    def test_it_gives_the_features_of_torch_at_any_size(self, case, need_module, shape, runtime):
        need_module(runtime)
        images = pictures(*shape)

        actual = open_session(case.file, runtime=runtime, precision="f32").run(images)

        expected = features_in_torch(case.backbone, images)
        assert actual.shape == expected.shape
        assert np.abs(actual - expected).max() < 0.01 * np.abs(expected).max()  # the weights have 11 bits

    def test_its_dimensions_are_free(self, case):
        import onnx

        graph = onnx.load(case.file).graph

        images, feature_map = graph.input[0], graph.output[0]
        assert (images.name, feature_map.name) == ("images", "feature_map")
        assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
        assert feature_map.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        assert [d.dim_param or d.dim_value for d in images.type.tensor_type.shape.dim] == ["N", "H", "W", 3]
        assert [d.dim_param or d.dim_value for d in feature_map.type.tensor_type.shape.dim] == [
            "N", case.backbone.width, "h", "w",
        ]  # fmt: skip

    @pytest.mark.parametrize("count", [1, 3])
    @pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
    def test_a_transformer_gives_the_features_of_torch_at_its_size(self, transformer, need_module, count, runtime):
        need_module(runtime)
        images = pictures(count, SIZE, SIZE)

        actual = open_session(transformer.file, runtime=runtime, precision="f32").run(images)

        expected = features_in_torch(transformer.backbone, images)
        assert actual.shape == expected.shape == (count, transformer.backbone.width, 4, 4)
        assert np.abs(actual - expected).max() < 0.01 * np.abs(expected).max()

    def test_channels_are_cut_by_slices_since_the_sizes_of_a_split_look_like_a_shape(self, training):
        import torch

        from vectortag.runtime.onnx_check import check_network
        from vectortag.train.export import to_onnx

        class Gated(torch.nn.Module):
            """As the blocks of MambaOut, which cut [768, 480, 288] channels."""

            def forward(self, images: torch.Tensor) -> torch.Tensor:
                wide = images.float().permute(0, 3, 1, 2).repeat(1, 512, 1, 1)
                gate, first, second = torch.split(wide, [768, 480, 288], dim=1)
                return torch.cat([gate[:, :288] * second, first], dim=1)

        network, images = to_onnx(Gated(), 8), pictures(3, 8, 8)

        check_network(network)
        expected = Gated()(torch.from_numpy(images)).numpy()
        np.testing.assert_array_equal(open_session(network, runtime="onnxruntime").run(images), expected)

    def test_its_large_weights_are_fp16(self, case):
        import onnx

        large = [array for array in onnx.load(case.file).graph.initializer if np.prod(array.dims) >= 1024]

        assert {array.data_type for array in large} == {onnx.TensorProto.FLOAT16}
        assert sum(int(np.prod(array.dims)) for array in large) > 0.8 * parameter_count(case)

    def test_which_halves_the_file(self, plain):
        assert plain.file.stat().st_size < 0.55 * 4 * parameter_count(plain)

    def test_the_measured_differences_are_small_and_those_of_the_file(self, case):
        exported = case.exported

        assert 0 <= exported.float32_difference < 1e-5
        assert exported.float32_difference < exported.fp16_difference < 1e-2

    def test_nothing_is_printed(self, case):
        assert case.printed == ""

    def test_a_network_that_differs_from_torch_is_refused(self, case, monkeypatch):
        import onnx
        import torch

        from vectortag.train import export

        rounded = SimpleNamespace(model_proto=onnx.load(case.file))  # to fp16
        monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: rounded)
        monkeypatch.setattr(export, "PARITY", case.exported.fp16_difference / 2)

        with pytest.raises(TrainingError, match="the exported network differs from torch by"):
            export.export_backbone(case.backbone, SIZE)


class TestOnTrial:
    """Families that nobody has exported yet are exported before the training."""

    @pytest.fixture
    def odd(self, training: None) -> Any:
        """A network of no family, whose result depends on its pixels in a way that no exporter can follow."""
        import torch

        from vectortag.train.backbone import Backbone

        class Odd(torch.nn.Module):
            num_features = 3

            def forward_features(self, images: torch.Tensor) -> torch.Tensor:
                return images if float(images.sum()) > 0 else images.flip(1)

        return Backbone(Odd(), (0.5,) * 3, (0.5,) * 3)

    def test_one_that_cannot_be_exported_is_refused_by_name(self, odd):
        from vectortag.train.export import check_export

        with pytest.raises(
            ConfigError, match=r"backbone\.architecture: odd cannot become a model: torch cannot export it to ONNX: "
        ):
            check_export(odd, BackboneConfig(architecture="odd", image_size=SIZE))

    def test_a_family_that_is_known_costs_nothing(self, case, monkeypatch):
        from vectortag.train import export

        monkeypatch.setattr(export, "export_backbone", lambda *_: pytest.fail("it was exported"))

        export.check_export(case.backbone, BackboneConfig(image_size=SIZE))


class TestBackbone:
    @pytest.fixture
    def create(self, training: None) -> Callable[..., Any]:
        from vectortag.train.network import create_backbone

        return lambda architecture, init, size=SIZE: create_backbone(
            BackboneConfig(architecture=architecture, init=init, image_size=size)
        )

    def test_it_starts_from_the_weights_of_the_file(self, create, save_weights):
        from safetensors.torch import load_file

        file = save_weights(PLAIN)
        backbone = create(PLAIN, file)

        saved = load_file(file)
        for name, array in backbone.body.state_dict().items():
            assert array.equal(saved[name])

    def test_pixels_are_normalised_inside(self, create, save_weights):
        import torch

        backbone = create(PLAIN, save_weights(PLAIN)).eval()
        images = pictures(1, SIZE, SIZE)
        mean, std = (np.float32(backbone.body.default_cfg[name]) for name in ("mean", "std"))

        pixels = torch.from_numpy((images / np.float32(255) - mean) / std).permute(0, 3, 1, 2)
        with torch.inference_mode():
            expected = backbone.body.forward_features(pixels)

        np.testing.assert_allclose(features_in_torch(backbone, images), expected.numpy(), atol=1e-4)

    def test_an_image_size_that_the_network_does_not_take_is_refused(self, create, save_weights):
        with pytest.raises(ConfigError, match=r"backbone\.image_size: test_vit_relpos does not take 64 pixels"):
            create("test_vit_relpos", save_weights("test_vit_relpos"))

    @pytest.mark.parametrize("architecture", ["test_vit", "test_vit2", "test_vit3", "test_vit4"])
    def test_the_map_of_a_transformer_is_its_patch_tokens(self, create, save_weights, architecture):
        import torch

        backbone = create(architecture, save_weights(architecture)).eval()
        images = pictures(1, SIZE, SIZE)

        with torch.inference_mode():
            tokens = backbone.body.forward_features(backbone.normalise(torch.from_numpy(images)))
            expected = tokens[0, 1:].T.reshape(backbone.width, 4, 4).numpy()  # one token is the class's

        np.testing.assert_array_equal(features_in_torch(backbone, images)[0], expected)
        assert abs(expected.mean(axis=0)).max() < 1  # normalised

    def test_positions_of_a_transformer_are_fitted_to_the_image_size(self, create, save_weights):
        backbone = create("test_vit", save_weights("test_vit"))  # of 160 pixels

        assert backbone.body.pos_embed.shape == (1, 1 + (SIZE // 16) ** 2, backbone.width)

    def test_convnext_normalises_before_the_pool(self, create, save_weights):
        import torch

        backbone = create("test_convnext", save_weights("test_convnext")).eval()

        feature_map = features_in_torch(backbone, pictures(2, SIZE, SIZE))

        scale, shift = (getattr(backbone.body.norm_pre, name).detach().numpy() for name in ("weight", "bias"))
        normal = (feature_map - shift[:, None, None]) / scale[:, None, None]
        np.testing.assert_allclose(normal.mean(axis=1), 0, atol=1e-4)
        assert isinstance(backbone.body.head.norm, torch.nn.Identity)

    def test_weights_of_another_shape_are_refused(self, create, save_weights):
        with pytest.raises(
            ConfigError, match=r"test_efficientnet\.safetensors is for another network: .*size mismatch"
        ):
            create(PLAIN, save_weights(SAME_PADDED))

    def test_weights_that_lack_a_layer_are_refused(self, create, save_weights):
        with pytest.raises(ConfigError, match=r"is for another network: it lacks \d+, as layer4\.0\."):
            create(PLAIN, save_weights(PLAIN, leave_out="layer4"))

    def test_a_file_that_is_not_safetensors_is_refused(self, create, tmp_path: Path):
        (tmp_path / "weights.pth").write_bytes(b"a pickle")

        for file in (tmp_path / "weights.pth", tmp_path / "gone.safetensors"):
            with pytest.raises(ConfigError, match=f"backbone.init: {file} cannot be read as safetensors"):
                create(PLAIN, str(file))

    def test_an_architecture_that_timm_does_not_know_is_refused(self, create):
        with pytest.raises(ConfigError, match=r'timm has no model "resnet81"\. Did you mean "resnet18"\?'):
            create("resnet81", "weights.safetensors")
