"""vectortag library status"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vectortag.library.library import Library

Cli = Callable[..., Any]


def test_a_photo_that_cannot_be_read_is_named_and_is_no_success(library: Cli, photo_folder: Path):
    (photo_folder / "bad.jpg").write_bytes(b"no photo")

    done = library("update")

    assert done.status == 1
    assert "1 unreadable" in done.stderr
    errors = library("status", "--errors")
    assert errors.stdout.startswith(f"{photo_folder / 'bad.jpg'}: not a photo in a known format")
    assert library("update").status == 0


def test_status_is_for_people_and_for_programs(library: Cli, photo_folder: Path, home: Path):
    table, found = library("status", "--check"), json.loads(library("status", "--json").stdout)

    assert str(photo_folder) in table.stdout
    assert "online" in table.stdout
    assert "no damage" in table.stderr
    assert found["file"] == str(home / "library.sqlite")
    assert found["model"].startswith("tiny@")
    (folder,) = found["folders"]
    assert (folder["path"], folder["photos"], folder["state"]) == (str(photo_folder), 3, "online")


def test_a_library_that_is_damaged_is_named_and_left_alone(library: Cli, home: Path):
    file = home / "library.sqlite"
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    file.write_bytes(file.read_bytes()[:100] + b"\xff" * 20000)
    before = file.read_bytes()

    done = library("status")

    assert done.status == 1
    assert f"error: {file}: the library is damaged" in done.stderr
    assert "Put a backup in its place, or move it away and add your folders again" in done.stderr
    assert file.read_bytes() == before
    shutil.rmtree(home)


def test_each_folder_says_what_became_of_its_photos(
    library: Cli, make_photo: Callable[..., Path], photo_folder: Path, tiny_model: Path
):
    other = make_photo("more/1.jpg", seed=7).parent
    (other / "2.jpg").write_bytes(b"no photo")
    assert library("add", other, "--model", tiny_model).status == 1
    (photo_folder / "0.jpg").unlink()
    other.rename(other.with_name("unplugged"))
    assert library("update", "--model", tiny_model).status == 0

    found = {one["path"]: one for one in json.loads(library("status", "--json").stdout)["folders"]}

    first, second = found[str(photo_folder)], found[str(other)]
    assert (first["photos"], first["unreadable"], first["gone"]) == (2, 0, 1)
    assert (second["photos"], second["unreadable"], second["gone"]) == (2, 1, 0)
    assert (first["state"], first["why"]) == ("online", None)
    assert (second["state"], second["why"]) == ("offline", "it is missing")
    assert isinstance(second["seen"], float | int)


def test_a_new_library_has_no_model_and_folders_that_were_never_seen(cli: Cli, home: Path):
    with Library.open(create=True):
        pass

    found, table = json.loads(cli("library", "status", "--json").stdout), cli("library", "status").stdout

    assert (found["model"], found["precision"], found["size"], found["folders"]) == (None, None, None, [])
    assert "model none yet" in table
