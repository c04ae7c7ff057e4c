"""The figures of the literature, against plain loops over photos and words and against scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from vectortag.core.errors import DataError, UnknownTagError
from vectortag.evaluation.protocols import Coco, Corel5k, ProtocolReport, averages, coco, corel5k, evaluate_by_protocol
from vectortag.inference.tagger import Tagger
from vectortag.model.taxonomy import Taxonomy

MakeDataSet = Callable[..., Path]
WriteModel = Callable[..., Any]
WORDS = ("animal", "beach", "dog", "sea", "boat", "vehicle", "palm", "sun")
"""The tags of the tiny model, and two words that it does not know."""


def random_words(words: Sequence[str], *, photos: int = 24, seed: int = 5) -> dict[str, str]:
    chosen = np.random.default_rng(seed).random((photos, len(words))) < 0.3
    return {f"{n:02}.jpg": ", ".join(w for w, c in zip(words, row, strict=True) if c) for n, row in enumerate(chosen)}


def harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other)


def scores_of(tagger: Tagger, folder: Path, words: dict[str, str]) -> list[dict[str, float]]:
    """For each photo, the score of each tag."""
    taggings = tagger.tag_many(folder / name for name in words)
    return [{scored.tag: scored.score for scored in tagging.scores} for tagging in taggings]


def highest(scores: dict[str, float], count: int) -> set[str]:
    return set(sorted(scores, key=lambda tag: -scores[tag])[:count])


@pytest.fixture
def plain_tagger(write_tiny_model: WriteModel, tmp_path: Path) -> Tagger:
    """The tiny model, trained on raw words."""
    return Tagger.load(write_tiny_model(tmp_path / "plain", taxonomy=Taxonomy()).path)


def run(tagger: Tagger, data: Path, protocol: str, **options: Any) -> ProtocolReport:
    return evaluate_by_protocol(tagger, data, protocol, **options)  # type: ignore[arg-type]


class TestCorel5k:
    @pytest.fixture
    def words(self) -> dict[str, str]:
        return random_words(WORDS)

    def test_the_figures_are_those_of_a_loop_over_all_test_words(self, plain_tagger, make_data_set, words):
        folder = make_data_set(words)
        predicted = [highest(scores, 5) for scores in scores_of(plain_tagger, folder, words)]
        truth = [set(of_one.split(", ")) for of_one in words.values()]
        precisions, recalls = [], []
        for word in WORDS:
            hits = sum(word in p and word in t for p, t in zip(predicted, truth, strict=True))
            times_predicted = sum(word in p for p in predicted)
            precisions.append(hits / times_predicted if times_predicted else 0)
            recalls.append(hits / sum(word in t for t in truth))

        figures = run(plain_tagger, folder, "corel5k").figures

        assert isinstance(figures, Corel5k)
        assert precisions[-2:] == recalls[-2:] == [0, 0]
        assert figures.precision == pytest.approx(np.mean(precisions))
        assert figures.recall == pytest.approx(np.mean(recalls))
        assert figures.f1 == pytest.approx(harmonic(np.mean(precisions), np.mean(recalls)))
        assert figures.n_plus == sum(recall > 0 for recall in recalls)
        assert (figures.words, figures.missing, figures.translated) == (8, ("palm", "sun"), False)

    def test_a_word_that_no_evaluated_photo_has_is_no_test_word(self, plain_tagger, make_data_set):
        words = {"1.jpg": "animal, beach", "2.jpg": "dog", "3.jpg": "sea, boat, vehicle, palm"}
        splits = {"1.jpg": "val", "2.jpg": "val", "3.jpg": "train"}

        figures = run(plain_tagger, make_data_set(words, splits=splits), "corel5k", split="val").figures

        assert (figures.words, figures.missing) == (3, ())

    def test_tags_that_the_set_does_not_use_take_no_place_among_the_five(self, plain_tagger, make_data_set):
        """Without "vehicle", which has the highest scores of all, the five others are predicted for each photo."""
        words = random_words(WORDS[:5])

        figures = run(plain_tagger, make_data_set(words), "corel5k").figures

        assert figures.recall == 1
        assert figures.n_plus == 5

    def test_words_that_the_model_learnt_from_the_set_do_though_no_photo_here_has_them(
        self, write_tiny_model: WriteModel, make_data_set, tmp_path: Path
    ):
        info = {"name": "photos", "train_photos": 9, "known": WORDS[:6], "validation": ()}
        model = write_tiny_model(tmp_path / "model", taxonomy=Taxonomy(), data_sets=[info])
        words = random_words(WORDS[:5])

        figures = run(Tagger.load(model.path), make_data_set(words), "corel5k").figures

        assert figures.words == 5
        assert figures.recall < 1

    def test_words_are_compared_in_lower_case_and_single_spaces(self, plain_tagger, make_data_set):
        words = {"1.jpg": "Animal,  BEACH", "2.jpg": "dog, Sea, boat"}

        figures = run(plain_tagger, make_data_set(words), "corel5k").figures

        assert (figures.words, figures.missing, figures.translated) == (5, (), False)

    def test_a_taxonomy_translates_the_words_and_the_figures_say_so(
        self, write_tiny_model: WriteModel, make_data_set, tmp_path: Path
    ):
        rules = {"synonyms": {"dog": ["puppy"]}, "implications": {"dog": ["animal"]}, "ignored": {"tags": ["red"]}}
        model = write_tiny_model(tmp_path / "model", taxonomy=Taxonomy(**rules))
        words = {"1.jpg": "puppy, red", "2.jpg": "dog, sea, boat", "3.jpg": "beach, vehicle, palm"}

        figures = run(Tagger.load(model.path), make_data_set(words), "corel5k").figures

        assert figures.translated
        assert (figures.words, figures.missing) == (6, ("palm",))  # no "red", one "dog", and no "animal"

    def test_a_model_that_knows_fewer_than_five_words_is_refused(self, plain_tagger, make_data_set):
        folder = make_data_set({"1.jpg": "dog, sea, boat, vehicle, palm, sun"})

        with pytest.raises(UnknownTagError, match='model "tiny": it knows 4 of the 6 words of photos'):
            run(plain_tagger, folder, "corel5k")

    def test_equal_scores_of_unknown_words_are_never_predicted(self):
        scores = np.float32([[0.1, 0.2, 0.3, 0.4, 0.5, -np.inf], [0.5, 0.4, 0.3, 0.2, 0.1, -np.inf]])
        targets = np.uint8([[1, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 1]])

        figures = corel5k(scores, targets, "abcdef")

        assert figures == Corel5k(2, ("f",), False, 0.25, 0.5, pytest.approx(1 / 3), 1)


class TestCoco:
    CATEGORIES = WORDS[:6]

    def figures_of_loops(self, predicted: list[set[str]], truth: list[set[str]]) -> list[float]:
        """CP, CR, CF1, OP, OR, OF1."""
        hits, guesses, positives = ({} for _ in range(3))
        for category in self.CATEGORIES:
            hits[category] = sum(category in p and category in t for p, t in zip(predicted, truth, strict=True))
            guesses[category] = sum(category in p for p in predicted)
            positives[category] = sum(category in t for t in truth)
        cp = np.mean([hits[c] / guesses[c] if guesses[c] else 0 for c in self.CATEGORIES if positives[c]])
        cr = np.mean([hits[c] / positives[c] for c in self.CATEGORIES if positives[c]])
        op = sum(hits.values()) / sum(guesses.values())
        overall_recall = sum(hits.values()) / sum(positives.values())
        return [cp, cr, harmonic(cp, cr), op, overall_recall, harmonic(op, overall_recall)]

    @pytest.fixture(params=["all categories", "no boats"])
    def words(self, request: pytest.FixtureRequest) -> dict[str, str]:
        words = random_words(self.CATEGORIES)
        return words if request.param == "all categories" else {k: v.replace("boat", "sea") for k, v in words.items()}

    def test_the_figures_are_those_of_loops_and_of_scikit_learn(self, plain_tagger, make_data_set, words):
        splits = dict.fromkeys(words, "val") | {"boat.jpg": "train"}
        folder = make_data_set(words | {"boat.jpg": "boat"}, splits=splits)
        scores = scores_of(plain_tagger, folder, words)
        truth = [set(of_one.split(", ")) - {""} for of_one in words.values()]
        shown = [c for c in self.CATEGORIES if any(c in t for t in truth)]

        figures = run(plain_tagger, folder, "coco", split="val").figures

        assert isinstance(figures, Coco)
        precisions = [average_precision_score([c in t for t in truth], [s[c] for s in scores]) for c in shown]
        assert figures.map == pytest.approx(np.mean(precisions))
        assert (figures.categories, figures.judged) == (6, len(shown))
        at_half = self.figures_of_loops([{c for c in s if s[c] >= 0.5} for s in scores], truth)
        top_three = self.figures_of_loops([highest(s, 3) for s in scores], truth)
        assert list(vars_of(figures.at_half).values()) == pytest.approx(at_half)
        assert list(vars_of(figures.top_three).values()) == pytest.approx(top_three)
        assert at_half != pytest.approx(top_three)

    def test_a_score_of_exactly_one_half_is_predicted(self):
        figures = coco(np.float32([[0.5, 0.49]]), np.uint8([[1, 1]]))

        assert (figures.at_half.overall_precision, figures.at_half.overall_recall) == (1, 0.5)

    def test_the_top_three_are_predicted_however_low_they_are(self):
        figures = coco(np.float32([[0.01, 0.02, 0.03, 0.04]]), np.uint8([[1, 1, 1, 1]]))

        assert figures.top_three.overall_recall == 0.75
        assert figures.at_half.overall_recall == 0

    def test_a_wrong_prediction_of_a_category_without_positives_counts_overall_but_in_no_class(self):
        figures = averages(np.array([[True, True]]), np.uint8([[1, 0]]))

        assert (figures.class_precision, figures.overall_precision) == (1, 0.5)

    def test_where_nothing_is_predicted_all_figures_are_zero(self):
        assert set(vars_of(averages(np.zeros((2, 2), bool), np.uint8([[1, 0], [0, 1]]))).values()) == {0}

    def test_a_category_without_a_tag_is_refused_by_name(self, plain_tagger, make_data_set):
        folder = make_data_set({"1.jpg": "dog, palm", "2.jpg": "sea, sun"})

        with pytest.raises(UnknownTagError, match=r"2 of the 4 categories .* of photos show .*: palm, sun\."):
            run(plain_tagger, folder, "coco")

    def test_a_category_without_a_tag_is_no_matter_where_no_evaluated_photo_shows_it(self, plain_tagger, make_data_set):
        folder = make_data_set({"1.jpg": "dog", "2.jpg": "sun", "3.jpg": "sea"}, splits={
            "1.jpg": "val", "2.jpg": "train", "3.jpg": "val",
        })  # fmt: skip

        figures = run(plain_tagger, folder, "coco", split="val").figures

        assert (figures.categories, figures.judged) == (3, 2)
        assert figures.top_three.overall_recall == 1  # of "dog" and "sea" both, as the third cannot be predicted

    def test_two_categories_that_share_one_tag_are_refused(self, tagger: Tagger, make_data_set):
        folder = make_data_set({"1.jpg": "dog, puppy", "2.jpg": "sea"})

        with pytest.raises(UnknownTagError, match=r"2 of the 3 categories .*: dog, puppy\."):
            run(tagger, folder, "coco")

    def test_a_taxonomy_may_rename_a_category(self, tagger: Tagger, make_data_set):
        words = {"1.jpg": "ship, sea", "2.jpg": "sea", "3.jpg": "vehicle"}
        renamed = {name: of_one.replace("ship", "boat") for name, of_one in words.items()}

        figures = [run(tagger, make_data_set(of), "coco").figures for of in (words, renamed)]

        assert figures[0] == figures[1]

    def test_without_any_positive_there_are_no_figures(self):
        figures = coco(np.float32([[0.5, 0.4]]), np.uint8([[0, 0]]))

        assert figures.judged == 0
        assert np.isnan([figures.map, *vars_of(figures.at_half).values()]).all()


def vars_of(figures: Any) -> dict[str, float]:
    return {name: getattr(figures, name) for name in type(figures).__slots__}


class TestReport:
    @pytest.mark.parametrize("protocol", ["corel5k", "coco"])
    def test_it_says_what_it_is_about_and_leaves_broken_photos_out(self, plain_tagger, make_data_set, protocol: str):
        words = random_words(WORDS[:6])
        folder, whole = make_data_set(words), make_data_set(dict(list(words.items())[:-1]), name="whole")
        (folder / "23.jpg").write_text("not a photo")

        with pytest.raises(DataError, match=r"row 25: .*23\.jpg: not a photo.* or pass --skip-bad-rows"):
            run(plain_tagger, folder, protocol)
        report = run(plain_tagger, folder, protocol, skip_bad_rows=True)

        assert (report.protocol, report.model, report.data) == (protocol, plain_tagger.folder.id, "photos")
        assert (report.split, report.photos) == ("all", 23)
        assert [failure.split(":")[0] for failure in report.failed] == ["row 25"]
        assert report.figures == run(plain_tagger, whole, protocol).figures

    def test_json_has_all_of_it_and_null_where_there_is_no_number(self, plain_tagger, make_data_set):
        report = run(plain_tagger, make_data_set({"1.jpg": "dog"}), "coco")

        plain = json.loads(json.dumps(report.to_json(), allow_nan=False))

        assert plain["figures"]["map"] is None  # a single photo has no negatives
        assert plain["figures"]["top_three"] == vars_of(report.figures.top_three)
        assert plain["protocol"] == "coco"

    def test_an_unknown_protocol_is_an_error(self, plain_tagger, make_data_set):
        with pytest.raises(DataError, match=r"no protocol 'voc'\. Expected one of: corel5k, coco"):
            run(plain_tagger, make_data_set({"1.jpg": "dog"}), "voc")

    def test_a_bad_row_is_an_error_or_left_out(self, plain_tagger, make_data_set):
        folder = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
        with (folder / "metadata.csv").open("a") as file:
            file.write(",dog\n")

        with pytest.raises(DataError, match=r"metadata\.csv:4"):
            run(plain_tagger, folder, "coco")
        assert run(plain_tagger, folder, "coco", skip_bad_rows=True).photos == 2
