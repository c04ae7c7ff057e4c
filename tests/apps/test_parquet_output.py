"""Taggings as Parquet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.apps.parquet_output import schema_of
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def photos(make_photo: Callable[..., Path], tmp_path: Path) -> list[Path]:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    return [*(make_photo(f"{n}.jpg", seed=n) for n in range(6)), tmp_path / "broken.jpg"]


@pytest.fixture
def parquet(cli, photos, tiny_model: Path, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """parquet("--top-k", 2): the rows that `vectortag tag` writes."""

    def rows(*options: object) -> list[dict[str, Any]]:
        output = tmp_path / "tags.parquet"
        found = cli("tag", *photos, "--model", tiny_model, "-f", "parquet", "-o", output, "--overwrite", *options)
        assert found.status == 1, found.stderr
        return pq.read_table(output).to_pylist()

    return rows


@pytest.mark.parametrize("options", [(), ("--threshold", 0.99), ("--all-scores",), ("--language", "de")])
def test_its_values_are_those_of_json_lines(parquet, cli, photos, tiny_model: Path, options: tuple[object, ...]):
    lines = cli("tag", *photos, "--model", tiny_model, "--format", "jsonl", *options).stdout.splitlines()

    for row, line in zip(parquet(*options), map(json.loads, lines), strict=True):
        assert {key: value for key, value in row.items() if value not in (None, [])} == {
            key: value for key, value in line.items() if value != []
        }
        assert ("tags" in line) == (row["error"] is None)


def test_a_failed_photo_is_a_row_with_an_error_and_nothing_else(parquet, photos):
    *_, row = parquet()

    assert row.pop("path") == str(photos[-1])
    error = row.pop("error")
    assert error["type"] == "PhotoError"
    assert error["message"].startswith(f"{photos[-1]}: not a photo in a known format")
    assert set(row.values()) == {None}


def test_embeddings_and_hashes_are_those_of_the_photos(parquet, photos, tagger: Tagger):
    *rows, failed = parquet("--embeddings")

    for photo, row in zip(photos, rows, strict=False):
        assert row["content"] == hashlib.blake2b(photo.read_bytes(), digest_size=16).digest()
        expected = tagger.embedder.feature_map(photo).mean(axis=(1, 2))
        np.testing.assert_allclose(np.float32(row["embedding"]), expected, atol=1e-5)
    assert failed["embedding"] is None


def test_the_columns_are_the_documented_ones():
    names = ["path", "model", "runtime", "precision", "size", "tags", "implied", "guesses", "error"]

    assert schema_of().names == names
    assert schema_of(width=8).names == [*names, "content", "embedding"]
    assert schema_of(Language.load("de")).field("tags").type.value_type.names == ["tag", "score", "threshold", "name"]


def test_an_older_file_is_replaced_only_where_that_is_said(cli, photos, tiny_model: Path, tmp_path: Path):
    output = tmp_path / "mine.parquet"
    output.write_bytes(b"PAR1 with my photos")

    found = cli("tag", photos[0], "--model", tiny_model, "--format", "parquet", "--output", output)

    assert found.status == 2
    assert "--overwrite" in found.stderr
    assert output.read_bytes() == b"PAR1 with my photos"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--format", "parquet"), "--format parquet needs --output"),
        (("--format", "jsonl", "--embeddings"), "--embeddings needs --format parquet"),
    ],
)
def test_options_that_do_not_go_together_are_refused(cli, photos, options: tuple[str, ...], expected: str):
    found = cli("tag", photos[0], *options)

    assert found.status == 2
    assert expected in found.stderr
