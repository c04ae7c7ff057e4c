"""Image folders with a metadata file, and sets that the library datasets saved."""

from __future__ import annotations

import socket

import pytest

from vectortag.core.errors import DataError
from vectortag.data.formats.convert import convert


@pytest.fixture(autouse=True)
def _photos(make_photo):
    for name in ("1.jpg", "2.jpg"):
        make_photo(f"set/{name}")


@pytest.mark.parametrize(
    "lines",
    [
        '{"file_name": "1.jpg", "labels": ["dog", "cat"]}\n{"file_name": "2.jpg", "labels": []}\n',
        '{"file_name": "1.jpg", "objects": {"categories": ["dog", "cat", "dog"]}}\n\n'
        '{"file_name": "2.jpg", "objects": {"categories": []}}',
        '{"file_name": "1.jpg", "tags": "dog, cat"}\n{"file_name": "2.jpg", "tags": null}\n',
        '{"file_name": "1.jpg", "objects": [{"category": "dog", "bbox": [1]}, {"category": "cat"}]}\n'
        '{"file_name": "2.jpg", "objects": []}\n',
    ],
    ids=["lists", "objects", "text", "a list of objects"],
)
def test_lines_of_json_are_rows(write, read, tmp_path, lines):
    write("set/metadata.jsonl", lines)

    done = convert(tmp_path / "set", output=tmp_path / "out" / "metadata.csv")

    assert read(done.output) == {"1.jpg": ({"dog", "cat"}, None), "2.jpg": (set(), None)}
    assert done.format == ("hugging-face",)


def test_a_table_with_file_names_is_read(write, read, tmp_path):
    write("set/metadata.csv", "file_name,label\n1.jpg,dog\n2.jpg,cat\n")

    done = convert(tmp_path / "set", output=tmp_path / "out" / "metadata.csv")

    assert read(done.output) == {"1.jpg": ({"dog"}, None), "2.jpg": ({"cat"}, None)}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('{"file_name": "1.jpg"}', "metadata.jsonl:1: no column has the words. Call it one of: tags, labels"),
        ("{", "metadata.jsonl:1: not JSON"),
        ("[1]", "metadata.jsonl:1: expected an object"),
        ('{"labels": ["dog"]}', "metadata.jsonl:1: expected the name of a photo"),
        ('{"file_name": "1.jpg", "labels": [3]}', "metadata.jsonl:1: expected a word .* got 3"),
        ('{"file_name": "../1.jpg", "labels": []}', r"\.\./1\.jpg is not below"),
    ],
)
def test_what_is_wrong_is_refused_with_its_row(write, tmp_path, lines, problem):
    write("set/metadata.jsonl", lines)

    with pytest.raises(DataError, match=problem):
        convert(tmp_path / "set", output=tmp_path / "metadata.csv")


def test_a_saved_set_needs_its_library(write, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    write("set/dataset_info.json", {})

    with pytest.raises(DataError, match="Install it with: pip install datasets"):
        convert(tmp_path / "set", output=tmp_path / "metadata.csv")


@pytest.fixture
def datasets(need_module, monkeypatch, tmp_path):
    """The library, with its cache in the test's folder; whoever opens a connection fails."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return need_module("datasets")


@pytest.mark.filterwarnings("ignore")
def test_a_saved_set_with_photos_inside_is_written_out(datasets, read, tmp_path):
    features = datasets.Features(
        {"image": datasets.Image(), "labels": datasets.Sequence(datasets.ClassLabel(names=["dog", "sea"]))}
    )
    contents = [(tmp_path / "set" / name).read_bytes() for name in ("1.jpg", "2.jpg")]
    parts = {
        part: datasets.Dataset.from_dict({"image": [{"bytes": content}], "labels": [labels]}, features=features)
        for part, content, labels in (("train", contents[0], [0, 1]), ("test", contents[1], []))
    }
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))

    done = convert(tmp_path / "saved", output=tmp_path / "out" / "metadata.csv")

    assert read(done.output) == {"train-000000.jpg": ({"dog", "sea"}, "train"), "test-000000.jpg": (set(), "test")}
    assert (tmp_path / "out" / "photos" / "train-000000.jpg").read_bytes() == contents[0]
    assert (tmp_path / "out" / "known_tags.txt").read_text() == "dog\nsea\n"

    (tmp_path / "out" / "photos" / "train-000000.jpg").write_bytes(b"precious")
    with pytest.raises(DataError, match=r"train-000000\.jpg is there and is another photo"):
        convert(tmp_path / "saved", output=tmp_path / "out" / "metadata.csv", overwrite=True)
    assert (tmp_path / "out" / "photos" / "train-000000.jpg").read_bytes() == b"precious"


@pytest.mark.filterwarnings("ignore")
def test_a_photo_of_a_saved_set_that_is_elsewhere_is_not_fetched(datasets, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.arrow_dataset.xgetsize", lambda path: 0)  # of the photo, when the set is saved
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    row = {"image": [{"path": "https://example.com/1.jpg", "bytes": None}], "label": ["dog"]}
    datasets.Dataset.from_dict(row, features=features).save_to_disk(str(tmp_path / "saved"))

    with pytest.raises(DataError, match=r"data\[0\]: neither has a photo inside nor names one that is there"):
        convert(tmp_path / "saved", output=tmp_path / "metadata.csv")


@pytest.mark.filterwarnings("ignore")
def test_the_class_of_each_object_is_a_word(datasets, read, tmp_path):
    one = {"category": datasets.ClassLabel(names=["dog", "sea"]), "area": datasets.Value("float32")}
    features = datasets.Features({"image": datasets.Image(), "objects": [one]})
    content = (tmp_path / "set" / "1.jpg").read_bytes()
    rows = {"image": [{"bytes": content}], "objects": [[{"category": 1, "area": 2.0}]]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))

    done = convert(tmp_path / "saved", output=tmp_path / "out" / "metadata.csv")

    assert read(done.output) == {"photo-000000.jpg": ({"sea"}, None)}
    assert (tmp_path / "out" / "known_tags.txt").read_text() == "dog\nsea\n"


@pytest.mark.filterwarnings("ignore")
def test_a_photo_that_nobody_labelled_does_not_get_the_last_class(datasets, read, tmp_path):
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["dog", "sea"])})
    contents = [(tmp_path / "set" / name).read_bytes() for name in ("1.jpg", "2.jpg")]
    rows = {"image": [{"bytes": content} for content in contents], "label": [0, -1]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))

    with pytest.raises(DataError, match=r"data\[1\]: expected the number of one of the 2 classes, got -1\. Fix it or"):
        convert(tmp_path / "saved", output=tmp_path / "out" / "metadata.csv")

    done = convert(tmp_path / "saved", output=tmp_path / "out" / "metadata.csv", skip_bad_rows=True)
    assert read(done.output) == {"photo-000000.jpg": ({"dog"}, None)}


@pytest.mark.parametrize(
    ("name", "content"),
    [("metadata.jsonl", '{"file_name": "1.jpg", "tags": ["dog"]}'), ("metadata.csv", "file_name,tags\n1.jpg,dog\n")],
)
def test_each_part_may_have_a_metadata_file_of_its_own(write, make_photo, tmp_path, name, content):
    for part in ("train", "test"):
        make_photo(f"parts/{part}/1.jpg")
        write(f"parts/{part}/{name}", content)

    done = convert(tmp_path / "parts", output=tmp_path / "metadata.csv")

    assert done.output.read_text().splitlines()[1:] == [
        f"parts/{part}/1.jpg,['dog'],{part}" for part in ("test", "train")
    ]
    assert done.format == ("hugging-face",)
