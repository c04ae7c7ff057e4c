"""An encoder that a person has on disk: what its folder may hold, and what its two sides give."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_encoder import CONFIG, PIXELS, SIZE

from vectortag.core.errors import ModelFolderError
from vectortag.model.encoder import Encoder
from vectortag.runtime.session import Runtime


@pytest.fixture(autouse=True)
def write(write_own_encoder: Callable[..., Path]) -> Callable[..., Path]:
    """write(pixels=..., config=...): an encoder's folder."""
    return write_own_encoder


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (40, 20)) -> np.ndarray:
    return np.asarray(Image.new("RGB", size, colour))


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_photo_is_resized_normalised_and_embedded(write: Callable[..., Path], runtime: Runtime):
    embedder = Encoder.read(write()).open_embedder(runtime=runtime, threads=1)
    colours = [(255, 0, 0), (0, 255, 0), (51, 102, 204)]

    found = np.stack([row for _, row in embedder.embed_many(map(plain, colours))])

    expected = (np.float32(colours) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)


def test_shortest_takes_the_square_in_the_middle(write: Callable[..., Path]):
    photo = plain((0, 255, 0), (40, 20)).copy()
    photo[:, :10], photo[:, 30:] = (255, 0, 0), (255, 0, 0)
    encoder = Encoder.read(write(pixels={**PIXELS, "resize_mode": "shortest", "interpolation": "bilinear"}))

    pixels = encoder.open_embedder().pixels(photo)

    assert pixels.shape == (SIZE, SIZE, 3)
    assert (pixels[:, 1:-1] == (0, 255, 0)).all()


def test_a_photo_of_a_very_long_shape_is_read(write: Callable[..., Path]):
    encoder = Encoder.read(write(pixels={**PIXELS, "resize_mode": "shortest"}))

    assert encoder.open_embedder().pixels(plain((1, 2, 3), (60_000, 1))).shape == (SIZE, SIZE, 3)


def test_the_digest_names_the_image_side_and_its_pixels(write: Callable[..., Path]):
    first = Encoder.read(write()).digest

    assert Encoder.read(write(config={**CONFIG, "embed_dim": 4})).digest == first
    assert Encoder.read(write(pixels={**PIXELS, "mean": [0.4, 0.5, 0.5]})).digest != first


def test_constants_may_be_in_a_file_beside_the_network(write: Callable[..., Path]):
    encoder = Encoder.read(write(external=True))

    (found,) = encoder.open_embedder(threads=1).embed(plain((255, 0, 0), (SIZE, SIZE))[None])

    np.testing.assert_allclose(found, np.float32([1, -1, -1]) / 3**0.5, atol=1e-6)
    before = encoder.digest
    weights = encoder.path / "visual" / "weights.bin"
    content = np.frombuffer(weights.read_bytes(), "<f4").copy()
    content[0] = 2
    weights.write_bytes(content.tobytes())
    assert Encoder.read(encoder.path).digest != before


def test_a_link_out_of_the_folder_is_refused(write: Callable[..., Path], tmp_path: Path):
    folder = write(external=True)
    weights = folder / "visual" / "weights.bin"
    weights.rename(tmp_path / "secret.bin")
    weights.symlink_to(tmp_path / "secret.bin")

    with pytest.raises(ModelFolderError, match="which is a link"):
        Encoder.read(folder)


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("visual/preprocess_cfg.json", {"size": 100_000}, "size: expected 8 to 1024 pixels"),
        ("visual/preprocess_cfg.json", {"size": [16, 32]}, "as wide as high"),
        ("visual/preprocess_cfg.json", {"size": True}, "size: expected"),
        ("visual/preprocess_cfg.json", {"resize_mode": "longest"}, "resize_mode squash or shortest"),
        ("visual/preprocess_cfg.json", {"interpolation": "nearest"}, "interpolation bilinear or bicubic"),
        ("visual/preprocess_cfg.json", {"mean": [0, 0]}, "mean: expected three numbers"),
        ("visual/preprocess_cfg.json", {"std": [0, 1, 1]}, "std: expected numbers above 0"),
        ("config.json", {"text_cfg": {"context_length": 1 << 30}}, "context_length: expected 2 to 1,024"),
        ("textual/tokenizer_config.json", {"pad_token": 3}, "pad_token: expected a text"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_its_file(
    write: Callable[..., Path], file: str, change: dict[str, Any], reason: str
):
    folder = write()
    content = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**content, **change}))

    with pytest.raises(ModelFolderError, match=reason) as caught:
        Encoder.read(folder)
    assert str(folder / file) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[1]", b"[" * 100_000, b"\xff", b'{"size": NaN}'])
def test_a_broken_settings_file_is_refused(write: Callable[..., Path], content: bytes):
    folder = write()
    (folder / "visual" / "preprocess_cfg.json").write_bytes(content)

    with pytest.raises(ModelFolderError, match=r"preprocess_cfg\.json"):
        Encoder.read(folder)


def test_a_folder_without_an_encoder_says_what_is_missing(tmp_path: Path):
    with pytest.raises(ModelFolderError, match=r"config\.json, visual/model\.onnx.* missing"):
        Encoder.read(tmp_path)
