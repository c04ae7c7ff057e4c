"""Tables of a model card: which tags stand where, and what is said of those without figures."""

from __future__ import annotations

from typing import Any

import pytest

from vectortag.evaluation.card_tables import BAR_CELLS, blind_spots, percent, ranking, reliability_diagram, tag_table
from vectortag.model.manifest import Manifest

TAGS = ("dog", "sea", "boat", "fog")


def figures(**changes: list[Any]) -> dict[str, list[Any]]:
    return {
        "photos": [50, 40, 30, 2],
        "average_precision": [0.9, 0.5, 0.7, 1.0],
        "precision": [0.8, 0.4, None, 0.5],
        "recall": [0.7, 0.6, 0.0, 0.5],
        "calibration_error_before": [0.2, 0.1, 0.3, 0.4],
        "calibration_error": [0.02, 0.01, 0.03, None],
    } | changes


class TestRanking:
    def test_the_best_are_on_the_left_and_the_worst_on_the_right_from_the_very_worst(self):
        rows = [line for line in ranking(TAGS, figures()) if line.startswith("|")][2:]

        assert rows == ["| dog | 50 | 90.0 | sea | 40 | 50.0 |", "| boat | 30 | 70.0 |  | |  |"]

    def test_tags_of_few_photos_count_where_there_are_no_others(self):
        rows = [line for line in ranking(TAGS, figures(photos=[1, 1, 1, 2])) if line.startswith("|")][2:]

        assert rows[0] == "| fog | 2 | 100.0 | sea | 1 | 50.0 |"

    def test_without_any_it_says_so(self):
        assert list(ranking(TAGS, figures(average_precision=[None] * 4))) == ["No tag can be judged."]


class TestBlindSpots:
    def test_tags_that_are_never_found_are_named_with_their_photos(self):
        assert "boat (30)" in "\n".join(blind_spots(TAGS, figures()))

    def test_tags_that_cannot_be_judged_are_counted(self):
        text = "\n".join(blind_spots(TAGS, figures(average_precision=[0.9, None, 0.7, None])))

        assert "2 of its 4 tags could not be judged" in text

    def test_nothing_is_said_where_all_is_well(self):
        assert not list(blind_spots(TAGS, figures(recall=[0.7] * 4)))


def test_the_diagram_has_a_bar_of_the_share_and_a_mark_at_the_score():
    bins = {"score": [0.1, None], "share": [0.6, None], "entries": [1200, 0]}

    lines = list(reliability_diagram({"before": bins, "after": bins}))[3:-1]

    assert [line[:11] for line in lines] == ["0.00 - 0.50", "0.50 - 1.00"]
    assert "1,200   0.60" in lines[0]
    assert lines[0].count("█") == 2 * (round(0.6 * BAR_CELLS) - 1)  # one cell of each bar has the mark
    assert lines[0].index("┃") - lines[0].index("█") == int(0.1 * BAR_CELLS)
    assert "█" not in lines[1]


class TestTagTable:
    @pytest.fixture
    def manifest(self, tiny_fields) -> Any:
        files = {"model.onnx": "0" * 64}
        head = [{"kind": "linear", "tags": 6}]
        return lambda **fields: Manifest(**{**tiny_fields, "head": head, "files": files, **fields})

    def test_without_figures_there_are_the_names_alone(self, manifest):
        assert list(tag_table(manifest())) == ["animal, beach, dog, sea, boat, vehicle"]

    def test_every_tag_has_a_row_of_its_figures(self, manifest):
        per_tag = {name: (values * 2)[:6] for name, values in figures().items()}

        rows = [line for line in tag_table(manifest(metrics={"per_tag": per_tag})) if line.startswith("|")][2:]

        assert len(rows) == 6
        assert rows[0] == "| animal | 50 | 90.0 | 80.0 | 70.0 | 0.200 | 0.020 |"
        assert rows[2] == "| dog | 30 | 70.0 | - | 0.0 | 0.300 | 0.030 |"
        assert rows[3].startswith("| sea | - |")  # nobody could judge it, so its photos say nothing

    def test_a_tag_without_a_score_of_its_own_is_marked_and_explained(self, manifest, tiny_fields):
        (point,) = tiny_fields["operating_points"]
        silent = manifest(operating_points=[{**point, "slope": [0.0, *point["slope"][1:]]}])

        text = "\n".join(tag_table(silent))

        assert "animal ‡, beach, dog" in text
        assert "‡ (1 of 6 tags)" in text


def test_a_share_is_a_percentage_or_a_dash():
    assert (percent(0.1234), percent(None)) == ("12.3", "-")
