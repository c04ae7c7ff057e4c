"""No command changes a byte or a time of a photo. (`--embed` does so on request; it has tests of its own.)"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from vectortag.apps.cli.app import COMMANDS, app_with

WITHOUT_PHOTOS = {
    *("bench", "cache", "export", "inspect", "learn-words", "models", "quantise", "remove-tag"),
    *("serve", "tags", "train", "ui"),
}
"""Commands that are given no photos of a user's, run until they are ended, or work for minutes."""

OWN_MODEL = {
    *("tag", "explain", "find", "compare", "correct", "refresh", "suggest", "add-tag", "fit", "add", "update"),
}
"""Commands with the option --model; it is added to each call."""

HOW = {
    *("--help", "--model", "--threads", "--max-pixels", "--runtime", "--precision", "--size", "--profile", "--fine"),
    *("--coarse", "--additions", "--no-additions", "--language", "--seed", "--folds", "--dataset", "--quiet"),
}
"""Options that say with what and how fast a command computes."""

ELSEWHERE = {
    ("tag", "--embed"): "changes JPEG files, which is asked for: tests/library/test_embed.py",
    ("library write-xmp", "--embed"): "the same",
    ("library forget", "--embed"): "the same",
    ("library add", "--encoder"): "reads photos as a model does: tests/library/test_library_encoder.py",
    ("library update", "--encoder"): "the same",
    ("library update", "--no-encoder"): "the same",
    ("tag", "--engine"): "needs a cluster: tests/apps/test_partitions.py",
    ("tag", "--ray-address"): "the same",
    ("tag", "--partition"): "the same",
    ("library update", "--watch"): "runs until it is ended: test_library.py",
}
"""Options that are not tried here, and why."""


def calls(photos: Path, out: Path) -> list[list[object]]:
    """Calls of the commands that have to do with a library, in this order."""
    a, file = photos / "a.jpg", ["--library", out / "l.sqlite"]
    page, lists = ["--html", out / "page.html", "--overwrite"], ["--only", "dog, boat", "--not", "beach"]
    table = ["--format", "csv", "--output", out / "table", "--overwrite"]
    return [
        ["tag", photos],
        [
            "tag",
            photos,
            *table,
            "--threshold",
            "0",
            "--top-k",
            "2",
            "--exclude",
            "b.jpg",
            *lists,
            "--rename",
            "dog: Rex",
        ],
        ["tag", photos, "--all-scores", "--format", "jsonl", "--output", out / "job.jsonl", "--resume", "--no-library"],
        ["tag", photos, "--format", "parquet", "--embeddings", "--output", out / "tags.parquet", "--no-library"],
        ["tag", photos, "--write-xmp"],
        ["tag", photos, "--write-xmp", "--dry-run", "--parent", "auto", "--min-score", "0.9", "--stem"],
        ["library", "add", photos],
        ["library", "add", photos, *file],
        ["tag", photos, "--write-xmp", *file],
        ["library", "accept", a, "dog"],
        ["library", "reject", a, "boat"],
        ["library", "rename", a, "dog", "Rex"],
        ["library", "accept", a, "dog", *file],
        ["library", "reject", a, "boat", *file],
        ["library", "rename", a, "dog", "Rex", *file],
        ["library", "lists", *lists, "--rename", "boat: Nina", *file],
        ["library", "write-xmp", "--dry-run"],
        [
            "library",
            "write-xmp",
            photos,
            "--parent",
            "auto",
            "--stem",
            "--min-score",
            "0.1",
            *lists,
            "--rename",
            "dog: Rex",
        ],
        ["library", "write-xmp", *file],
        ["library", "update", "--prune", "--retry"],
        ["library", "update", *file],
        ["library", "status", "--json", "--errors", "--check", *file],
        ["search", "dog", "--top", "2", "--offline", *table, *page, "--links", out / "links"],
        ["search", "dog", *file],
        ["duplicates", "--kind", "alike", "--json", *file],
        ["stats", "--json", "--top", "3", *file],
        ["library", "import", out / "tags.parquet", *file],
        ["library", "relocate", photos, photos],
        ["library", "relocate", photos, photos, *file],
        ["library", "forget", photos, "--dry-run"],
        ["library", "forget", photos, *file],
        ["library", "remove", photos],
        ["library", "remove", photos, *file],
    ]


def other_calls(photos: Path, out: Path) -> list[list[object]]:
    """Calls of the others; None is the model."""
    a, labels = photos / "a.jpg", photos / "metadata.csv"
    page, lines = ["--html", out / "page.html", "--overwrite"], ["--format", "jsonl", "--output", out / "lines"]
    return [
        ["explain", a, "--tag", "dog", "--output", out / "map.png"],
        ["find", "dog", photos, *page, *lines, "--has", "dog", "--not", "sea", "--top", "3", "--exclude", "b.jpg"],
        ["compare", a, "--tag", "dog", "--output", out / "compared.png"],
        ["correct", a, "--yes", "dog"],
        ["corrections", "--export", out / "corrected.csv"],
        ["refresh"],
        ["suggest", "dog", photos],
        ["add-tag", "rex", *(photos / f"{name}.jpg" for name in "abc")],
        ["convert", photos.parent, "--format", "folders", "--output", out / "set" / "metadata.csv"],
        ["prepare", labels, "--output", out / "shards"],
        ["check", labels],
        ["evaluate", None, labels],
        ["report", None, labels, "--output", out / "report"],
        ["fit", labels, "--name", "own"],
    ]


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each command of the program, and its options."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        return
    for word, one in inner.items():
        yield from leaves(one, f"{name} {word}".strip())


OPTIONS = dict(leaves(typer.main.get_command(app_with(COMMANDS))))


def options_tried(name: str) -> set[str]:
    words = name.split()
    tried = [call for call in calls(Path(), Path()) if call[: len(words)] == words]
    return {word for call in tried for word in call if isinstance(word, str) and word.startswith("--")}


def test_every_command_is_tried():
    called = {str(call[0]) for call in (*calls(Path(), Path()), *other_calls(Path(), Path()))}

    assert COMMANDS.keys() - WITHOUT_PHOTOS <= called


@pytest.mark.parametrize(
    "name", [name for name in OPTIONS if name.split()[0] in {"tag", "library", "search", "duplicates", "stats"}]
)
def test_every_option_of_a_library_is_tried(name: str):
    elsewhere = {option for command, option in ELSEWHERE if command == name}

    assert OPTIONS[name] - HOW == options_tried(name) - HOW | elsewhere


@pytest.mark.parametrize("sidecars", [False, True], ids=["without sidecars", "with sidecars"])
def test_no_command_changes_a_photo(
    cli: Callable[..., Any], make_data_set: Callable[..., Path], worded: Path, tmp_path: Path, sidecars: bool
):
    names = {f"{name}.jpg": "dog, beach" if name in "abcd" else "boat" for name in "abcdefgh"}
    folder = make_data_set(names, splits={name: "val" if name in ("g.jpg", "h.jpg") else "train" for name in names})
    photos, out = sorted(folder.glob("*.jpg")), tmp_path / "out"
    for number, photo in enumerate(photos):
        os.utime(photo, ns=(10**18, 10**18 + number))
        if sidecars:
            photo.with_suffix(".xmp").write_bytes(b"<x/>" if number else b"")
    out.mkdir()

    def state() -> dict[Path, tuple[bytes, int, int]]:
        return {photo: (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino) for photo in photos}

    before = state()
    for call in (*calls(folder, out), *other_calls(folder, out)):
        words = [worded if word is None else word for word in call]
        model = ["--model", worded] if call[call[0] == "library"] in OWN_MODEL else []
        done = cli(*words, *model)

        assert done.status in (0, 1), f"{call}: {done.stderr}"
        assert state() == before, call
