"""No output replaces a photo, an input, or a file of somebody else's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vectortag.model.folder import ModelFolder

Cli = Callable[..., Any]
MakePhoto = Callable[..., Path]


@pytest.fixture
def photo(make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_photo("photos/sea.png").relative_to(tmp_path)


def writing(what: str, photo: Path, output: Path, model: Path) -> list[object]:
    """A command that reads the photo and writes an output."""
    commands: dict[str, list[object]] = {
        "tag": ["tag", photo, "--output", output, "--model", model],
        "tag a folder": ["tag", photo.parent, "--output", output, "--model", model],
        "jsonl": ["tag", photo, "--format", "jsonl", "--output", output, "--model", model],
        "csv": ["tag", photo, "--format", "csv", "--output", output, "--model", model],
        "explain": ["explain", photo, "--tag", "sea", "--output", output, "--model", model],
        "compare": ["compare", photo, "--tag", "sea", "--model", model, "--model", model, "--output", output],
        "find": ["find", "sea", photo, "--output", output, "--model", model],
        "page": ["find", "sea", photo.parent, "--html", output, "--model", model],
        "evaluate": ["evaluate", model, photo.parent, "--output", output],
    }
    return commands[what]


EVERY = ["tag", "tag a folder", "jsonl", "csv", "explain", "compare", "find", "page", "evaluate"]


@pytest.mark.parametrize("what", EVERY)
class TestPhotos:
    def test_a_photo_that_was_given_is_no_output(self, cli: Cli, photo: Path, tiny_model: Path, what: str):
        before = photo.read_bytes()

        outcome = cli(*writing(what, photo, photo, tiny_model), "--overwrite")

        assert (outcome.status, outcome.stdout) == (2, "")
        assert outcome.stderr.startswith("error: photos/sea.png: is ")
        assert photo.read_bytes() == before

    @pytest.mark.parametrize("link", [os.link, os.symlink], ids=["hard link", "symbolic link"])
    def test_nor_under_another_name(self, cli: Cli, photo: Path, tiny_model: Path, what: str, link: Any):
        before = photo.read_bytes()
        link(photo.absolute(), "other.png")

        assert cli(*writing(what, photo, Path("other.png"), tiny_model), "--overwrite").status == 2
        assert Path("other.png").read_bytes() == photo.read_bytes() == before

    def test_nor_is_any_other_photo(self, cli: Cli, photo: Path, make_photo: MakePhoto, tiny_model: Path, what: str):
        other = make_photo("holiday.png", seed=5)
        before = other.read_bytes()

        assert cli(*writing(what, photo, other, tiny_model), "--overwrite").status == 2
        assert other.read_bytes() == before

    def test_nor_half_a_photo(self, cli: Cli, photo: Path, make_photo: MakePhoto, tiny_model: Path, what: str):
        half = make_photo("half.jpg", seed=5).read_bytes()[:200]
        Path("half.png").write_bytes(half)

        assert cli(*writing(what, photo, Path("half.png"), tiny_model), "--overwrite").status == 2
        assert Path("half.png").read_bytes() == half


@pytest.mark.parametrize(
    "start",
    [
        b"\0\0\0\x18ftypcrx ",
        b"\0\0\0\x18ftypheic",
        b"FUJIFILMCCD-RAW",
        b"II*\0\x10\0\0\0CR",
        b"\0\0\0\x08wide",
        b"\0\0\0\x0cJXL ",
    ],
    ids=["cr3", "heic", "raf", "cr2", "mov", "jxl"],
)
def test_a_raw_photo_or_a_video_is_never_replaced(cli: Cli, photo: Path, tiny_model: Path, start: bytes):
    Path("other").write_bytes(start + bytes(64))

    assert cli("tag", photo, "--output", "other", "--overwrite", "--model", tiny_model).status == 2
    assert Path("other").read_bytes() == start + bytes(64)


class TestOwnOutputs:
    @pytest.mark.parametrize("what", ["tag", "jsonl", "csv", "explain", "compare"])
    def test_yesterday_s_command_can_be_repeated(self, cli: Cli, photo: Path, tiny_model: Path, what: str):
        command = writing(what, photo, Path("output.png"), tiny_model)

        assert cli(*command).status == 0
        before = Path("output.png").read_bytes()
        assert cli(*command).status == 0
        assert Path("output.png").read_bytes() == before

    def test_a_table_that_begins_with_an_implied_tag_can_be_written_again(
        self, cli: Cli, photo: Path, write_tiny_model: Callable[..., ModelFolder], with_thresholds: Callable[..., Any]
    ):
        model = write_tiny_model(Path("model").absolute(), **with_thresholds([1, 1, 0, None, 1, 1])).path
        command = ("tag", photo, "--output", "table.txt", "--model", model)

        assert cli(*command).status == 0
        assert Path("table.txt").read_text().splitlines()[1].endswith("  implied")
        assert cli(*command).status == 0

    def test_maps_of_every_tag_can_be_written_again(self, cli: Cli, photo: Path, tiny_model: Path):
        for _ in range(2):
            assert cli("explain", photo, "--all", "--output", "maps", "--model", tiny_model).status == 0

    @pytest.mark.parametrize("what", ["tag", "jsonl", "csv", "explain", "compare", "find", "page", "evaluate"])
    def test_a_text_of_another_kind_is_replaced_only_when_told(
        self, cli: Cli, photo: Path, tiny_model: Path, what: str
    ):
        Path("notes.png").write_text("My notes\n  of the year\n")

        outcome = cli(*writing(what, photo, Path("notes.png"), tiny_model))

        assert outcome.status == 2
        assert "notes.png: exists and is not " in outcome.stderr
        assert "pass --overwrite" in outcome.stderr
        assert Path("notes.png").read_text() == "My notes\n  of the year\n"

    def test_overwrite_replaces_a_text(self, cli: Cli, photo: Path, tiny_model: Path):
        Path("notes.txt").write_text("My notes")

        assert cli(*writing("jsonl", photo, Path("notes.txt"), tiny_model), "--overwrite").status == 0
        assert Path("notes.txt").read_text().startswith('{"path": "photos/sea.png"')

    def test_an_empty_file_holds_nothing_to_lose(self, cli: Cli, photo: Path, tiny_model: Path):
        Path("tags.jsonl").touch()

        assert cli(*writing("jsonl", photo, Path("tags.jsonl"), tiny_model)).status == 0

    def test_what_we_draw_carries_our_mark(self, cli: Cli, photo: Path, tiny_model: Path):
        cli(*writing("explain", photo, Path("map.png"), tiny_model))

        with Image.open("map.png") as drawn:
            assert drawn.info["Software"] == "VectorTag"

    def test_a_heat_map_beside_the_photo_does_not_replace_a_photo_of_that_name(
        self, cli: Cli, photo: Path, make_photo: MakePhoto, tiny_model: Path
    ):
        before = make_photo("sea.dog.png", seed=4).read_bytes()

        outcome = cli("explain", photo, "--tag", "dog", "--model", tiny_model)

        assert outcome.status == 2
        assert "sea.dog.png: is a photo" in outcome.stderr
        assert Path("sea.dog.png").read_bytes() == before


class TestLabels:
    def test_an_export_replaces_no_metadata_csv_unless_told(self, cli: Cli, photo: Path, tiny_model: Path):
        cli("correct", photo, "--yes", "sea", "--model", tiny_model)
        Path("metadata.csv").write_text("image_path,tags\nphotos/sea.png,mine\n")
        command = ["corrections", "--export", "metadata.csv", "--model", tiny_model]

        assert cli(*command).status == 2
        assert "mine" in Path("metadata.csv").read_text()
        assert cli(*command, "--onto", "metadata.csv", "--overwrite").status == 2
        assert "mine" in Path("metadata.csv").read_text()
        assert cli(*command, "--overwrite").status == 0

    def test_a_report_replaces_no_readme_of_another(self, cli: Cli, photo: Path, tiny_model: Path):
        Path("docs").mkdir()
        Path("docs/README.md").write_text("# My project\n")

        outcome = cli("report", tiny_model, "photos", "--output", "docs")

        assert outcome.status == 2
        assert "docs/README.md: exists and is not a VectorTag report" in outcome.stderr

    def test_a_folder_of_photos_is_no_place_for_a_model(self, cli: Cli, photo: Path, tiny_model: Path):
        outcome = cli("quantise", tiny_model, "photos", "--output", "photos")

        assert outcome.status == 2
        assert 'photos: holds "sea.png", which is no part of a model folder' in outcome.stderr
        assert photo.is_file()


def test_the_decision_comes_before_the_model_is_loaded(cli: Cli, photo: Path):
    outcome = cli("tag", photo, "--output", photo, "--model", "no such model")

    assert "is an input" in outcome.stderr


class TestOtherInputs:
    """What a command reads beside photos is an input, too, and stays whatever is overwritten."""

    @pytest.fixture(autouse=True)
    def inputs(self, photo: Path, tiny_model: Path):
        shutil.copytree(tiny_model, "model")
        Path("only.txt").write_text("dog\n")
        Path("photos/metadata.csv").write_text("image_path,tags,split\nsea.png,dog,val\n")
        Path("photos/known_tags.txt").write_text("dog\n")
        Path("photos/.vectortagignore").write_text("*.gif\n")

    @pytest.mark.parametrize(
        "output",
        ["only.txt", "model/manifest.json", "model/model.onnx", "photos/metadata.csv", "photos/.vectortagignore"],
    )
    def test_tag_replaces_none(self, cli: Cli, output: str):
        before = Path(output).read_bytes()
        lists = ("--write-xmp", "--only", "only.txt")

        outcome = cli("tag", "photos", "--output", output, "--overwrite", *lists, "--model", "model")

        assert outcome.status == 2
        assert outcome.stderr.startswith(f"error: {output}: is ")
        assert Path(output).read_bytes() == before
        assert not list(Path("photos").glob("*.xmp"))

    @pytest.mark.parametrize("what", ["jsonl", "compare", "page", "evaluate"])
    def test_no_command_replaces_a_part_of_a_model(self, cli: Cli, photo: Path, what: str):
        before = Path("model/head.safetensors").read_bytes()

        outcome = cli(*writing(what, photo, Path("model/head.safetensors"), Path("model")), "--overwrite")

        assert outcome.status == 2
        assert "model/head.safetensors: is a part of a model folder" in outcome.stderr
        assert Path("model/head.safetensors").read_bytes() == before

    def test_evaluate_keeps_the_words_that_a_set_knows(self, cli: Cli):
        for data in ("photos", "photos/metadata.csv"):
            assert cli("evaluate", "model", data, "--output", "photos/known_tags.txt", "--overwrite").status == 2
        assert Path("photos/known_tags.txt").read_text() == "dog\n"

    @pytest.mark.parametrize("name", ["photos/sea.png.xmp", "photos/sea.XMP", "new.xmp"])
    def test_no_output_is_called_like_a_sidecar(self, cli: Cli, name: str):
        outcome = cli("tag", "photos", "--output", name, "--overwrite", "--write-xmp", "--model", "model")

        assert outcome.status == 2
        assert f"{name}: is called like a sidecar" in outcome.stderr
        assert not list(Path("photos").glob("*.xmp"))

    def test_check_writes_two_files(self, cli: Cli):
        outcome = cli("check", "photos", "--labels", "--export", "doubted", "--page", "./doubted", "--model", "model")

        assert outcome.status == 2
        assert "two outputs have the same name" in outcome.stderr

    def test_quantise_replaces_no_other_model(self, cli: Cli, worded: ModelFolder):
        before = worded.path.joinpath("manifest.json").read_bytes()

        outcome = cli("quantise", "model", "photos", "--output", worded.path)

        assert outcome.status == 2
        assert "worded: is another model, with another classifier.safetensors, and would be lost" in outcome.stderr
        assert worded.path.joinpath("manifest.json").read_bytes() == before


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/new", "/dev/fd/1", "/proc/self/fd/1", "/dev/../dev/stdout"])
def test_no_output_replaces_the_system_s_own_files(cli: Cli, photo: Path, tiny_model: Path, name: str):
    """`rename` would: /dev/stdout is a link, and an administrator may replace it."""
    outcome = cli("tag", photo, "--output", name, "--overwrite", "--model", "no model")

    assert outcome.status == 1
    assert "is in a folder of devices. To write to stdout, leave it out" in outcome.stderr


@pytest.mark.parametrize("other", ["./found", "FOUND", "here/found"])
def test_two_outputs_are_two_files_on_every_file_system(cli: Cli, photo: Path, tiny_model: Path, other: str):
    Path("here").symlink_to(".")

    outcome = cli("find", "sea", photo, "--output", "found", "--html", other, "--model", tiny_model)

    assert outcome.status == 2
    assert "two outputs have the same name" in outcome.stderr
