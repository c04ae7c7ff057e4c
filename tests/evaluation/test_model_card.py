"""MODEL_CARD.md, written from the manifest alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from vectortag.evaluation.model_card import rewrite_card, write_card
from vectortag.model.manifest import Manifest
from vectortag.model.taxonomy import Taxonomy

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
CROSS = {
    "micro_f1": 0.498, "macro_f1": 0.277, "calibration_error": 0.0234, "calibration_error_before": 0.1234,
    "calibration_error_per_tag": 0.0345, "calibration_error_per_tag_before": 0.2345,
}  # fmt: skip
PER_TAG = {
    "photos": [7, 4, 50, 0, 6, 5], "average_precision": [0.9, 1.0, 0.5, None, 0.123, 0.7],
    "precision": [0.8, 0.75, 0.6, None, None, 0.2], "recall": [0.7, 0.5, 0.4, None, 0.0, 0.1],
    "calibration_error_before": [0.1, 0.2, 0.3, None, 0.4, 0.5],
    "calibration_error": [0.01, 0.02, 0.03, None, 0.04, 0.05],
}  # fmt: skip
BINS = {
    "before": {"score": [0.25, 0.8], "share": [0.1, 0.6], "entries": [12345, 10]},
    "after": {"score": [0.1, None], "share": [0.1, None], "entries": [12355, 0]},
}
WHOLE = {"zoo": FIGURES, "cross_fitted": CROSS, "per_tag": PER_TAG, "reliability": BINS}


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


def test_the_hash_of_the_data_and_the_commit_are_named(card_of):
    card = card_of(provenance={"data": {"zoo": "0a1b2c"}, "git": "beef-dirty"})

    assert "- Hash of the photos and words of zoo: `0a1b2c`\n" in card
    assert "- Commit of the folder in which it was made: `beef-dirty`\n" in card


@pytest.mark.parametrize("provenance", [{"data": "none"}, {"data": {}}, {"git": None}])
def test_without_them_no_line_is_written(card_of, provenance):
    card = card_of(provenance=provenance)

    assert "Hash of" not in card
    assert "Commit of" not in card


def test_figures_over_folds_are_told_with_their_deviation(card_of):
    folds = {
        "folds": 5,
        "map": {"mean": 0.5, "deviation": 0.012},
        "micro_f1": {"mean": 0.25, "deviation": None},
        "labels": 12345,
        "doubted": 67,
    }

    card = card_of(metrics={"zoo": FIGURES, "folds": folds})

    assert "Over 5 folds of all photos" in card
    assert "mAP 50.0 ± 1.2, micro F1 25.0 ± -." in card
    assert "Of 12,345 labels, 67 look wrong" in card


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
    assert "mean of the sets, at the worst size" in card
    assert "a square of 32 or 64 pixels" in card


def test_a_figure_that_does_not_exist_is_a_dash(card_of):
    (street,) = table_below(card_of(metrics={"street": NOTHING_KNOWN}), "## Figures")

    assert street == ["street", "1,234", "-", "5", "51.1", "-", "-", "4", "-"]


def test_the_honest_figures_stand_below_the_others(card_of):
    card = card_of(metrics={"zoo": FIGURES, "cross_fitted": CROSS})

    assert "judged on\nthe other, over all sets together: micro F1 49.8, macro F1\n27.7." in card
    together, each = table_below(card, "## Do scores mean")
    assert together == ["all entries together", "0.1234", "0.0234"]
    assert each == ["mean of the tags' own", "0.2345", "0.0345"]


def test_the_diagram_has_a_bar_of_each_bin_up_to_the_share_and_a_stroke_at_the_score(card_of):
    card = card_of(metrics=WHOLE)

    _, first, second = [line for line in card.splitlines() if line.startswith(("score ", "0.00", "0.50"))]
    assert first.split() == ["0.00", "-", "0.50", "12,345", "0.10", "██", "┃", "12,355", "0.10", "██┃"]
    assert second.split() == ["0.50", "-", "1.00", "10", "0.60", "███████████████", "┃", "0"]
    bar = first[first.index("█") :]
    assert bar.index("┃") == 6  # of 25 cells
    assert first.index("12,355") + 6 == second.rindex("0") + 1  # columns stand below each other


def test_the_best_and_the_worst_tags_are_those_of_enough_photos(card_of):
    card = card_of(metrics=WHOLE)

    assert table_below(card, "## The best and") == [
        ["animal", "7", "90.0", "boat", "6", "12.3"],
        ["vehicle", "5", "70.0", "dog", "50", "50.0"],
    ]
    assert "`vectortag report tiny DATA...`" in card


def test_no_tag_is_among_the_best_and_the_worst(card_of):
    metrics = WHOLE | {"per_tag": PER_TAG | {"average_precision": [0.9, None, 0.5, None, None, 0.7]}}

    card = card_of(metrics=metrics)

    best, rest = table_below(card, "## The best and")
    assert best == ["animal", "7", "90.0", "dog", "50", "50.0"]
    assert rest[:3] == ["vehicle", "5", "70.0"]
    assert not "".join(rest[3:]).strip("| ")


def test_where_no_tag_can_be_judged_the_card_says_so(card_of):
    nothing = PER_TAG | {"average_precision": [None] * 6, "photos": [0] * 6}

    card = card_of(metrics=WHOLE | {"per_tag": nothing})

    assert "## The best and the worst tags\n\nNo tag can be judged.\n" in card
    assert "- 6 of its 6 tags could not be judged" in card


def test_a_model_of_long_ago_has_no_diagram_and_no_ranking(card_of):
    card = card_of(metrics={"zoo": FIGURES, "cross_fitted": CROSS})

    assert "```" not in card
    assert "The best and the worst" not in card


def test_every_tag_has_its_figures(card_of):
    rows = table_below(card_of(metrics=WHOLE), "## Tags")

    assert [row[0] for row in rows] == ["animal", "beach", "dog", "sea", "boat", "vehicle"]
    assert rows[0] == ["animal", "7", "90.0", "80.0", "70.0", "0.100", "0.010"]
    assert rows[3] == ["sea", "-", "-", "-", "-", "-", "-"]


def test_blind_spots_are_told(card_of):
    card = card_of(metrics=WHOLE)

    assert "- Known blind spots: tags of which it found none of the validation photos (so many): boat (6).\n" in card
    assert "- 1 of its 6 tags could not be judged" in card


def test_tags_that_are_better_left_out_than_wrong_are_named(card_of):
    taxonomy = Taxonomy(careful=("dog", "unicorn", "boat"), implications={"dog": ["animal"]})

    assert "shown only where nearly all are right: dog, boat.\n" in card_of(taxonomy=taxonomy)
    assert "Better left out" not in card_of()


@pytest.mark.parametrize("metrics", [{}, WHOLE])
def test_tags_that_no_photo_has_taught_are_marked_and_explained(card_of, with_untaught, metrics):
    card = card_of(**with_untaught, metrics=metrics)

    tags = card[card.index("## Tags") :]
    assert re.findall(r"(\w+) †", tags) == ["boat", "vehicle"]
    assert re.findall(r"(\w+) ‡", tags) == ["animal"]
    assert "† (2 of 6 tags): no photo of the data sets taught it;" in tags
    assert "‡ (1 of 6 tags): no data set knows when it is absent" in tags


def test_where_photos_taught_all_nothing_is_marked(card_of):
    assert not set(card_of(metrics=WHOLE)) & {"†", "‡"}


class TestRewriting:
    @pytest.fixture
    def whole(self, write_tiny_model: Callable[..., Any], tiny_network: bytes, tmp_path: Path, with_untaught) -> Any:
        """A folder with every file that there may be but words, and a card of long ago."""
        return write_tiny_model(tmp_path / "model", int8_network=tiny_network, metrics=WHOLE, **with_untaught)

    def test_the_card_is_that_of_today_and_all_other_files_are_as_they_were(self, whole):
        before = {file.name: file.read_bytes() for file in whole.path.iterdir()}

        written = rewrite_card(whole)

        after = {file.name: file.read_bytes() for file in written.path.iterdir()}
        assert after.pop("MODEL_CARD.md").decode() == write_card(whole.manifest) != before.pop("MODEL_CARD.md").decode()
        assert after.pop("manifest.json") != before.pop("manifest.json")
        assert after == before
        assert {"model.int8.onnx", "background.safetensors", "classifier.safetensors"} <= set(after)
        assert replace(written.manifest, files={}) == replace(whole.manifest, files={})

    def test_a_second_time_changes_nothing(self, whole):
        once = rewrite_card(whole)

        assert rewrite_card(once).id == once.id


def test_without_figures_there_is_no_such_section(card_of):
    card = card_of()

    assert "## Figures" not in card
    assert "None" not in card
    assert "## Limits" in card


def test_a_model_of_unknown_origin_claims_none(card_of):
    card = card_of(provenance={})

    assert "Starting weights" not in card
    assert "| zoo | 9,876 | 1 | 2 |" in card


HOSTILE = "![x](http://evil.example/x.png)<b>|`_y_`"


def test_no_text_of_the_manifest_becomes_markup(card_of, tiny_fields: Mapping[str, Any]):
    names = (f"{HOSTILE} 1", "<script>", "[a](http://b)", "sea", "boat", "vehicle")
    taxonomy = Taxonomy()
    config = {
        "backbone": {"origin": HOSTILE},
        "data": [{"name": "zoo", "about": HOSTILE, "rights": "<b>"}, {"name": HOSTILE, "about": "[x]: http://y"}],
    }
    infos = [{"name": name, "train_photos": 1, "known": (), "validation": ()} for name in ("zoo", HOSTILE)]
    fields = {
        "tags": names,
        "taxonomy": taxonomy,
        "data_sets": infos,
        "provenance": {"vectortag": HOSTILE, "base": "`x` <b>", "config": config},
        "metrics": WHOLE | {HOSTILE: FIGURES},
    }
    plain = card_of(**fields, name="tiny")

    tokens = MarkdownIt("commonmark").enable("table").parse(plain)
    inner = [one for token in tokens for one in token.children or ()]
    assert not {"image", "link_open", "html_inline", "html_block"} & {token.type for token in (*tokens, *inner)}
    shown = "".join(one.content for one in inner)
    assert shown.count(HOSTILE) >= 6
    assert "<script>" in shown
