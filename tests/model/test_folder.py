"""A model folder is read whole and unchanged, or refused by name."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vectortag.core.errors import ModelFolderError
from vectortag.model.blocks import SoftmaxGroupsBlock, with_fp16_matrices
from vectortag.model.classifier import Classifier
from vectortag.model.folder import BACKGROUND, HEAD, ModelFolder, read_model_folder
from vectortag.model.head import Head
from vectortag.model.manifest import Manifest

WriteModel = Callable[..., ModelFolder]
FILES = ("model.onnx", "head.safetensors", "MODEL_CARD.md")


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A model folder of the test's own, to be spoilt."""
    return shutil.copytree(tiny_model, tmp_path / "copy")


def edit_manifest(folder: Path, **changes: Any) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Change a file and its hash in the manifest, as someone would who means it."""
    (folder / name).write_bytes(content)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    edit_manifest(folder, files=files | {name: hashlib.sha256(content).hexdigest()})


def some_classifier(width: int = 8) -> Classifier:
    w = np.random.default_rng(0).normal(0, 1, (3, width)).astype(np.float32)
    return Classifier(w, np.float32([0, 1, 2]), ("jalapeño", "crane (lifts)", "b"))


def refused(folder: Path) -> str:
    """The reason why a model folder is refused."""
    with pytest.raises(ModelFolderError) as caught:
        read_model_folder(folder)
    return str(caught.value)


class TestReading:
    def test_what_was_written_is_read(self, tiny_model: Path, tiny_fields: Mapping[str, Any], tiny_head: Head):
        folder = read_model_folder(str(tiny_model))

        expected = Manifest(**tiny_fields, head=folder.manifest.head, files=folder.manifest.files)
        assert folder.manifest == expected
        assert [(block.kind, block.tags) for block in folder.manifest.head] == [("mlp", 4), ("linear", 2)]
        embeddings = np.ones((2, 8), np.float32)
        np.testing.assert_array_equal(folder.head.logits(embeddings), tiny_head.logits(embeddings))

    def test_the_network_is_the_file_that_was_given(self, tiny_model: Path, tiny_network: bytes):
        assert read_model_folder(tiny_model).network.read_bytes() == tiny_network

    def test_the_card_is_written_from_the_manifest(self, tiny_model: Path):
        assert (tiny_model / "MODEL_CARD.md").read_text() == "# tiny\n"

    def test_the_folder_holds_the_files_of_its_manifest_and_no_others(self, tiny_model: Path):
        names = {path.name for path in tiny_model.iterdir()}

        assert names == {*FILES, BACKGROUND, "manifest.json"}
        assert set(read_model_folder(tiny_model).manifest.files) == {*FILES, BACKGROUND}

    def test_the_background_is_kept_in_256_steps_a_channel(self, tiny_model: Path, tiny_background: np.ndarray):
        kept = read_model_folder(tiny_model).background

        half_a_step = np.ptp(tiny_background, axis=0) / 255 / 2
        assert (np.abs(kept - tiny_background) <= half_a_step + 1e-6).all()
        assert load_file(tiny_model / BACKGROUND)["codes"].dtype == np.uint8

    def test_a_background_that_is_written_again_stays_as_it_is(
        self, write_tiny_model, tiny_model: Path, tmp_path: Path
    ):
        kept = read_model_folder(tiny_model).background
        again = write_tiny_model(tmp_path / "again", background=kept).background

        np.testing.assert_allclose(again, kept, rtol=1e-6, atol=1e-7)

    def test_a_channel_that_never_varies_is_kept(self, write_tiny_model, tiny_background: np.ndarray, tmp_path: Path):
        still = np.full_like(tiny_background, 0.25)

        np.testing.assert_array_equal(write_tiny_model(tmp_path / "still", background=still).background, still)

    def test_a_head_of_fp16_values_takes_half_the_room_and_changes_nothing(
        self, write_tiny_model, tiny_head: Head, tmp_path: Path
    ):
        block, _ = tiny_head.blocks
        exact = Head((with_fp16_matrices(block), tiny_head.blocks[1]))

        folder = write_tiny_model(tmp_path / "halves", head=exact)

        kept = load_file(folder.path / HEAD)
        assert {name for name, array in kept.items() if array.dtype == np.float16} == {"0.w1", "0.w2"}
        for name, array in folder.head.blocks[0].arrays().items():
            np.testing.assert_array_equal(array, exact.blocks[0].arrays()[name])
            assert array.dtype == np.float32

    def test_a_head_of_float32_values_is_kept_to_the_bit(self, write_tiny_model, tiny_head: Head, tmp_path: Path):
        block = replace(tiny_head.blocks[0], w1=tiny_head.blocks[0].w1 + np.float32(1e-5))

        kept = write_tiny_model(tmp_path / "floats", head=Head((block, tiny_head.blocks[1]))).head.blocks[0]

        np.testing.assert_array_equal(kept.w1, block.w1)

    def test_a_folder_may_have_no_background(self, write_tiny_model, tmp_path: Path):
        folder = write_tiny_model(tmp_path / "bare", background=None)

        assert folder.background is None
        assert {path.name for path in folder.path.iterdir()} == {*FILES, "manifest.json"}

    def test_a_background_of_another_network_is_refused(self, write_tiny_model, tmp_path: Path):
        folder = write_tiny_model(tmp_path / "wrong", background=np.zeros((5, 3), np.float32))

        with pytest.raises(ModelFolderError, match=r"background\.safetensors: embeddings have the shape \(5, 3\)"):
            _ = folder.background

    def test_the_id_names_the_model_and_every_byte_of_it(self, tiny_model: Path):
        digest = hashlib.sha256((tiny_model / "manifest.json").read_bytes()).hexdigest()

        assert read_model_folder(tiny_model).id == f"tiny@{digest[:8]}"


class TestRefusing:
    @pytest.mark.parametrize("name", FILES)
    def test_a_file_with_one_changed_byte(self, copy: Path, name: str):
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)

        assert f"{copy / name}: changed since the model was written" in refused(copy)

    @pytest.mark.parametrize("name", FILES)
    def test_a_missing_file(self, copy: Path, name: str):
        (copy / name).unlink()

        assert f"{copy / name}: listed in the manifest, but No such file" in refused(copy)

    def test_a_folder_without_a_manifest(self, tmp_path: Path):
        assert f"{tmp_path}: no model folder here: manifest.json cannot be read" in refused(tmp_path)

    @pytest.mark.parametrize("text", ["", "{", "[]", '"tiny"'])
    def test_a_manifest_that_is_no_json_object(self, copy: Path, text: str):
        (copy / "manifest.json").write_text(text)

        assert "manifest.json: not a JSON object" in refused(copy)

    def test_a_newer_format_whatever_else_is_new_in_it(self, copy: Path):
        edit_manifest(copy, format_version=2, tags={"new": "shape"})

        assert "format version 2, but this VectorTag reads up to 1. Install a newer version of VectorTag" in refused(
            copy
        )

    def test_an_unknown_key(self, copy: Path):
        edit_manifest(copy, extra=1)

        assert 'unknown key "extra". The folder was changed, or needs a newer VectorTag' in refused(copy)

    def test_a_tag_that_stands_twice(self, copy: Path):
        edit_manifest(copy, tags=["animal", "animal", "dog", "sea", "boat", "vehicle"])

        assert "tags has one tag twice" in refused(copy)

    def test_a_missing_key_by_its_name(self, copy: Path):
        edit_manifest(copy, backbone={"architecture": "x", "width": 8})

        assert "manifest.json: backbone.stride: expected a value, got none" in refused(copy)

    @pytest.mark.parametrize("name", ["../evil", "/etc/hostname", "sub/evil", "..", ".", ""])
    def test_a_file_name_that_leads_out_of_the_folder(self, copy: Path, name: str):
        evil = copy.parent / "evil"
        evil.write_bytes(b"evil")
        files = json.loads((copy / "manifest.json").read_text())["files"]
        edit_manifest(copy, files=files | {name: hashlib.sha256(b"evil").hexdigest()})

        assert "no folders inside" in refused(copy)

    @pytest.mark.parametrize("name", ["model.onnx", "head.safetensors"])
    def test_a_manifest_that_does_not_list_a_file_that_is_needed(self, copy: Path, name: str):
        files = json.loads((copy / "manifest.json").read_text())["files"]
        edit_manifest(copy, files={other: digest for other, digest in files.items() if other != name})

        assert f"files does not list {name}" in refused(copy)

    def test_a_head_that_lacks_a_matrix(self, copy: Path, tmp_path: Path):
        arrays = load_file(copy / "head.safetensors")
        del arrays["0.b1"]
        save_file(arrays, tmp_path / "other")
        rewrite(copy, "head.safetensors", (tmp_path / "other").read_bytes())

        with pytest.raises(ModelFolderError, match=r"block 0 \(mlp\) has the arrays \['b2', 'w1', 'w2'\]"):
            _ = read_model_folder(copy).head

    def test_a_classifier_of_another_width(self, write_tiny_model: WriteModel, tmp_path: Path):
        folder = write_tiny_model(tmp_path / "model", classifier=some_classifier(width=7))

        with pytest.raises(
            ModelFolderError, match=r"3 names of classes, arrays of \(3, 7\) and \(3,\), for a width of 8"
        ):
            _ = folder.classifier

    def test_a_head_of_groups_without_the_classifier_that_they_are_groups_of(
        self, write_tiny_model: WriteModel, tmp_path: Path
    ):
        groups = SoftmaxGroupsBlock(some_classifier(), np.eye(6, 3, dtype=np.uint8))
        folder = write_tiny_model(tmp_path / "model", head=Head((groups,)))

        with pytest.raises(ModelFolderError, match="softmax groups need a classifier"):
            _ = folder.head

    def test_a_head_of_another_width(self, copy: Path, tmp_path: Path):
        arrays = load_file(copy / "head.safetensors")
        save_file(arrays | {"1.w": np.zeros((2, 5), np.float32)}, tmp_path / "other")
        rewrite(copy, "head.safetensors", (tmp_path / "other").read_bytes())

        with pytest.raises(ModelFolderError, match="block 1 is for 2 tags and width 5, the manifest says 2 and 8"):
            _ = read_model_folder(copy).head
