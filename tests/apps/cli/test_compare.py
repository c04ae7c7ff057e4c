"""vectortag compare"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vectortag.inference.heatmap_drawing import sharpness
from vectortag.inference.image_grid import draw_comparison
from vectortag.inference.tagger import Tagger

Cli = Callable[..., Any]


@pytest.fixture
def photo(make_photo: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo; the test runs in its folder."""
    monkeypatch.chdir(tmp_path)
    return make_photo("beach.jpg", seed=1)


@pytest.fixture
def small(write_tiny_model: Callable[..., Any], tiny_fields, tmp_path: Path) -> Path:
    """Another model: the tiny one, without "dog" and with other scores."""
    (point,) = tiny_fields["operating_points"]
    tags = ("animal", "beach", "wolf", "sea", "boat", "vehicle")
    changed = {**point, "slope": [1.0] * 6, "bias": [0.0] * 6}
    return write_tiny_model(tmp_path / "small", name="small", tags=tags, operating_points=[changed]).path


def rows(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


def test_the_picture_has_a_row_a_tag_and_a_column_a_model(cli: Cli, photo: Path, tiny_model: Path, small: Path):
    outcome = cli(
        *("compare", photo, "--tag", "beach", "--tag", "sea", "--model", tiny_model, "--model", small),
        *("--output", "out.png", "--opacity", 0.7),
    )

    assert (outcome.status, outcome.stderr) == (0, "")
    taggers = {"tiny": Tagger.load(tiny_model), "small": Tagger.load(small)}
    expected = [[(name, tagger.explain(photo, tag)) for name, tagger in taggers.items()] for tag in ("beach", "sea")]
    with Image.open(photo) as image, Image.open("out.png") as picture:
        assert picture.format == "PNG"
        drawn = np.asarray(draw_comparison(image, expected, opacity=0.7), int)
        np.testing.assert_allclose(np.asarray(picture, int), drawn, atol=1)  # the last digit of a map may differ


def test_a_table_gives_scores_and_sharpness(cli: Cli, photo: Path, tiny_model: Path, small: Path):
    outcome = cli("compare", photo, "-t", "beach", "-t", "sea", "-m", tiny_model, "-m", small, "-o", "out.png")

    heading, *lines = rows(outcome.stdout)
    assert heading == ["tag", "model", "score", "sharpness", "seen", "as"]
    expected = []
    for tag in ("beach", "sea"):
        for name, model in (("tiny", tiny_model), ("small", small)):
            heatmap = Tagger.load(model).explain(photo, tag)
            expected.append([tag, name, f"{heatmap.score:.2f}", f"{sharpness(heatmap):.2f}"])
    assert lines == expected
    assert len({score for _, _, score, _ in lines}) > 1


def test_coarse_maps_are_less_sharp_or_sharper_but_of_the_same_score(cli: Cli, photo: Path, tiny_model: Path):
    fine, coarse = (
        rows(cli("compare", photo, "-t", "beach", "-m", tiny_model, "-o", "out.png", *option).stdout)[1]
        for option in ((), ("--coarse",))
    )

    heatmap = Tagger.load(tiny_model).explain(photo, "beach", fine=False)
    assert coarse == ["beach", "tiny", f"{heatmap.score:.2f}", f"{sharpness(heatmap):.2f}"]
    assert fine[:3] == coarse[:3]
    assert fine[3] != coarse[3]


def test_a_parent_is_seen_as_its_child(cli: Cli, photo: Path, tiny_model: Path):
    outcome = cli("compare", photo, "--tag", "animal", "--model", tiny_model, "--output", "out.png")

    assert rows(outcome.stdout)[1][-1] == "dog"


def test_models_of_one_name_are_told_apart_by_their_digests(
    cli: Cli, photo: Path, tiny_model: Path, write_tiny_model: Callable[..., Any], tmp_path: Path
):
    other = write_tiny_model(tmp_path / "other", provenance={"seed": 2})
    models = ("--model", tiny_model, "--model", other.path)

    outcome = cli("compare", photo, "--tag", "sea", *models, "--output", "out.png")

    assert [row[1] for row in rows(outcome.stdout)[1:]] == [Tagger.load(tiny_model).folder.id, other.id]


def test_a_model_that_lacks_the_tag_is_wrong_usage_and_nothing_is_written(
    cli: Cli, photo: Path, tiny_model: Path, small: Path
):
    outcome = cli("compare", photo, "-t", "sea", "-t", "dog", "-m", tiny_model, "-m", small, "-o", "out.png")

    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr == 'error: model "small": no tag "dog". All tags: vectortag inspect small\n'
    assert not Path("out.png").exists()


@pytest.mark.parametrize("missing", ["--tag", "--model", "--output"])
def test_tag_model_and_output_must_be_given(cli: Cli, photo: Path, tiny_model: Path, missing: str):
    options = {"--tag": "sea", "--model": tiny_model, "--output": "out.png"}
    del options[missing]

    outcome = cli("compare", photo, *(word for option in options.items() for word in option))

    assert outcome.status == 2
    assert missing in outcome.stderr
    assert not Path("out.png").exists()


def test_a_broken_photo_is_an_error_that_names_it(cli: Cli, photo: Path, tiny_model: Path):
    photo.write_text("not a photo")

    outcome = cli("compare", photo, "--tag", "sea", "--model", tiny_model, "--output", "out.png")

    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"error: {photo}: not a photo in a known format")
