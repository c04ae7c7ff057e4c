"""Options of `vectortag tag` alone: which go together, and which model they load."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.tag_options import Loading, format_of
from vectortag.model.folder import ModelFolder

Cli = Callable[..., Any]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (None, "table"),
        ("tags.jsonl", "jsonl"),
        ("tags.CSV", "csv"),
        ("s3://bucket/tags.parquet", "parquet"),
        ("tags.txt", "table"),
        ("jsonl", "table"),
        ("csv.table", "table"),
    ],
)
def test_the_ending_of_an_output_says_its_format(output: str | None, expected: str):
    assert format_of(output) == expected


def test_a_format_that_is_given_wins_over_the_ending(tag: Cli, photos: list[Path], tmp_path: Path):
    assert tag(photos[0], "--output", tmp_path / "tags.csv", "--format", "jsonl").status == 0

    assert (tmp_path / "tags.csv").read_text("utf-8").startswith('{"path": ')


def test_it_needs_a_file_of_json_lines(cli: Cli, photos: Path, tiny_model: Path):
    assert (
        "--resume needs --output FILE.jsonl, or --format jsonl and --output FILE"
        in cli("tag", photos, "--resume").stderr
    )


@pytest.mark.parametrize("option", ["--dry-run", "--embed"])
def test_options_of_sidecars_alone_are_wrong(cli: Cli, photo_folder: Path, tiny_model: Path, option: str):
    done = cli("tag", photo_folder, option, "-m", tiny_model)

    assert done.status == 2
    assert "go with --write-xmp" in done.stderr


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--embeddings"], "--embeddings needs --format parquet"),
        (["--embeddings", "--output", "tags.csv"], "--embeddings needs --format parquet"),
        (["--format", "parquet"], "--format parquet needs --output FILE"),
        (["--resume", "--output", "tags.csv"], "--resume needs --output FILE.jsonl"),
    ],
)
def test_what_a_format_cannot_do_is_refused_before_any_work(
    tag: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], problem: str
):
    monkeypatch.chdir(tmp_path)

    done = tag("gone.jpg", *options)

    assert (done.status, done.stdout) == (2, "")
    assert problem in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_its_package_says_what_to_install(tag: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed

    done = tag("gone.jpg", "--output", tmp_path / "tags.parquet")

    assert done.status == 2
    assert "pip install 'vectortag[" in done.stderr
    assert list(tmp_path.iterdir()) == []


class TestLoading:
    def test_the_profile_chooses_the_size_unless_one_is_given(self, two_sizes: ModelFolder):
        def size(**options: Any) -> int:
            return Loading(model=str(two_sizes.path), **options).tagger().embedder.size

        assert size() == 32
        assert size(profile="thorough") == 64
        assert size(profile="thorough", size=32) == 32

    def test_without_additions_only_the_models_own_tags_are_there(
        self, tagger: Any, photos_12: list[Path], tiny_model: Path
    ):
        tagger.add_tag("pet", photos_12[:4])

        assert "pet" in Loading(model=str(tiny_model)).tagger().tags
        assert "pet" not in Loading(model=str(tiny_model), additions=False).tagger().tags
