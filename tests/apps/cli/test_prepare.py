"""vectortag prepare"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def test_it_prints_the_folder_and_says_what_is_in_it(cli: Cli, make_data_set: Callable[..., Path], tmp_path: Path):
    data = make_data_set({"1.jpg": "dog", "2.jpg": "sea", "3.jpg": "sea"})
    (data / "2.jpg").write_text("no photo")

    outcome = cli("prepare", data, "-o", tmp_path / "shards", "--size", 32, "--shard", 2)

    assert (outcome.status, outcome.stdout) == (0, f"{tmp_path / 'shards'}\n")
    assert "left out: metadata.csv:3:" in outcome.stderr
    assert "2 photos in 2 shards, 0.0 MB, 1 left out" in outcome.stderr


def test_other_commands_read_shards(cli: Cli, make_data_set: Callable[..., Path], tiny_model: Path, tmp_path: Path):
    data = make_data_set({f"{number}.png": "dog" if number % 2 else "sea" for number in range(6)})
    cli("prepare", data, "-o", tmp_path / "shards", "--size", 32, "--lossless")

    checked = cli("check", tmp_path / "shards")
    figures = [cli("evaluate", tiny_model, place, "--split", "all") for place in (data, tmp_path / "shards")]

    assert checked.status == 0, checked.stderr
    assert "set photos, 6 rows" in checked.stdout
    assert [one.status for one in figures] == [0, 0], figures
    assert figures[0].stdout == figures[1].stdout.replace("shards", "photos")


def test_shards_are_not_replaced_without_being_asked(cli: Cli, make_data_set: Callable[..., Path], tmp_path: Path):
    data = make_data_set({"1.jpg": "dog"})
    cli("prepare", data, "-o", tmp_path / "shards")

    outcome = cli("prepare", data, "-o", tmp_path / "shards")

    assert outcome.status == 2
    assert "holds complete shards" in outcome.stderr
    assert cli("prepare", data, "-o", tmp_path / "shards", "--overwrite").status == 0


def test_what_shows_the_photos_refuses_shards(
    cli: Cli, make_data_set: Callable[..., Path], tiny_model: Path, tmp_path: Path
):
    data = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
    cli("prepare", data, "-o", tmp_path / "shards")

    outcome = cli("suggest", "dog", tmp_path / "shards", "--model", tiny_model)

    assert outcome.status == 1
    assert "vectortag suggest needs the photos, not shards of them. Give their metadata.csv" in outcome.stderr
