"""What an output may replace: never a photo or an input, its own kind always, anything else if that is asked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.core.errors import OutputError, OverwriteError
from vectortag.data import outputs
from vectortag.data.outputs import (
    DOUBTS_CSV,
    FOUND_TABLE,
    JSON_LINES,
    LABELS,
    MAPS,
    ONNX_FILE,
    PAGE,
    PARQUET,
    PICTURE,
    REPORT_JSON,
    SEARCH_CSV,
    SEARCH_TABLE,
    TAGS_CSV,
    TAGS_TABLE,
    WEIGHTS,
    FileKind,
    InputFiles,
    check_output,
    check_outputs_differ,
)

STARTS = {
    PICTURE: b"\x89PNG\r\n\x1a\n....tEXtSoftware\0VectorTag",
    MAPS: b'12345678{"__metadata__":{"path":"a"},"maps":{},"scores":{}}',
    JSON_LINES: b'{"path": "a.jpg"}\n',
    REPORT_JSON: b'{\n  "model": "lite0"}',
    TAGS_CSV: b"path,tag,score,\n",
    DOUBTS_CSV: b"photo,tag,has,score\n",
    TAGS_TABLE: "a.jpg\n  dog  ██████████████▋····· 0.73\n".replace("·", " ").encode(),
    FOUND_TABLE: b" similarity  photo\n",
    SEARCH_TABLE: b" score  photo\n",
    SEARCH_CSV: b"path,score,taken,\n",
    PAGE: b"<!doctype html><style>figcaption { font-size: .8rem; }</style>",
    ONNX_FILE: b"\x08\x09\x12\x09VectorTag",
    WEIGHTS: b'12345678{"__metadata__":{"vectortag":"0.1.0"}}',
}
NEVER_OURS = (LABELS, PARQUET)
NOTHING = InputFiles()


def test_every_kind_is_known_here():
    kinds = {one for one in vars(outputs).values() if isinstance(one, FileKind)}

    assert kinds == {*STARTS, *NEVER_OURS}


@pytest.mark.parametrize("kind", STARTS, ids=lambda kind: kind.name)
def test_a_file_of_the_same_kind_is_replaced_and_of_another_only_when_told(tmp_path: Path, kind: FileKind):
    file = tmp_path / "output"
    file.write_bytes(STARTS[kind])

    check_output(file, kind, inputs=NOTHING)
    for other in {*STARTS, *NEVER_OURS} - {kind}:
        with pytest.raises(OverwriteError, match=r"exists and is not .* pass --overwrite"):
            check_output(file, other, inputs=NOTHING)
        check_output(file, other, inputs=NOTHING, overwrite=True)


@pytest.mark.parametrize(
    "text", ["My notes\n  of the year\n", "a.jpg\n  dog  ███ 0.73\n", '{"path":"a.jpg"}', "Path,tag,score,\n"]
)
def test_a_text_of_somebody_is_of_no_kind(tmp_path: Path, text: str):
    file = tmp_path / "output"
    file.write_text(text)

    for kind in {*STARTS, *NEVER_OURS}:
        with pytest.raises(OverwriteError, match="output: exists and is not "):
            check_output(file, kind, inputs=NOTHING)


def test_a_new_file_and_an_empty_one_are_free(tmp_path: Path):
    (tmp_path / "empty").touch()

    check_output(tmp_path / "empty", LABELS, inputs=NOTHING)
    check_output(tmp_path / "new", LABELS, inputs=NOTHING)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "renamed.txt"])
def test_a_photo_is_never_replaced(make_photo: Callable[..., Path], name: str):
    photo = make_photo("photo.png" if name.endswith("png") else "photo.jpg")
    file = photo.rename(photo.with_name(name))

    with pytest.raises(OverwriteError, match="is never replaced"):
        check_output(file, PICTURE, inputs=NOTHING, overwrite=True)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("a.jpg.xmp", OverwriteError, "is called like a sidecar"),
        ("A.XMP", OverwriteError, "is called like a sidecar"),
        ("folder", OutputError, "is not a regular file"),
        ("x" * 300, OutputError, "cannot be written"),
        ("a\0b", OutputError, "cannot be written"),
        ("model/model.onnx", OverwriteError, "is a part of a model folder"),
        ("/dev/stdout", OutputError, "is in a folder of devices"),
        ("/proc/self/fd/1", OutputError, "is in a folder of devices"),
    ],
)
def test_a_name_may_rule_an_output_out(
    tmp_path: Path, tiny_model: Path, name: str, error: type[Exception], message: str
):
    (tmp_path / "folder").mkdir()
    shutil.copytree(tiny_model, tmp_path / "model")

    with pytest.raises(error, match=message):
        check_output(tmp_path / name, JSON_LINES, inputs=NOTHING, overwrite=True)


def test_a_file_of_a_model_s_name_is_free_where_there_is_no_model(tmp_path: Path):
    check_output(tmp_path / "model.onnx", ONNX_FILE, inputs=NOTHING)


class TestInputs:
    @pytest.fixture
    def photos(self, make_photo: Callable[..., Path], tmp_path: Path) -> Path:
        make_photo("photos/in/a.jpg")
        for name in ("metadata.csv", "known_tags.txt", "notes.txt"):
            (tmp_path / "photos" / name).write_text("mine")
        return tmp_path / "photos"

    @pytest.mark.parametrize(
        ("name", "is_input"),
        [
            ("in/a.jpg", True),
            ("metadata.csv", True),
            ("known_tags.txt", True),
            ("notes.txt", False),  # nothing reads it
            ("in/../in/a.jpg", True),
            ("new.jpg", False),
        ],
    )
    def test_a_folder_gives_its_photos_and_what_is_about_them(self, photos: Path, name: str, is_input: bool):
        file = photos / name

        assert InputFiles([photos]).contains(file, file.stat() if file.exists() else None) is is_input

    @pytest.mark.parametrize("link", [os.link, os.symlink], ids=["hard link", "symbolic link"])
    def test_another_name_of_an_input_is_one(self, photos: Path, tmp_path: Path, link: Callable[..., None]):
        link(photos / "in/a.jpg", tmp_path / "other")

        status = (tmp_path / "other").stat()
        assert InputFiles([photos / "in/a.jpg"]).contains(tmp_path / "other", status)
        if link is os.link:
            assert InputFiles([photos]).contains(tmp_path / "other", status)

    def test_an_input_that_is_not_there_yet_is_known_by_its_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        inputs = InputFiles(["later.csv"])

        assert inputs.contains(tmp_path / "later.csv", None)
        assert not inputs.contains(tmp_path / "other.csv", None)

    def test_an_option_counts_where_it_names_a_file(self, photos: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(photos)
        inputs = InputFiles(options=["de", None, "notes.txt"])

        assert inputs.contains(photos / "notes.txt", (photos / "notes.txt").stat())
        assert not inputs.contains(photos / "de", None)

    def test_an_input_is_never_replaced(self, photos: Path):
        with pytest.raises(OverwriteError, match="is an input, and would be replaced"):
            check_output(photos / "notes.txt", JSON_LINES, inputs=InputFiles([photos / "notes.txt"]), overwrite=True)


class TestTwoOutputs:
    @pytest.mark.parametrize("other", ["found", "./found", "FOUND", "here/found"])
    def test_are_not_one_file_on_any_file_system(self, tmp_path: Path, other: str):
        (tmp_path / "here").symlink_to(".")

        with pytest.raises(OverwriteError, match="two outputs have the same name"):
            check_outputs_differ(tmp_path / "found", None, tmp_path / other)

    def test_may_differ_in_their_endings(self, tmp_path: Path):
        check_outputs_differ(tmp_path / "found.csv", tmp_path / "found.html", None, None)
