"""Every command that shows tags shows them in the user's language, and understands them in it."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from vectortag.apps.cli.app import COMMANDS
from vectortag.library.library import Library

Cli = Callable[..., Any]

STAY_ENGLISH = {
    "library add": "shows no tags",
    "library update": "shows no tags",
    "library import": "shows no tags",
    "library status": "shows no tags",
    "library remove": "shows no tags",
    "library relocate": "shows no tags",
    "library forget": "shows no tags",
    "duplicates": "shows no tags",
    "remove-tag": "shows only the name that the person gave the tag",
    "models": "shows no tags",
    "cache": "shows no tags",
    "bench": "shows no tags",
    "evaluate": "figures of a data set, whose labels are English",
    "report": "figures of a data set, whose labels are English",
    "train": "figures of a data set, whose labels are English",
    "fit": "figures of a data set, whose labels are English",
    "quantise": "figures of a data set, whose labels are English",
    "learn-words": "sentences and captions are English",
    "check": "what is wrong with the labels of a data set, as they stand there",
    "convert": "the labels of a data set, which stay as they are",
    "export": "the file keeps the English names, which programs read",
    "prepare": "the labels of a data set, which stay as they are",
    "ui": "has a choice of its own, which begins with the browser's",
    "serve": "each request says its language",
}
ENGLISH = re.compile(r"\b(animal|beach|dog|boat|vehicle)\b")
"""The tiny model's tags that have a German name; of "sea", the shipped tag is "ocean"."""


def commands() -> dict[str, Callable[..., int]]:
    """All commands by name, those of `library` included."""
    found: dict[str, Callable[..., int]] = {}
    for name, module in COMMANDS.items():
        command = getattr(importlib.import_module(f"vectortag.apps.cli.{module}"), name.replace("-", "_"))
        if isinstance(command, typer.Typer):
            found |= {f"{name} {one.name}": one.callback for one in command.registered_commands}
        else:
            found[name] = command
    return found


def test_every_command_has_a_language_or_a_reason_not_to():
    with_language = {name for name, one in commands().items() if "language" in inspect.signature(one).parameters}

    assert with_language.isdisjoint(STAY_ENGLISH)
    assert with_language | STAY_ENGLISH.keys() == commands().keys()


@pytest.fixture(autouse=True)
def _german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VECTORTAG_LANGUAGE", "de")


@pytest.fixture
def photo(make_photo: Callable[..., Path]) -> Path:
    return make_photo("photos/one.png", seed=1)


@pytest.fixture
def library(photo: Path, tiny_model: Path) -> None:
    """The user's library, of one photo."""
    with Library.open() as opened:
        opened.add(photo.parent)
        opened.update(model=tiny_model)


def shows(text: str, *names: str) -> None:
    """German names, and no English one."""
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []
    assert ENGLISH.findall(text) == []


@pytest.mark.parametrize("command", ["tags", "inspect"])
def test_the_tags_of_a_model(cli: Cli, tiny_model: Path, command: str):
    outcome = cli(command, tiny_model)

    assert outcome.status == 0
    shows(outcome.stdout.split("tag ", 1)[1], "Tier", "Strand", "Hund", "Boot", "Fahrzeug")


def test_programs_get_both_names(cli: Cli, tiny_model: Path, photo: Path):
    rows = json.loads(cli("tags", tiny_model, "--json").stdout)
    tagged = json.loads(cli("tag", photo, "--model", tiny_model, "--format", "jsonl", "--threshold", 0).stdout)

    assert {(row["tag"], row["name"]) for row in rows} >= {("dog", "Hund"), ("sea", "sea")}
    assert {(one["tag"], one["name"]) for one in tagged["tags"]} >= {("vehicle", "Fahrzeug")}


def test_corrections(cli: Cli, tiny_model: Path, photo: Path):
    recorded = cli("correct", photo, "--yes", "Hund", "--no", "strand", "--model", tiny_model)
    refreshed = cli("refresh", "--model", tiny_model)
    listed = cli("corrections")
    as_json = json.loads(cli("corrections", "--json").stdout)

    shows(recorded.stdout, "Hund", "no Strand")
    shows(refreshed.stdout, "Hund", "Strand")
    shows(listed.stdout, "Hund", "no Strand")
    assert [(one["tag"], one["name"]) for one in as_json] == [("beach", "Strand"), ("dog", "Hund")]
    shows(cli("correct", "--undo").stdout, "Hund")


def test_suggestions_comparisons_and_a_parent(cli: Cli, tiny_model: Path, photo: Path, tmp_path: Path, photos_12):
    suggested = cli("suggest", "Hund", photo.parent, "--model", tiny_model)
    compared = cli("compare", photo, "--tag", "Hund", "--model", tiny_model, "--output", tmp_path / "maps.png")
    added = cli("add-tag", "our boat", *photos_12[:4], "--parent", "Boot", "--model", tiny_model)

    shows(suggested.stdout + suggested.stderr, "Hund")
    shows(compared.stdout, "Hund")
    assert "implies Boot, Fahrzeug" in added.stdout


def test_the_library(cli: Cli, library: None, photo: Path):
    accepted = cli("library", "accept", photo, "Hund")
    rejected = cli("library", "reject", photo, "Strand")
    found = cli("search", "Hund", "ohne", "Strand")
    counted = cli("stats")

    shows(accepted.stdout + rejected.stdout, "Hund", "no Strand")
    assert found.stdout.count("one.png") == 1
    shows(found.stdout + found.stderr, "Hund", "Strand")
    shows(counted.stdout, "Hund", "Tier", "Fahrzeug")
    assert cli("search", "Strand").stdout.count("one.png") == 0
    shows(cli("library", "rename", photo, "Hund", "Rex").stdout, "Hund", "Rex")


def test_the_lists_keep_the_language_and_sidecars_have_the_path(
    cli: Cli, library: None, photo: Path, monkeypatch: pytest.MonkeyPatch
):
    cli("library", "accept", photo, "Hund")
    lists = cli("library", "lists", "--not", "Fahrzeug")
    monkeypatch.delenv("VECTORTAG_LANGUAGE")
    found, written = cli("search", "Hund"), cli("library", "write-xmp")
    sidecar = photo.with_name("one.png.xmp").read_text("utf-8")

    shows(lists.stdout, "not: Fahrzeug", "language: Deutsch")
    assert found.stdout.count("one.png") == 1
    assert written.status == 0
    assert "<rdf:li>Tier|Hund</rdf:li>" in sidecar
    assert "<rdf:li>Hund</rdf:li>" in sidecar
    assert not re.search(r"<rdf:li>(.*\|)?(animal|dog|vehicle)</rdf:li>", sidecar)


def test_sidecars_without_a_library(cli: Cli, tiny_model: Path, photo: Path):
    cli("correct", photo, "--yes", "Hund", "--model", tiny_model)

    assert cli("tag", photo, "--model", tiny_model, "--write-xmp", "--not", "Fahrzeug").status == 0
    assert "<rdf:li>Tier|Hund</rdf:li>" in photo.with_name("one.png.xmp").read_text("utf-8")


def test_a_language_that_there_is_not_is_wrong_usage(cli: Cli, tiny_model: Path):
    assert cli("tags", tiny_model, "--language", "xx").status == 2
