"""Pipes, sockets, devices and closed folders in the place of photos and of files: an error each, and nothing hangs."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import DataError, ModelFolderError, PhotoError
from vectortag.core.files import open_regular
from vectortag.data.find import find_images
from vectortag.data.keywords import Keywords, read_tagged_photos
from vectortag.model.folder import read_model_folder
from vectortag.personal.added_tags import folder_of

Cli = Callable[..., Any]
MakePhoto = Callable[..., Path]

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files here")

MAIN = "from vectortag.apps.entry import main; main()"
PIPE = "it is a named pipe, not a regular file"


@pytest.fixture
def photos(make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for seed in range(2):
        make_photo(f"photos/{seed}.jpg", seed=seed)
    return Path("photos")


class TestPhotos:
    def test_a_pipe_is_one_error_among_tags(self, cli: Cli, photos: Path, tiny_model: Path):
        os.mkfifo(photos / "0a.jpg")

        outcome = cli("tag", photos, "--format", "jsonl", "--model", tiny_model)

        lines = [json.loads(line) for line in outcome.stdout.splitlines()]
        assert outcome.status == 1
        assert ["tags" in line for line in lines] == [True, False, True]
        assert lines[1]["error"]["message"] == f"photos/0a.jpg: cannot be read: {PIPE}"

    def test_so_is_a_socket_and_a_device(self, cli: Cli, photos: Path, tiny_model: Path):
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("photos/s.jpg")
            outcome = cli("tag", photos, "/dev/zero", "--model", tiny_model)

        assert "photos/s.jpg: cannot be read: it is a socket" in outcome.stdout
        assert "/dev/zero: cannot be read: it is a device" in outcome.stdout

    @pytest.mark.parametrize("command", [["explain", "--tag", "sea", "--output", "maps"], ["correct", "--yes", "sea"]])
    def test_other_commands_name_it_too(self, cli: Cli, photos: Path, tiny_model: Path, command: list[str]):
        os.mkfifo("p.jpg")

        outcome = cli(command[0], "p.jpg", *command[1:], "--model", tiny_model)

        assert (outcome.status, outcome.stderr) == (1, f"error: p.jpg: cannot be read: {PIPE}\n")

    def test_stdin_is_read_where_it_is_a_file(self, photos: Path, tiny_model: Path):
        with (photos / "0.jpg").open("rb") as photo:
            outcome = subprocess.run(
                [sys.executable, "-c", MAIN, "tag", "/dev/stdin", "--model", tiny_model],
                stdin=photo,
                capture_output=True,
                timeout=60,
                check=False,
            )

        assert outcome.returncode == 0

    def test_a_file_that_the_shell_opened_may_be_a_pipe(self):
        reading, writing = os.pipe()
        os.write(writing, b"image_path,tags\n")
        os.close(writing)
        try:
            with open_regular(f"/dev/fd/{reading}") as file:
                assert file.read() == b"image_path,tags\n"
        finally:
            os.close(reading)

    def test_a_file_that_was_exchanged_meanwhile_is_refused(self, photos: Path, monkeypatch: pytest.MonkeyPatch):
        os.mkfifo("p.jpg")
        monkeypatch.setattr("vectortag.core.files.require_regular", lambda path: None)

        with pytest.raises(OSError, match="named pipe"):
            open_regular("p.jpg")

    def test_reading_waits_as_for_any_file(self, photos: Path):
        with open_regular(photos / "0.jpg") as file:
            assert os.get_blocking(file.fileno())


class TestOtherFiles:
    @pytest.mark.parametrize("name", ["model.onnx", "head.safetensors", "MODEL_CARD.md"])
    def test_in_a_model_folder(self, tiny_model: Path, tmp_path: Path, name: str):
        folder = shutil.copytree(tiny_model, tmp_path / "model")
        (folder / name).unlink()
        os.mkfifo(folder / name)

        with pytest.raises(ModelFolderError, match=PIPE):
            read_model_folder(folder)

    def test_in_the_place_of_a_manifest(self, tiny_model: Path, tmp_path: Path):
        folder = shutil.copytree(tiny_model, tmp_path / "model")
        (folder / "manifest.json").unlink()
        os.mkfifo(folder / "manifest.json")

        with pytest.raises(ModelFolderError, match=PIPE):
            read_model_folder(folder)

    def test_in_the_place_of_an_added_tag(self, cli: Cli, photos: Path, tiny_model: Path):
        folder = folder_of(read_model_folder(tiny_model))
        folder.mkdir(parents=True)
        os.mkfifo(folder / "boat.safetensors")

        outcome = cli("tag", photos, "--model", tiny_model)

        assert outcome.status == 0
        assert f"cannot be read as an added tag, so the model has no such tag now: {PIPE}" in outcome.stderr

    def test_in_the_place_of_a_metadata_csv(self, cli: Cli, photos: Path):
        os.mkfifo(photos / "metadata.csv")

        outcome = cli("check", photos)

        assert outcome.status == 1
        assert f"photos/metadata.csv: cannot be read: {PIPE}" in outcome.stderr

    def test_in_the_place_of_a_sidecar(self, cli: Cli, photos: Path, make_photo: MakePhoto):
        os.mkfifo(photos / "0.xmp")

        outcome = cli("check", photos)

        assert f"photos/0.xmp: cannot be read: {PIPE}" in outcome.stderr

    def test_in_the_place_of_a_taxonomy(self, cli: Cli, photos: Path):
        (photos / "metadata.csv").write_text("image_path,tags\n0.jpg,dog\n")
        os.mkfifo("words.toml")

        assert PIPE in cli("check", photos, "--taxonomy", "words.toml").stderr


class TestLinksThatLeadToThemselves:
    """They are errors with a name, not a traceback."""

    @pytest.mark.parametrize(
        ("name", "command"),
        [
            ("photos/metadata.csv", ["check", "photos"]),
            ("photos/metadata.csv", ["fit", "photos"]),
            ("photos/0.jpg.xmp", ["tag", "photos", "--write-xmp"]),
            ("photos/0.jpg", ["tag", "photos"]),
            ("links", ["search", "sea", "--links", "links", "--library", "links"]),
        ],
    )
    def test_each_is_named(self, cli: Cli, photos: Path, tiny_model: Path, name: str, command: list[str]):
        Path(name).unlink(missing_ok=True)
        Path(name).symlink_to(Path(name).name)

        outcome = cli(*command, *(["--model", tiny_model] if command[0] in ("tag", "fit") else []))

        assert outcome.status == 1
        assert name in outcome.stderr + outcome.stdout


def test_known_tags_that_cannot_be_read_are_no_absence_of_them(cli: Cli, photos: Path, tiny_model: Path):
    Path("photos/metadata.csv").write_text("image_path,tags\n0.jpg,dog\n1.jpg,sea\n")
    os.mkfifo("photos/known_tags.txt")

    outcome = cli("evaluate", tiny_model, "photos")

    assert outcome.status == 1
    assert f"known_tags.txt: cannot be read: [Errno 22] {PIPE}" in outcome.stderr


def test_the_library_names_a_sidecar_that_cannot_be_read(cli: Cli, photos: Path, tiny_model: Path):
    os.mkfifo(photos / "0.xmp")
    Path(photos / "1.jpg.xmp").write_text("<a>&</a>")

    outcome = cli("library", "add", photos, "--model", tiny_model)

    assert outcome.status == 0
    assert f"0.xmp: cannot be read: {PIPE}" in outcome.stderr
    assert "1.jpg.xmp: its keywords cannot be read: it is not XML" in outcome.stderr


def without_rights() -> None:
    """Root may read every folder; a process that has lost these two rights may not (PR_CAPBSET_DROP, before exec)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, capability, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="takes rights away as Linux does")
class TestClosedFolders:
    @pytest.fixture
    def closed(self, photos: Path, make_photo: MakePhoto):
        make_photo("photos/closed/secret.jpg")
        (photos / "closed").chmod(0)
        yield photos / "closed"
        (photos / "closed").chmod(0o700)

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", MAIN, *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=without_rights
        )

    def test_a_folder_that_is_closed_has_an_error_in_its_place(self, photos: Path, closed: Path, tiny_model: Path):
        outcome = self.run("tag", photos, "--format", "jsonl", "--model", tiny_model)

        lines = [json.loads(line) for line in outcome.stdout.splitlines()]
        assert outcome.returncode == 1
        assert ["tags" in line for line in lines] == [True, True, False]
        assert lines[2]["path"] == "photos/closed"
        assert lines[2]["error"]["message"] == "photos/closed: cannot be read: Permission denied"

    def test_so_has_a_photo_in_it_that_was_named(self, photos: Path, closed: Path, tiny_model: Path):
        outcome = self.run("tag", closed / "secret.jpg", photos / "0.jpg", "--model", tiny_model)

        assert outcome.returncode == 1
        assert "photos/closed/secret.jpg: cannot be read: Permission denied" in outcome.stdout
        assert "photos/0.jpg\n" in outcome.stdout

    def test_explain_goes_on(self, photos: Path, closed: Path, tiny_model: Path):
        outcome = self.run("explain", photos, "--tag", "sea", "--output", "maps", "--model", tiny_model)

        assert outcome.returncode == 1
        assert outcome.stderr == "error: photos/closed: cannot be read: Permission denied\n"
        assert len(list(Path("maps").iterdir())) == 2

    def test_check_counts_it_as_a_problem(self, photos: Path, closed: Path):
        outcome = self.run("check", photos)

        assert outcome.returncode == 1
        assert "photos/closed: cannot be read: Permission denied" in outcome.stderr

    def test_find_goes_on(self, photos: Path, closed: Path):
        outcome = self.run("find", "sea", photos, "--model", "lite0", "--format", "jsonl")

        assert outcome.returncode == 1
        assert outcome.stderr == "left out: photos/closed: cannot be read: Permission denied\n"
        assert outcome.stdout.count('"path"') == 2


def test_a_data_set_names_its_closed_folders(photos: Path, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch):
    """As `fit` reads it, which goes on with the others and exits with 1."""
    closed = make_photo("photos/closed/secret.jpg").parent.relative_to(Path.cwd())
    plain = os.scandir

    def scandir(path: Any):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied")
        return plain(path)

    monkeypatch.setattr("vectortag.data.find.os.scandir", scandir)
    dog, nothing = Keywords(("dog",), ("dog",)), Keywords()
    monkeypatch.setattr("vectortag.data.keywords.read_keywords", lambda photo: dog if photo.is_file() else nothing)
    monkeypatch.setattr(Path, "iterdir", lambda folder: scandir(folder))

    data = read_tagged_photos(photos)

    assert len(data.records) == 2
    assert data.closed == ("photos/closed: cannot be read: Permission denied",)


class TestVanishingShares:
    @pytest.fixture
    def share(self, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder whose list breaks off after its first photo."""
        plain = os.scandir

        class Broken:
            def __init__(self, path: Any) -> None:
                self._entries, self._breaks = plain(path), Path(path) == photos

            def __enter__(self):
                return self

            def __exit__(self, *_: object) -> None:
                self._entries.close()

            def __iter__(self):
                if not self._breaks:
                    yield from self._entries
                    return
                yield next(entry for entry in self._entries if entry.name == "0.jpg")
                raise OSError(107, "Transport endpoint is not connected")

        monkeypatch.setattr("vectortag.data.find.os.scandir", Broken)
        return photos

    def test_what_was_read_is_found_and_then_the_folder_itself(self, share: Path):
        assert list(find_images(share)) == [share / "0.jpg", share]

    def test_tagging_the_folder_is_an_error(self, share: Path, tagger):
        with pytest.raises(PhotoError, match="photos: is a directory, not a photo"):
            tagger.tag(share)

    def test_the_job_goes_on_and_fails(self, cli: Cli, share: Path, tiny_model: Path):
        outcome = cli("tag", share, "--format", "jsonl", "--model", tiny_model)

        assert outcome.status == 1
        assert [json.loads(line)["path"] for line in outcome.stdout.splitlines()] == ["photos/0.jpg", "photos"]


def test_a_data_set_below_a_file_is_an_error(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(DataError):
        read_tagged_photos(tmp_path / "file" / "metadata.csv")
