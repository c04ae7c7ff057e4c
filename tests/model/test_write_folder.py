"""A model folder is written whole, or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import ModelFolderError, OverwriteError
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.model.manifest import Manifest

WriteModel = Callable[..., ModelFolder]


def some_classifier(width: int = 8) -> Classifier:
    w = np.random.default_rng(0).normal(0, 1, (3, width)).astype(np.float32)
    return Classifier(w, np.float32([0, 1, 2]), ("jalapeño", "crane (lifts)", "b"))


class TestWriting:
    def test_a_classifier_comes_back_with_the_names_of_its_classes(self, write_tiny_model: WriteModel, tmp_path: Path):
        classifier = some_classifier()

        again = write_tiny_model(tmp_path / "model", classifier=classifier).classifier

        assert again is not None
        assert again.names == ("jalapeño", "crane (lifts)", "b")
        np.testing.assert_allclose(again.w, classifier.w, rtol=1e-3)
        np.testing.assert_array_equal(again.b, classifier.b)

    def test_a_folder_need_not_have_a_classifier(self, tiny_model: Path):
        assert read_model_folder(tiny_model).classifier is None

    def test_an_older_folder_is_replaced(self, write_tiny_model: WriteModel, tmp_path: Path):
        write_tiny_model(tmp_path / "model")
        (tmp_path / "model/words.safetensors").touch()

        newer = write_tiny_model(tmp_path / "model", name="newer")

        assert read_model_folder(tmp_path / "model").id == newer.id
        assert not (tmp_path / "model/words.safetensors").exists()
        assert list(tmp_path.iterdir()) == [tmp_path / "model"]

    def test_a_folder_that_holds_anything_else_is_not_replaced(self, write_tiny_model: WriteModel, tmp_path: Path):
        photo = tmp_path / "album/beach.jpg"
        photo.parent.mkdir()
        photo.write_bytes(b"a photo")

        with pytest.raises(OverwriteError, match=r'holds "beach\.jpg", which is no part of a model folder'):
            write_tiny_model(tmp_path / "album")
        assert photo.read_bytes() == b"a photo"

    def test_parents_are_made(self, write_tiny_model: WriteModel, tmp_path: Path):
        assert write_tiny_model(tmp_path / "a/b/model").path == tmp_path / "a/b/model"

    def test_two_writings_are_equal_to_the_byte(self, write_tiny_model: WriteModel, tmp_path: Path):
        assert write_tiny_model(tmp_path / "one").digest == write_tiny_model(tmp_path / "two").digest

    def test_tags_keep_their_letters_in_the_file(self, write_tiny_model: WriteModel, tmp_path: Path):
        tags = ("animal", "beach", "dog", "sea", "boat", "véhicule")
        write_tiny_model(tmp_path / "model", tags=tags)

        assert '"véhicule"' in (tmp_path / "model/manifest.json").read_text("utf-8")

    def test_a_card_that_fails_leaves_the_older_folder_alone(self, write_tiny_model: WriteModel, tmp_path: Path):
        older = write_tiny_model(tmp_path / "model")

        def fail(manifest: Manifest) -> str:
            raise RuntimeError("no card today")

        with pytest.raises(RuntimeError, match="no card today"):
            write_tiny_model(tmp_path / "model", name="newer", card=fail)

        assert read_model_folder(tmp_path / "model").id == older.id
        assert list(tmp_path.iterdir()) == [tmp_path / "model"]

    def test_a_full_disk_leaves_the_older_folder_alone(
        self, write_tiny_model: WriteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        older = write_tiny_model(tmp_path / "model")

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ModelFolderError, match=r"the model folder cannot be written: .*No space left"):
            write_tiny_model(tmp_path / "model", name="newer")

        assert read_model_folder(tmp_path / "model").id == older.id
        assert list(tmp_path.iterdir()) == [tmp_path / "model"]

    def test_a_rename_that_fails_puts_the_older_folder_back(
        self, write_tiny_model: WriteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        older = write_tiny_model(tmp_path / "model")
        rename = Path.rename

        def fail_for_the_new_folder(path: Path, target: Path) -> Path:
            if path.name == "new":
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", fail_for_the_new_folder)
        with pytest.raises(ModelFolderError, match=r"cannot be written: .*Permission denied"):
            write_tiny_model(tmp_path / "model", name="newer")

        assert read_model_folder(tmp_path / "model").id == older.id
        assert list(tmp_path.iterdir()) == [tmp_path / "model"]

    def test_a_place_where_nothing_can_be_written(self, write_tiny_model: WriteModel, tmp_path: Path):
        (tmp_path / "file").touch()

        with pytest.raises(ModelFolderError, match="the model folder cannot be written"):
            write_tiny_model(tmp_path / "file/model")
