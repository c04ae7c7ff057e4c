"""Every command that writes, with what was there before it: for tests that disturb it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from vectortag.apps.cli.app import COMMANDS as PROGRAM
from vectortag.apps.cli.app import app_with

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
        goes_on: whether `again` goes on with what was done, and ends as the undisturbed command does. Until then a
            library may be between the old and the new one.
        keeps: the end of the name of a file that stays after a disturbance, for the next run.
        uncompared: files that are not compared: logs, and what is measured anew each time.
        needs: a module without which the command does not run, and which takes long to import.
    """

    command: Arguments
    before: tuple[Arguments, ...] = ()
    again: Arguments | None = None
    wholes: tuple[str, ...] = ()
    goes_on: bool = False
    keeps: str = "-"
    uncompared: str = "-"
    needs: str = ""


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
EXPORT_MODEL = ("export", "in/model", "--output", "disk/out/model.onnx")
TAUGHT = "disk/out/taught"

PHOTOS, MOVED = "disk/photos", "disk/moved"
"""Copies of in/photos, for what is written beside photos and for a folder that moves."""
RESUMED = (*_tag("jsonl"), "--resume")
ADD = ("library", "add", PHOTOS, *MODEL)
SIDECARS = ("library", "write-xmp")
EMBEDDINGS = ("tag", "in/data", "--format", "parquet", "--embeddings", "--output", "disk/out/tags.parquet", *MODEL)
IMPORT = ("library", "import", "disk/out/tags.parquet", *MODEL)
LIBRARY_REMOVE = ("library", "remove", PHOTOS)
RELOCATE = ("library", "relocate", PHOTOS, MOVED)
TRAIN = ("train", "in/train.toml", "--output", "disk/out/runs", "--overwrite")
MINE = ("disk/home/models/mine", "disk/home/reports/mine")


def _library(*words: str) -> WritingCommand:
    return WritingCommand(("library", *words), (ADD,), goes_on=True)


def _search(*options: str) -> Arguments:
    return ("search", "dog or sea", *options)


def _lists(word: str) -> Arguments:
    return ("library", "lists", "--not", word)


def _doubted(count: str) -> Arguments:
    outputs = ("--export", "disk/out/doubted.csv", "--page", "disk/out/doubted.html")
    return ("check", "in/data", "--labels", "--folds", count, *outputs, *MODEL)


def _convert(*tables: str) -> Arguments:
    return ("convert", *tables, "--photos", "in/data", "--output", "disk/out/metadata.csv", "--overwrite")


COMMANDS: dict[str, WritingCommand] = {
    "tag, jsonl": WritingCommand(_tag("jsonl"), (_tag("jsonl", "--top-k", "1"),)),
    "tag, csv": WritingCommand(_tag("csv"), (_tag("csv", "--top-k", "1"),)),
    "tag, parquet": WritingCommand(_tag("parquet", "--overwrite"), (_tag("parquet", "--top-k", "1"),)),
    "explain, a map": WritingCommand(_map(), (_map("--opacity", "0.1"),)),
    "explain, maps": WritingCommand(_maps("in/photos"), (_maps("in/photos/0.png", "--opacity", "0.1"),)),
    "explain, numbers": WritingCommand(_numbers("in/photos"), (_numbers("in/photos/0.png"),)),
    "compare": WritingCommand(_compare(), (_compare("--opacity", "0.1"),)),
    "find": WritingCommand(_find(3), (_find(2),)),
    "evaluate": WritingCommand(_evaluate("precise"), (_evaluate("thorough"),)),
    "report": WritingCommand(("report", "in/model", "in/data", "--output", "disk/out/report")),
    "fit": WritingCommand(
        _fit("--overwrite"), (_fit("--top-k", "2"),), wholes=MINE
    ),
    "quantise": WritingCommand(QUANTISE, again=(*QUANTISE[:-1], "disk/out/faster2"), wholes=("disk/out/faster",)),
    "export": WritingCommand((*EXPORT_MODEL, "--maps"), (EXPORT_MODEL,)),
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
    "tag, resumed": WritingCommand(RESUMED, (_tag("jsonl", "--top-k", "1"),), keeps=".part"),
    "tag --write-xmp": WritingCommand(("tag", PHOTOS, "--write-xmp", "--output", "disk/out/tags.txt", *MODEL)),
    "find, jsonl": WritingCommand(
        ("find", "dog", "in/photos", "-f", "jsonl", "--output", "disk/out/found.jsonl", "--model", "in/worded")
    ),
    "convert": WritingCommand(_convert("in/land.csv", "in/water.csv"), (_convert("in/land.csv"),)),
    "prepare": WritingCommand(
        ("prepare", "in/data", "--output", "disk/out/shards", "--size", "32", "--shard", "4"), goes_on=True
    ),
    "check --export": WritingCommand(_doubted("3"), (_doubted("2"),)),
    "corrections --onto": WritingCommand(
        ("corrections", "--export", "disk/out/new.csv", "--onto", "in/data/metadata.csv"), (_correct(0, "dog"),),
        again=("corrections", "--export", "disk/out/new.csv", "--onto", "in/data/metadata.csv", "--overwrite"),
    ),
    "models --remove": WritingCommand(("models", "--remove", "mine"), (_fit(),), again=_fit("--overwrite"),
                                      wholes=MINE[:1]),
    "cache --clear": WritingCommand(("cache", "--clear"), (_find(2),)),
    "bench --remember": WritingCommand(
        ("bench", "in/photos", "--seconds", "0.1", "--remember", *MODEL)
    ),
    "train": WritingCommand(TRAIN, ((*TRAIN, "--set", "seed=2"),), wholes=("disk/out/runs/mine",),
                            uncompared=r"\.run/|MODEL_CARD|manifest",
                            needs="torch"),
    "library add": WritingCommand(ADD, goes_on=True),
    "library import": WritingCommand(IMPORT, (EMBEDDINGS, ADD), goes_on=True),
    "library update": _library("update", "--model", "in/worded"),
    "library accept": _library("accept", f"{PHOTOS}/0.png", "dog"),
    "library reject": _library("reject", f"{PHOTOS}/0.png", "boat"),
    "library rename": _library("rename", f"{PHOTOS}/0.png", "dog", "Rex"),
    "library lists": WritingCommand(_lists("beach"), (ADD, _lists("sea")), goes_on=True),
    "library remove": WritingCommand(LIBRARY_REMOVE, (ADD,), again=ADD),
    "library relocate": WritingCommand(RELOCATE, (ADD,), again=("library", "update", *MODEL)),
    "library write-xmp": WritingCommand((*SIDECARS, "--parent", "auto"), (ADD, SIDECARS), goes_on=True),
    "library forget": WritingCommand(("library", "forget", PHOTOS), (ADD, SIDECARS), goes_on=True),
    "search, pages": WritingCommand(
        _search("--html", "disk/out/found.html", "--format", "csv", "--output", "disk/out/found.csv"),
        (ADD, _search("--html", "disk/out/found.html", "--top", "1")),
    ),
    "search --links": WritingCommand(_search("--links", "disk/out/links"), (ADD,)),
}  # fmt: skip
"""Each command that writes, by a name that begins with the command's, and each of its outputs."""

READING = {
    "duplicates": "shows what the library has",
    "inspect": "shows what a model has",
    "library status": "shows what the library has",
    "stats": "shows what the library has",
    "suggest": "shows photos; what it computes goes to the cache",
    "tags": "shows what a model has",
    "ui": "runs until it is ended; tests/apps/ui writes through it what add-tag and correct write",
}
"""Commands that write nothing of a user's, and why."""

WRITING_OPTIONS = {
    *("--clear", "--export", "--html", "--links", "--new-key", "--output", "--page", "--remember", "--remove"),
    *("--resume", "--undo", "--weights", "--write-xmp"),
}
"""Options that make a command write, or write something else."""

ELSEWHERE = {
    ("export", "--weights"): "needs a network of timm's: tests/train/test_export_weights.py",
    ("train", "--resume"): "tests/train/test_engine.py kills trainings and resumes them",
}
"""Options of those that have tests of their own."""


def all_commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words of each command of the program, such as ("library", "add"), and the command as click has it."""
    program: Any = typer.main.get_command(app_with(PROGRAM))
    for name, command in program.commands.items():
        if hasattr(command, "commands"):
            yield from (((name, inner), one) for inner, one in command.commands.items())
        else:
            yield (name,), command


LEFT_OVER = re.compile(r"(^|/)(\.?vectortag-[^/]*|[^/]*(\.tmp|\.part|-journal|-wal|-shm))$")


def state_of(folder: Path, command: WritingCommand) -> State:
    """What the outputs and the user's data hold. Of the cache, it counts only whether there is anything."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    named = {file.relative_to(folder.parent).as_posix(): file for file in files}
    kept = {
        name: _content(file)
        for name, file in named.items()
        if "disk/home/cache/" not in name and not re.search(command.uncompared, name)
    }
    return kept | ({"cache": any("disk/home/cache/" in name for name in named)} if "--clear" in command.command else {})


def left_over(folder: Path, keeps: str = "-") -> list[str]:
    """Temporary files and folders, without those whose name ends in `keeps`."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [name for name in names if LEFT_OVER.search(name) and not name.endswith(keeps)]


def _content(file: Path) -> object:
    if file.suffix == ".sqlite" and (rows := _rows(file)) is not None:
        return rows
    if file.name == "bench.json":
        return re.sub(r'"(runtime|precision)": "\w+"', "", file.read_text("utf-8"))  # what was the fastest just now
    if file.suffix == ".lock":
        return "lock"  # the number of the process that held it last
    if file.name == "keys":
        return re.sub(r"sha256:\w+", "sha256", file.read_text("utf-8"))  # every key is another
    if file.suffix == ".xmp":
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:+]+", "date", file.read_text("utf-8"))
    return file.read_bytes()


ROWS = (
    "SELECT said, photo, tag, has FROM corrections ORDER BY id",
    "SELECT path, size, content, taken, width, height, rating, error, gone IS NULL FROM photos ORDER BY path",
    "SELECT DISTINCT content, codes, embedding FROM analyses ORDER BY content, codes",
    "SELECT tag, content, round(score, 4) FROM shown ORDER BY tag, content",
    "SELECT content, tag, verdict, renamed_to FROM decisions ORDER BY content, tag",
    "SELECT sidecar FROM written ORDER BY sidecar",
    "SELECT key, value FROM settings ORDER BY key",
    "SELECT path, state FROM roots ORDER BY path",
    "SELECT name, digest FROM models ORDER BY name",
)
"""What corrections and libraries hold, without times, and numbers that depend on the order of work."""


def _rows(file: Path) -> list[object] | None:
    """The rows of a database; None if it is none."""
    found: list[object] = []
    with closing(sqlite3.connect(file)) as database:
        for query in ROWS:
            try:
                found.append(database.execute(query).fetchall())
            except sqlite3.Error:  # the table of another kind of database
                found.append(None)
    return found if any(rows is not None for rows in found) else None
