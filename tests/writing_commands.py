"""Every command that writes, with what was there before it: for tests that disturb it."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

Arguments = tuple[str, ...]
State = dict[str, object]
"""What each file holds, by its path."""

MODEL = ("--model", "in/model")


@dataclass(frozen=True, slots=True)
class WritingCommand:
    """A command line, run in a folder with `in/` and `disk/`; the home folder is disk/home.

    Attributes:
        before: commands that make what it changes.
        command: the command itself.
        again: what is run after a disturbance; None is the command itself.
        wholes: folders whose files belong together: all are old, or all are new.
    """

    command: Arguments
    before: tuple[Arguments, ...] = ()
    again: Arguments | None = None
    wholes: tuple[str, ...] = ()


def _tag(form: str, *options: str) -> Arguments:
    return ("tag", "in/photos", "--format", form, "--output", f"disk/out/tags.{form}", *options, *MODEL)


def _maps(photos: str, *options: str) -> Arguments:
    return ("explain", photos, "--tag", "dog", "--tag", "sea", "--output", "disk/out/maps", *options, *MODEL)


def _map(*options: str) -> Arguments:
    return ("explain", "in/photos/0.png", "--tag", "dog", "--output", "disk/out/map.png", *options, *MODEL)


def _numbers(photos: str) -> Arguments:
    return ("explain", photos, "--all", "--output", "disk/out/numbers", *MODEL)


def _compare(*options: str) -> Arguments:
    photo = ("in/photos/0.png", "--tag", "dog", "--output", "disk/out/compared.png")
    return ("compare", *photo, *options, *MODEL, *MODEL)


def _find(top: int) -> Arguments:
    page = ("--html", "disk/out/found.html", "--top", str(top))
    return ("find", "dog", "in/photos", *page, "--model", "in/worded")


def _evaluate(profile: str) -> Arguments:
    return ("evaluate", "in/model", "in/data", "--output", "disk/out/report.json", "--profile", profile)


def _fit(*options: str) -> Arguments:
    return ("fit", "in/data/metadata.csv", "--name", "mine", "--raw", "--min-photos", "1", *options, *MODEL)


def _correct(number: int, tag: str) -> Arguments:
    return ("correct", f"in/photos/{number}.png", "--yes", tag, *MODEL)


def _key(name: str) -> Arguments:
    return ("serve", "--api-key-file", "disk/out/keys", "--new-key", name)


ADD_RED = ("add-tag", "red door", "in/photos", *MODEL)
ADD_GREEN = ("add-tag", "green door", "in/photos", *MODEL)
REMOVE_RED = ("remove-tag", "red door", *MODEL)
EXPORT = ("corrections", "--export", "disk/out/new.csv", "--overwrite", *MODEL)
LEARN_WORDS = ("learn-words", "in/model", "in/data", "--captions", "in/captions.csv", "--output", "disk/out/taught")
QUANTISE = ("quantise", "in/model", "in/data", "--output", "disk/out/faster")
TAUGHT = "disk/out/taught"

COMMANDS: dict[str, WritingCommand] = {
    "tag, jsonl": WritingCommand(_tag("jsonl"), (_tag("jsonl", "--top-k", "1"),)),
    "tag, csv": WritingCommand(_tag("csv"), (_tag("csv", "--top-k", "1"),)),
    "explain, a map": WritingCommand(_map(), (_map("--opacity", "0.1"),)),
    "explain, maps": WritingCommand(_maps("in/photos"), (_maps("in/photos/0.png", "--opacity", "0.1"),)),
    "explain, numbers": WritingCommand(_numbers("in/photos"), (_numbers("in/photos/0.png"),)),
    "compare": WritingCommand(_compare(), (_compare("--opacity", "0.1"),)),
    "find": WritingCommand(_find(3), (_find(2),)),
    "evaluate": WritingCommand(_evaluate("precise"), (_evaluate("thorough"),)),
    "report": WritingCommand(("report", "in/model", "in/data", "--output", "disk/out/report")),
    "fit": WritingCommand(
        _fit("--overwrite"), (_fit("--top-k", "2"),), wholes=("disk/home/models/mine", "disk/home/reports/mine")
    ),
    "quantise": WritingCommand(QUANTISE, again=(*QUANTISE[:-1], "disk/out/faster2"), wholes=("disk/out/faster",)),
    "learn-words": WritingCommand(LEARN_WORDS, again=(*LEARN_WORDS[:-1], f"{TAUGHT}2"), wholes=(TAUGHT,)),
    "add-tag": WritingCommand(ADD_RED, (ADD_GREEN,), again=("add-tag", "blue door", "in/photos", *MODEL)),
    "remove-tag": WritingCommand(REMOVE_RED, (ADD_GREEN, ADD_RED), again=("remove-tag", "green door", *MODEL)),
    "correct": WritingCommand(_correct(1, "sea"), (_correct(0, "dog"),)),
    "correct --undo": WritingCommand(("correct", "--undo"), (_correct(0, "dog"), _correct(1, "sea"))),
    "corrections --export": WritingCommand(EXPORT, (_correct(0, "dog"), EXPORT, _correct(1, "sea"))),
    "refresh": WritingCommand(("refresh", *MODEL), (_correct(0, "dog"), ("refresh", *MODEL), _correct(1, "sea"))),
    "refresh --undo": WritingCommand(("refresh", "--undo", *MODEL), (_correct(0, "dog"), ("refresh", *MODEL)),
                                     again=("refresh", *MODEL)),
    "serve --new-key": WritingCommand(_key("two"), (_key("one"),), again=_key("three")),
}  # fmt: skip

LEFT_OVER = re.compile(r"(^|/)(\.?vectortag-[^/]*|[^/]*(\.tmp|-journal|-wal|-shm))$")


def state_of(folder: Path) -> State:
    """What the outputs and the user's data hold. The cache is left out."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    named = {file.relative_to(folder.parent).as_posix(): file for file in files}
    return {name: _content(file) for name, file in named.items() if "disk/home/cache/" not in name}


def left_over(folder: Path) -> list[str]:
    """Temporary files and folders."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [name for name in names if LEFT_OVER.search(name)]


def _content(file: Path) -> object:
    if file.suffix == ".sqlite" and (rows := _rows(file)) is not None:
        return rows
    if file.name == "keys":
        return re.sub(r"sha256:\w+", "sha256", file.read_text("utf-8"))  # every key is another
    return file.read_bytes()


def _rows(file: Path) -> list[tuple[object, ...]] | None:
    """The corrections, without their time and the photos' folder."""
    try:
        with sqlite3.connect(file) as database:
            rows = database.execute("SELECT said, photo, tag, has FROM corrections ORDER BY id").fetchall()
            return [(said, Path(photo).name, tag, has) for said, photo, tag, has in rows]
    except sqlite3.Error:
        return None
