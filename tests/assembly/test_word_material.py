"""What words are learnt from: captions as they are read, and the texts of classes."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from vectortag.assembly.word_material import CAPTIONS, describe_classes, gather, read_captions
from vectortag.core.errors import DataError
from vectortag.data.embedding_cache import embed_photos
from vectortag.data.records import read_data_set
from vectortag.inference.tagger import Tagger
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder


def captions(folder: Path, *rows: str, header: str = "image_path,caption") -> Path:
    file = folder / "captions.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


class TestCaptions:
    def test_photos_lie_beside_the_file_and_keep_their_order(self, tmp_path: Path):
        found = read_captions(captions(tmp_path, "b.jpg,a boat", "a.jpg,a dog", "b.jpg,a ship"))

        assert found.photos == (tmp_path / "b.jpg", tmp_path / "a.jpg")
        assert found.captions[0] == ("a boat", "a ship")

    def test_every_photo_has_as_many_captions_as_the_one_with_the_most(self, tmp_path: Path):
        found = read_captions(captions(tmp_path, "a.jpg,one", *(f"b.jpg,{number}" for number in range(CAPTIONS + 2))))

        assert [len(of) for of in found.captions] == [CAPTIONS, CAPTIONS]
        assert found.captions[0] == ("one",) * CAPTIONS

    def test_a_caption_that_is_too_long_is_left_out(self, tmp_path: Path):
        found = read_captions(captions(tmp_path, f"a.jpg,{'very ' * 80}long", "b.jpg,short"))

        assert found.photos == (tmp_path / "b.jpg",)

    def test_other_columns_are_refused(self, tmp_path: Path):
        with pytest.raises(DataError, match=r"captions\.csv:1: no column 'image_path', only photo, text"):
            read_captions(captions(tmp_path, "a.jpg,a dog", header="photo,text"))

    def test_a_file_without_captions_is_refused(self, tmp_path: Path):
        with pytest.raises(DataError, match="there is no caption in it"):
            read_captions(captions(tmp_path))

    def test_a_missing_file_is_an_error(self, tmp_path: Path):
        with pytest.raises(DataError, match=r"captions\.csv: cannot be read"):
            read_captions(tmp_path / "captions.csv")


class Reader:
    """Stands for the text model: each text gets a vector by its length."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[len(text), 1.0] for text in texts], np.float32)


def test_each_file_of_captions_keeps_its_own_number_a_photo(
    write_tiny_model: Callable[..., ModelFolder], make_data_set: Callable[..., Path], tmp_path: Path
):
    folder = write_tiny_model(tmp_path / "model")
    once, twice = (
        make_data_set(
            dict.fromkeys([*photos, "kept.png"], "dog"),
            splits=dict.fromkeys(photos, "train") | {"kept.png": "val"},
            name=name,
        )
        for name, photos in (("once", ["a.png", "b.png", "c.png"]), ("twice", ["d.png", "e.png"]))
    )
    captions(once, "a.png,a dog", "b.png,a tomcat", "c.png,a cat", "kept.png,of validation")
    captions(twice, "d.png,a dog", "d.png,one hound", "e.png,two cats", "e.png,many")

    material = gather(
        folder, [once / "captions.csv", twice / "captions.csv"], [read_data_set(once), read_data_set(twice)], Reader()
    )

    assert [one.texts.shape for one in material.captions] == [(3, 1, 2), (2, 2, 2)]
    embedded, failed = embed_photos(
        Tagger.load(folder, precision="exact").embedder,
        folder.manifest.files["model.onnx"],
        [once / "b.png", twice / "e.png"],
    )
    assert not failed
    np.testing.assert_array_equal(material.photos[material.captions[0].rows[1]], embedded[once / "b.png"])
    np.testing.assert_array_equal(material.photos[material.captions[1].rows[1]], embedded[twice / "e.png"])
    assert not material.lists  # both have captions


class TestClasses:
    class Reader:
        """Stands for the text model: remembers what it read, and gives each text a vector of its own."""

        def embed(self, texts: list[str]) -> np.ndarray:
            self.texts = texts
            return np.eye(len(texts), dtype=np.float32)

    def test_a_class_of_imagenet_is_described_and_another_is_called_by_its_name(self):
        names = importlib.resources.files("vectortag") / "model/words/text/imagenet.tsv"
        known, kind, meaning = names.read_text("utf-8").splitlines()[0].split("\t")
        reader = self.Reader()

        found = describe_classes(Classifier(np.empty((2, 8)), np.empty(2), (known, "our boat")), reader)

        assert reader.texts == [f"a photo of a {text}" for text in (kind, meaning, "our boat", "our boat")]
        np.testing.assert_allclose(found, np.sqrt(0.5) * np.float32([[1, 1, 0, 0], [0, 0, 1, 1]]), rtol=1e-6)

    def test_the_texts_of_all_classes_of_imagenet_are_there(self):
        file = importlib.resources.files("vectortag") / "model/words/text/imagenet.tsv"

        lines = file.read_text("utf-8").splitlines()

        assert len(lines) == 1000
        assert all(len(line.split("\t")) == 3 for line in lines)
