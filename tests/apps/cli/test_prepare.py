"""vectortag prepare"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import s3

from vectortag.data import object_store

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


def test_suggestions_from_shards_are_those_from_the_folder(
    cli: Cli, make_data_set: Callable[..., Path], tiny_model: Path, tmp_path: Path
):
    data = make_data_set({f"in/{number}.png": "dog" if number % 2 else "sea" for number in range(8)})
    cli("prepare", data, "-o", tmp_path / "shards", "--size", 32, "--lossless", "--shard", 3)

    of_folder, of_shards = (
        cli("suggest", "dog", place, "--model", tiny_model, "--json") for place in (data, tmp_path / "shards")
    )

    assert (of_folder.status, of_shards.status) == (0, 0), of_shards.stderr
    assert json.loads(of_folder.stdout)["check"]
    assert of_shards.stdout.replace(str(tmp_path / "shards"), str(data)) == of_folder.stdout
    (tmp_path / "shards/index.json").rename(tmp_path / "shards/plan.json")
    broken = cli("suggest", "dog", tmp_path / "shards", "--model", tiny_model)
    assert broken.status == 1
    assert "They are not complete: go on with the same vectortag prepare" in broken.stderr


def test_what_finds_captions_by_the_paths_of_photos_refuses_shards(
    cli: Cli, make_data_set: Callable[..., Path], tiny_model: Path, tmp_path: Path
):
    data = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
    cli("prepare", data, "-o", tmp_path / "shards")

    outcome = cli("learn-words", tiny_model, tmp_path / "shards", "--keep-words")

    assert outcome.status == 1
    assert (
        "shards: vectortag learn-words needs the photos, not shards of them. "
        "Give the metadata.csv from which the shards were made"
    ) in outcome.stderr


def test_copies_in_other_sizes_are_kept(cli: Cli, make_data_set: Callable[..., Path], tmp_path: Path):
    data = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})

    outcome = cli("prepare", data, "-o", tmp_path / "shards", "--size", 64, "--also", 32, "--also", 48)

    assert outcome.status == 0, outcome.stderr
    (row, *_) = (tmp_path / "shards/photos-00000.jsonl").read_text().splitlines()[1:]
    assert [copy["side"] for copy in json.loads(row)["copies"]] == [32, 48]


def test_an_output_in_a_bucket_without_pyarrow_or_server_is_an_error(
    cli: Cli, make_data_set: Callable[..., Path], need: Callable[[object, str], None], monkeypatch: Any
):
    need(importlib.util.find_spec("pyarrow"), "pyarrow")
    monkeypatch.setattr(object_store, "FIRST_WAIT", 0.01)
    for name, value in (s3.ENVIRONMENT | {"AWS_ENDPOINT_URL": f"http://{s3.HOST}:{s3.free_port()}"}).items():
        monkeypatch.setenv(name, value)
    object_store.open_store.cache_clear()

    outcome = cli("prepare", make_data_set({"1.jpg": "dog"}), "-o", "s3://bucket/shards")

    object_store.open_store.cache_clear()
    assert outcome.status == 1
    assert "s3://bucket/shards: cannot be read: " in outcome.stderr
