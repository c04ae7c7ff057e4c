"""MODEL_CARD.md, written from the manifest alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.manifest import Manifest
from vectortag.model_card import write_card

CONFIG = {
    "backbone": {"origin": "ResNet-18 from a drawer."},
    "data": [
        {"name": "zoo", "about": "photos of animals", "rights": "CC BY 4.0"},
        {"name": "street", "about": "", "rights": ""},
    ],
}
FIGURES = {
    "photos": 1234, "map": 0.4567, "map_tags": 5, "micro_f1": 0.5111, "macro_f1": 0.3, "calibration_error": 0.01234,
    "at_five": {"precision": 0.1, "recall": 0.2, "f1": 0.1333, "n_plus": 4},
}  # fmt: skip
NOTHING_KNOWN = FIGURES | {
    "map": None, "macro_f1": None, "calibration_error": None, "at_five": FIGURES["at_five"] | {"f1": None},
}  # fmt: skip
CROSS = {"micro_f1": 0.498, "macro_f1": 0.277, "calibration_error": 0.0234, "calibration_error_before": 0.1234}


@pytest.fixture
def card_of(write_tiny_model: Callable[..., Any], tmp_path: Path) -> Callable[..., str]:
    """card_of(metrics={...}): the card of the tiny model after a training on two sets."""

    def write(**fields: Any) -> str:
        infos = [
            {"name": "zoo", "train_photos": 9876, "known": ("dog", "animal"), "validation": ("0123456789abcdef",)},
            {"name": "street", "train_photos": 5, "known": (), "validation": ()},
        ]
        common = {"data_sets": infos, "provenance": {"vectortag": "0.1.0", "config": CONFIG}}
        manifest: Manifest = write_tiny_model(tmp_path / "model", **common | fields).manifest
        return write_card(manifest)

    return write


def table_below(card: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its two first lines."""
    lines = card[card.index(heading) :].splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    end = next((n for n, line in enumerate(lines[2:], 2) if line.startswith("## ")), len(lines))
    return rows[2 : sum(line.startswith("|") for line in lines[:end])]


def test_a_card_says_what_the_model_is_and_where_it_starts(card_of):
    card = card_of()

    assert card.startswith("# tiny\n\nA multi-label image tagger: 6 tags, two convolutions, 32 x 32\npixels.")
    assert "Made with VectorTag 0.1.0." in card
    assert "**Starting weights.** ResNet-18 from a drawer." in card
    assert card.endswith("## Tags\n\nanimal, beach, dog, sea, boat, vehicle\n")


def test_every_data_set_is_named_with_its_rights(card_of):
    zoo, street = table_below(card_of(), "## Data")

    assert zoo == ["zoo", "9,876", "1", "2", "photos of animals", "CC BY 4.0"]
    assert street[:4] == ["street", "5", "0", "0"]


def test_every_data_set_has_its_figures(card_of):
    (zoo,) = table_below(card_of(metrics={"zoo": FIGURES, "cross_fitted": CROSS}), "## Figures")

    assert zoo == ["zoo", "1,234", "45.7", "5", "51.1", "30.0", "13.3", "4", "0.0123"]


def test_every_other_size_has_its_figures(card_of, two_sizes):
    card = card_of(
        operating_points=two_sizes.manifest.operating_points,
        metrics={"zoo": FIGURES, "sizes": {"64": {"zoo": FIGURES | {"map": 0.5}}}},
        lost={"bf16": 0.1},
    )

    *_, zoo = table_below(card, "At the other sizes")
    assert zoo[:3] == ["zoo, 64", "1,234", "50.0"]
    assert "That is at 32 pixels." in card
    assert "in the worst set and size" in card
    assert "a square of 32 or 64 pixels" in card


def test_a_figure_that_does_not_exist_is_a_dash(card_of):
    (street,) = table_below(card_of(metrics={"street": NOTHING_KNOWN}), "## Figures")

    assert street == ["street", "1,234", "-", "5", "51.1", "-", "-", "4", "-"]


def test_the_honest_figures_stand_below_the_others(card_of):
    card = card_of(metrics={"zoo": FIGURES, "cross_fitted": CROSS})

    assert "micro F1 49.8, macro F1\n27.7, expected calibration error 0.0234\n(before calibration 0.1234)." in card


def test_without_figures_there_is_no_such_section(card_of):
    card = card_of()

    assert "## Figures" not in card
    assert "None" not in card
    assert "## Limits" in card


def test_a_model_of_unknown_origin_claims_none(card_of):
    card = card_of(provenance={})

    assert "Starting weights" not in card
    assert "| zoo | 9,876 | 1 | 2 |" in card
