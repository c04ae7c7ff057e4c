"""Arrays in files: what is packed comes back, within the precision that it is kept in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from vectortag.core.errors import ModelFolderError
from vectortag.model.blocks import LinearBlock, in_fp16
from vectortag.model.classifier import Classifier
from vectortag.model.head import Head
from vectortag.model.storage import (
    pack_background,
    pack_classifier,
    pack_head,
    read_arrays,
    read_classifier,
    unpack_background,
)


def matrix(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)


def test_a_matrix_takes_half_the_space_where_that_changes_no_value():
    exact, rounded = (pack_head(Head((LinearBlock(w, matrix(4)),))) for w in (matrix(4, 6), in_fp16(matrix(4, 6))))

    assert (exact["0.w"].dtype, rounded["0.w"].dtype) == (np.float32, np.float16)
    np.testing.assert_array_equal(rounded["0.w"].astype(np.float32), in_fp16(matrix(4, 6)))
    assert rounded["0.b"].dtype == np.float32


def test_the_background_is_off_by_half_a_step_at_most():
    background = matrix(200, 5)
    steps = (background.max(axis=0) - background.min(axis=0)) / 255

    packed = pack_background(background)

    assert packed["codes"].dtype == np.uint8
    assert (np.abs(unpack_background(packed) - background) <= 0.501 * steps).all()


def test_a_background_of_older_folders_is_read_as_it_is():
    background = matrix(3, 5).astype(np.float16)

    np.testing.assert_array_equal(unpack_background({"embeddings": background}), background.astype(np.float32))


class TestClassifiers:
    CLASSIFIER = Classifier(in_fp16(matrix(2, 5)), matrix(2), ("jalapeño", "crane (lifts)"))

    def test_one_comes_back_with_the_names_of_its_classes(self, tmp_path: Path):
        save_file(pack_classifier(self.CLASSIFIER), tmp_path / "classifier")

        found = read_classifier(tmp_path / "classifier", width=5)

        assert found.names == self.CLASSIFIER.names
        np.testing.assert_array_equal(found.w, self.CLASSIFIER.w)
        np.testing.assert_array_equal(found.b, self.CLASSIFIER.b)

    def test_one_of_another_width_is_refused(self, tmp_path: Path):
        save_file(pack_classifier(self.CLASSIFIER), tmp_path / "classifier")

        with pytest.raises(
            ModelFolderError, match=r"2 names of classes, arrays of \(2, 5\) and \(2,\), for a width of 6"
        ):
            read_classifier(tmp_path / "classifier", width=6)

    def test_names_that_are_no_text_are_refused(self, tmp_path: Path):
        packed = pack_classifier(self.CLASSIFIER) | {"names": np.uint8([0xFF])}
        (tmp_path / "classifier").write_bytes(save(packed))

        with pytest.raises(ModelFolderError, match="not UTF-8"):
            read_classifier(tmp_path / "classifier", width=5)


def test_what_is_no_safetensors_file_is_refused_by_name(tmp_path: Path):
    (tmp_path / "broken").write_bytes(b"nothing")

    for name in ("broken", "missing"):
        with pytest.raises(ModelFolderError, match=f"{name}: not a safetensors file"):
            read_arrays(tmp_path / name)
