"""vectortag library"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.library.library import Library

Cli = Callable[..., Any]


@pytest.fixture
def photos(make_photo: Callable[..., Path], tmp_path: Path) -> Path:
    for seed in range(3):
        make_photo(f"photos/{seed}.jpg", seed=seed)
    return tmp_path / "photos"


@pytest.fixture
def added(cli: Cli, photos: Path, tiny_model: Path) -> Any:
    """What `library add` said."""
    return cli("library", "add", photos, "--model", tiny_model)


def test_add_tags_the_photos_of_a_folder(added: Any, home: Path, photos: Path):
    assert (added.status, added.stdout) == (0, "")
    assert f"{photos}: part of the library {home / 'library.sqlite'}" in added.stderr
    assert "3 photos, 3 new, 3 tagged" in added.stderr


def test_update_says_what_changed(added: Any, cli: Cli, photos: Path, make_photo):
    make_photo("photos/new.jpg", seed=9)
    (photos / "0.jpg").rename(photos / "moved.jpg")
    (photos / "1.jpg").unlink()

    assert "3 photos, 1 new, 1 moved, 1 gone, 1 tagged" in cli("library", "update").stderr
    assert "3 photos, no changes" in cli("library", "update").stderr
    assert "3 photos, 1 forgotten" in cli("library", "update", "--prune").stderr


def test_a_folder_that_is_missing_is_offline_until_it_is_relocated(added: Any, cli: Cli, photos: Path, tmp_path: Path):
    photos.rename(tmp_path / "elsewhere")

    done = cli("library", "update")
    assert (done.status, f"{photos}: offline, its photos are kept: it is missing" in done.stderr) == (0, True)
    assert "offline: it is missing" in cli("library", "status").stdout

    assert cli("library", "relocate", photos, tmp_path / "elsewhere").status == 0
    assert "3 photos, no changes" in cli("library", "update").stderr


def test_remove_forgets_a_folder(added: Any, cli: Cli, photos: Path):
    done = cli("library", "remove", photos)

    assert "removed from the library, with 3 photos" in done.stderr
    assert len(list(photos.iterdir())) == 3
    again = cli("library", "remove", photos)
    assert again.status == 1
    assert "is not a folder of this library. Its folders: none" in again.stderr


def test_without_a_library_there_is_a_command_that_makes_one(cli: Cli, tmp_path: Path):
    done = cli("library", "update", "--library", tmp_path / "none.sqlite")

    assert done.status == 1
    assert "no library. Make one with: vectortag library add FOLDER" in done.stderr


def test_a_library_may_lie_anywhere(cli: Cli, photos: Path, tmp_path: Path, tiny_model: Path, home: Path):
    file = tmp_path / "my.sqlite"

    assert cli("library", "add", photos, "--library", file, "--model", tiny_model).status == 0

    with Library.open(file, create=False) as library:
        assert len(library.roots()) == 1
    assert not (home / "library.sqlite").exists()


class TestTagWithALibrary:
    def test_gives_the_same_lines_without_looking_at_the_photos(
        self, added: Any, cli: Cli, photos: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
    ):
        command = ["tag", photos, "--model", tiny_model, "--format", "jsonl"]
        looked = cli(*command, "--no-library").stdout
        monkeypatch.setattr("vectortag.runtime.embedder.load_pixels", None)

        found = cli(*command)

        assert found.status == 0
        for mine, theirs in zip(
            map(json.loads, found.stdout.splitlines()), map(json.loads, looked.splitlines()), strict=True
        ):
            assert {**mine, "tags": 0} == {**theirs, "tags": 0}
            assert [one["tag"] for one in mine["tags"]] == [one["tag"] for one in theirs["tags"]]
            assert [one["score"] for one in mine["tags"]] == pytest.approx(
                [one["score"] for one in theirs["tags"]], abs=1e-5
            )

    def test_looks_at_the_photos_where_all_scores_are_asked_for(
        self, added: Any, cli: Cli, photos: Path, tiny_model: Path
    ):
        command = ["tag", photos, "--model", tiny_model, "--format", "jsonl", "--all-scores"]

        assert cli(*command).stdout == cli(*command, "--no-library").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_watch_tags_what_comes_until_ctrl_c(added: Any, photos: Path, make_photo, need_module):
    need_module("watchfiles")
    code = "from vectortag.library import watch; watch.SETTLED = 50; from vectortag.apps.entry import main; main()"
    command = [sys.executable, "-c", code, "library", "update", "--watch"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr or ()))
    reader.start()
    try:
        for seed in range(600):  # the first photos may come before the folder is watched
            if "watching" in "".join(said) and seed % 10 == 0:
                make_photo("new.jpg", seed=seed).rename(photos / f"new{seed}.jpg")
            time.sleep(0.1)
            if " new, " in "".join(said):
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(180) == 0, said
    finally:
        process.kill()
        process.wait()
        reader.join()
        if process.stderr is not None:
            process.stderr.close()
    assert " new, " in "".join(said)
    with Library.open() as library:
        assert library.status().roots[0].photos > 3
