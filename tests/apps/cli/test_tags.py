"""vectortag tags, add-tag, remove-tag"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vectortag.inference.tagger import Tagger
from vectortag.model.registry import DEFAULT_MODEL

Cli = Callable[..., Any]


@pytest.fixture
def red(tmp_path: Path) -> Path:
    """A folder with six red photos."""
    folder = tmp_path / "red"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (40, 30), (200 + 8 * number, 10, number)).save(folder / f"{number}.png")
    return folder


def test_a_tag_is_added_listed_used_and_removed(cli: Cli, tiny_model: Path, red: Path) -> None:
    added = cli("add-tag", "Red  Door", red, "--parent", "ship", "--model", tiny_model)
    assert added.status == 0
    assert added.stdout.startswith("red door: added to tiny@")
    assert added.stdout.endswith("from 6 photos, implies boat, vehicle\n")

    assert cli("tags", tiny_model, "--added").stdout.split("\n")[1].split() == [
        "red", "door", "you", "6", "boat,", "vehicle", *cli("tags", tiny_model, "--added").stdout.split()[-1:],
    ]  # fmt: skip
    line = json.loads(cli("tag", red / "0.png", "--model", tiny_model, "--all-scores", "--format", "jsonl").stdout)
    assert [scored["tag"] for scored in line["tags"]][-2:] == ["vehicle", "red door"]
    line = json.loads(
        cli("tag", red / "0.png", "--model", tiny_model, "--all-scores", "--format", "jsonl", "--no-additions").stdout
    )
    assert line["tags"][-1]["tag"] == "vehicle"
    assert cli("explain", red / "0.png", "--tag", "red door", "-o", red / "map.png", "--model", tiny_model).status == 0

    removed = cli("remove-tag", "red door", "--model", tiny_model)
    assert (removed.status, removed.stdout.split(" from ")[0]) == (0, "red door: removed")
    assert json.loads(cli("tags", tiny_model, "--added", "--json").stdout) == []


def test_all_tags_as_json(cli: Cli, tiny_model: Path, red: Path) -> None:
    cli("add-tag", "red", red, "--model", tiny_model)

    rows = json.loads(cli("tags", tiny_model, "--json").stdout)

    assert [row["tag"] for row in rows] == [*Tagger.load(tiny_model, additions=False).tags, "red"]
    assert [row["added"] for row in rows] == [False] * 6 + [True]
    assert [row.get("taught_by") for row in rows] == ["photos"] * 6 + [None]
    assert rows[-1]["examples"] == 6


def test_the_table_says_what_taught_each_tag(cli: Cli, write_tiny_model: Any, with_untaught, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model", **with_untaught).path

    rows = [line.split() for line in cli("tags", model).stdout.splitlines()]

    assert rows[1:] == [
        ["animal", "children"], ["beach", "photos"], ["dog", "photos"], ["sea", "photos"],
        ["boat", "pretraining"], ["vehicle", "pretraining"],
    ]  # fmt: skip


def test_implied_parents_stand_in_the_output(cli: Cli, tiny_model: Path, red: Path) -> None:
    cli("add-tag", "red", red, "--parent", "sea", "--model", tiny_model)  # the model itself never predicts "sea"
    threshold = json.loads(cli("tags", tiny_model, "--added", "--json").stdout)[0]["thresholds"]["balanced"]

    line = json.loads(cli("tag", red / "0.png", "--model", tiny_model, "--format", "jsonl").stdout)

    found = {scored["tag"]: scored["score"] for scored in line["tags"]}
    assert found["red"] >= threshold - 1e-4
    assert line["implied"] == ["sea"]
    assert [scored["threshold"] for scored in line["tags"] if scored["tag"] == "sea"] == [None]
    assert re.search(r"^  sea .* [01]\.\d\d  implied$", cli("tag", red / "0.png", "--model", tiny_model).stdout, re.M)


def test_copies_are_mentioned_and_count_once(cli: Cli, tiny_model: Path, red: Path) -> None:
    (red / "copy.png").write_bytes((red / "0.png").read_bytes())

    outcome = cli("add-tag", "red", red, "--model", tiny_model)

    assert "1 of the 7 photos are copies of others and count once" in outcome.stderr
    assert "from 6 photos" in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["add-tag", "dog", "RED"], 'the tag "dog" exists already'),
        (["add-tag", "red", "RED/0.png", "RED/1.png"], "at least 3 different example photos, got 2"),
        (["add-tag", "red", "RED", "--not", "RED/3.png"], "3.png: given both as having the tag"),
        (["add-tag", "red", "RED/gone"], "no such file or folder"),
        (["remove-tag", "red"], '"red" was not added to tiny@'),
    ],
)
def test_what_cannot_be_done_is_said(cli: Cli, tiny_model: Path, red: Path, arguments: list[str], problem: str) -> None:
    outcome = cli(*(argument.replace("RED", str(red)) for argument in arguments), "--model", tiny_model)

    assert outcome.status == 1
    assert problem in outcome.stderr
    assert outcome.stdout == ""
    assert json.loads(cli("tags", tiny_model, "--added", "--json").stdout) == []


def test_a_tag_from_a_noun_is_added_without_any_runtime() -> None:
    code = (
        "import sys; from vectortag.apps.cli.app import run; status = run(['add-tag', 'lantern', '--from-words']); "
        "sys.exit(status or 10 * len({'openvino', 'onnxruntime'} & sys.modules.keys()))"
    )

    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(f"lantern: added to {DEFAULT_MODEL}@")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(["cat"], "--from-words"), (["cat", "x.jpg", "--description", "an animal"], "--description needs --from-words")],
)
def test_a_tag_needs_photos_or_words(cli: Cli, tiny_model: Path, arguments: list[str], problem: str) -> None:
    refused = cli("add-tag", *arguments, "--model", tiny_model)

    assert refused.status == 2
    assert problem in refused.stderr


def test_a_name_alone_needs_a_model_that_knows_words(cli: Cli, tiny_model: Path) -> None:
    refused = cli("add-tag", "cat", "--from-words", "--model", tiny_model)

    assert refused.status == 2
    assert "knows no words. Teach it: vectortag learn-words tiny" in refused.stderr
