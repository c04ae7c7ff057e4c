"""Tags with long names, in any script and of emoji, in every command that shows, draws or keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

NAMES = ("漢" * 40, "🐶" * 40, "🐱" * 40, "👨‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 4, "می‌خواهم", "x" * 200)


@pytest.fixture
def model(write_tiny_model, tiny_fields: Mapping[str, Any], tmp_path: Path) -> Path:
    """The tiny model with other names for its tags."""
    return write_tiny_model(tmp_path / "model", tags=NAMES, taxonomy={}).path


@pytest.fixture
def photo(make_photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_photo("sea.png")


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_tag_shows_them(cli: Cli, model: Path, photo: Path, form: str):
    outcome = cli("tag", photo, "--all-scores", "-f", form, "--model", model)

    assert outcome.status == 0
    if form == "jsonl":
        assert [one["tag"] for one in json.loads(outcome.stdout)["tags"]] == list(NAMES)


def test_each_heat_map_is_a_file_of_its_own(cli: Cli, model: Path, photo: Path):
    tags = [part for name in NAMES for part in ("--tag", name)]

    outcome = cli("explain", photo, *tags, "--output", "maps", "--model", model)

    assert (outcome.status, outcome.stderr.count("error")) == (0, 0)
    assert len(list(Path("maps").iterdir())) == len(NAMES)


@pytest.mark.parametrize("name", ["犬" * 40, "🦓" * 40, "👨‍👩‍👧"])
def test_such_a_tag_can_be_added_listed_corrected_and_removed(
    cli: Cli, model: Path, make_photo, photo: Path, name: str
):
    shown = [make_photo(f"shown/{seed}.png", seed=seed) for seed in range(3)]

    assert cli("add-tag", name, *shown, "--model", model).status == 0
    assert [one["tag"] for one in json.loads(cli("tags", model, "--added", "--json").stdout)] == [name]
    assert cli("correct", photo, "--yes", name, "--model", model).status == 0
    assert cli("refresh", "--model", model).status == 0
    assert cli("remove-tag", name, "--model", model).status == 0


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\nb\u2028c\x07", "a\u202eb"])
def test_control_characters_are_no_part_of_a_name(cli: Cli, model: Path, make_photo, name: str):
    shown = [make_photo(f"shown/{seed}.png", seed=seed) for seed in range(3)]

    outcome = cli("add-tag", name, *shown, "--model", model)

    assert outcome.status == 0 or "a tag's name has 1 to 60 characters" in outcome.stderr
    listed = json.loads(cli("tags", model, "--added", "--json").stdout)
    assert all(one["tag"].isprintable() for one in listed)
