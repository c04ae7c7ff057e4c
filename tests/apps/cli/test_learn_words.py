"""vectortag learn-words"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.inference.tagger import Tagger
from vectortag.model.folder import read_model_folder
from vectortag.model.words import text_model

Cli = Callable[..., Any]


def test_words_are_learnt_and_nothing_else_changes(
    worded: Path, things: tuple[str, ...], tiny_model: Path, thirty_photos: list[Path]
) -> None:
    before, after = Tagger.load(tiny_model), Tagger.load(worded)

    known = set(after.folder.words.known)
    assert known
    assert known <= set(things)
    assert after.folder.manifest.files.keys() - before.folder.manifest.files.keys() == {"words.safetensors"}
    for old, new in zip(before.tag_many(thirty_photos[:5]), after.tag_many(thirty_photos[:5]), strict=True):
        assert old.scores == new.scores


@pytest.mark.parametrize(
    ("content", "problem"),
    [("image_path,text\n", "no column 'caption', only image_path, text"), ("image_path,caption\n", "no caption")],
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
