"""No command changes a byte or a time of a photo. (`--embed` does so on request; it has tests of its own.)"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.app import COMMANDS

WITHOUT_PHOTOS = {
    *("bench", "cache", "inspect", "learn-words", "models", "quantise", "remove-tag", "serve", "tags", "train", "ui"),
}
"""Commands that are given no photos of a user's, run until they are ended, or work for minutes."""

OWN_MODEL = {"tag", "explain", "find", "compare", "correct", "refresh", "suggest", "add-tag", "fit", "add"}
"""Commands with the option --model."""


def commands(photos: Path, out: Path) -> dict[str, list[list[object]]]:
    """Calls of each command, in this order; the model is added."""
    a, labels = photos / "a.jpg", photos / "metadata.csv"
    return {
        "tag": [["tag", photos], ["tag", photos, "--write-xmp"], ["tag", photos, "--write-xmp", "--dry-run"]],
        "explain": [["explain", a, "--tag", "dog", "--output", out / "map.png"]],
        "find": [["find", "dog", photos, "--html", out / "found.html"]],
        "library": [
            ["library", "add", photos],
            ["library", "accept", a, "dog"],
            ["library", "reject", a, "boat"],
            ["library", "rename", a, "dog", "Rex"],
            ["library", "lists", "--not", "beach"],
            ["library", "write-xmp", "--dry-run"],
            ["library", "write-xmp", "--parent", "auto"],
            ["library", "update"],
            ["library", "status"],
        ],
        "search": [["search", "dog"]],
        "duplicates": [["duplicates"]],
        "stats": [["stats"]],
        "compare": [["compare", a, "--tag", "dog", "--output", out / "compared.png"]],
        "correct": [["correct", a, "--yes", "dog"]],
        "corrections": [["corrections", "--export", out / "corrected.csv"]],
        "refresh": [["refresh"]],
        "suggest": [["suggest", "dog", photos]],
        "add-tag": [["add-tag", "rex", *(photos / f"{name}.jpg" for name in "abc")]],
        "convert": [["convert", photos.parent, "--format", "folders", "--output", out / "set" / "metadata.csv"]],
        "check": [["check", labels]],
        "evaluate": [["evaluate", None, labels]],
        "report": [["report", None, labels, "--output", out / "report"]],
        "fit": [["fit", labels, "--name", "own"]],
        "forget": [["library", "forget", photos], ["library", "remove", photos]],
    }


def test_every_command_is_tried():
    assert COMMANDS.keys() - WITHOUT_PHOTOS <= commands(Path(), Path()).keys()


@pytest.mark.parametrize("sidecars", [False, True], ids=["without sidecars", "with sidecars"])
def test_no_command_changes_a_photo(
    cli: Callable[..., Any], make_data_set: Callable[..., Path], worded: Path, tmp_path: Path, sidecars: bool
):
    names = {f"{name}.jpg": "dog, beach" if name in "abcd" else "boat" for name in "abcdefgh"}
    folder = make_data_set(names, splits={name: "val" if name in ("g.jpg", "h.jpg") else "train" for name in names})
    photos = sorted(folder.glob("*.jpg"))
    for number, photo in enumerate(photos):
        os.utime(photo, ns=(10**18, 10**18 + number))
        if sidecars:
            photo.with_suffix(".xmp").write_bytes(b"<x/>" if number else b"")
    (tmp_path / "out").mkdir()
    before = {photo: (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino) for photo in photos}

    for name, calls in commands(folder, tmp_path / "out").items():
        for call in calls:
            if name not in COMMANDS and call[0] != "library":
                continue
            words = [worded if word is None else word for word in call]
            model = ["--model", worded] if call[call[0] == "library"] in OWN_MODEL else []
            done = cli(*words, *model)

            assert done.status in (0, 1), f"{call}: {done.stderr}"
            now = {photo: (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino) for photo in photos}
            assert now == before, call
