"""The figures of a model on a data set, against scikit-learn on scores and truths that are worked out here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from vectortag.core.errors import DataError
from vectortag.core.types import UNKNOWN
from vectortag.data.records import photo_hash, read_data_set
from vectortag.evaluation.evaluate import Report, TagReport, evaluate, make_report
from vectortag.inference.tagger import Tagger

MakeDataSet = Callable[..., Path]
WORDS = ("dog", "puppy", "animal", "beach", "sea", "vehicle", "boat")
KNOWN = ("animal", "beach", "dog", "sea", "vehicle")


def random_words(photos: int, seed: int = 3) -> dict[str, str]:
    chosen = np.random.default_rng(seed).random((photos, len(WORDS))) < 0.25
    return {f"{n:02}.jpg": ", ".join(w for w, c in zip(WORDS, row, strict=True) if c) for n, row in enumerate(chosen)}


def truth_of(words: str) -> list[int | None]:
    """What a photo with these words says of animal, beach, dog, sea, boat, vehicle, where the set knows KNOWN.

    Nobody said whether a vehicle is a boat, unless it is called one, or there is no vehicle at all.
    """
    named = set(words.split(", "))
    dog, boat = bool(named & {"dog", "puppy"}), "boat" in named
    vehicle = boat or "vehicle" in named
    other_vehicle = None if vehicle else 0
    return [dog or "animal" in named, "beach" in named, dog, "sea" in named, 1 if boat else other_vehicle, vehicle]


def binned_error(scores: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error, 15 bins, bin by bin."""
    error = 0.0
    for low in np.arange(15) / 15:
        here = (scores >= low) & ((scores < low + 1 / 15) | (low > 0.93))
        if here.any():
            error += here.mean() * abs(scores[here].mean() - truth[here].mean())
    return error


@pytest.fixture
def knowing_tagger(write_tiny_model: Callable[..., Any], tmp_path: Path) -> Tagger:
    """The tiny model, after a training on a set named "photos" that knew the absence of KNOWN."""
    info = {"name": "photos", "train_photos": 9, "known": KNOWN, "validation": ()}
    return Tagger.load(write_tiny_model(tmp_path / "model", data_sets=[info]).path)


class Case:
    """A report, and by itself what it was made from: per tag the scores, truths and decisions of its known photos."""

    def __init__(self, tagger: Tagger, folder: Path, words: dict[str, str]) -> None:
        self.report = evaluate(tagger, folder)
        taggings = list(tagger.tag_many(folder / name for name in words))
        self.scores = np.array([[scored.score for scored in tagging.scores] for tagging in taggings])
        self.decided = np.array([[scored in tagging.tags for scored in tagging.scores] for tagging in taggings])
        truths = [truth_of(of_one) for of_one in words.values()]
        self.truth = np.array([[-1 if t is None else int(t) for t in row] for row in truths])

    def known(self, array: np.ndarray) -> list[np.ndarray]:
        return [array[self.truth[:, tag] >= 0, tag] for tag in range(array.shape[1])]

    def mean(self, metric: Callable[..., float], predicted: np.ndarray, **options: Any) -> float:
        pairs = zip(self.known(self.truth), self.known(predicted), strict=True)
        return float(np.mean([metric(truth, of_tag, **options) for truth, of_tag in pairs]))


@pytest.fixture
def case(knowing_tagger: Tagger, make_data_set: MakeDataSet) -> Case:
    words = random_words(30)
    return Case(knowing_tagger, make_data_set(words), words)


class TestFigures:
    def test_each_tag_has_the_figures_of_scikit_learn(self, case: Case):
        assert [tag.tag for tag in case.report.tags] == ["animal", "beach", "dog", "sea", "boat", "vehicle"]
        columns = zip(
            case.report.tags, case.known(case.truth), case.known(case.scores), case.known(case.decided), strict=True
        )
        for tag, truth, scores, decided in columns:
            assert tag.support == truth.sum() > 0
            assert tag.average_precision == pytest.approx(average_precision_score(truth, scores))
            assert tag.precision == pytest.approx(precision_score(truth, decided, zero_division=0))
            assert tag.recall == pytest.approx(recall_score(truth, decided))
            assert tag.f1 == pytest.approx(f1_score(truth, decided))
            assert tag.calibration_error == pytest.approx(binned_error(scores, truth), abs=1e-6)

    def test_the_thresholds_are_the_models_own(self, case: Case):
        assert [tag.threshold for tag in case.report.tags] == [0.5, 0.5, 0.5, None, 0.5, 0.5]

    def test_map_is_the_mean_over_the_tags(self, case: Case):
        assert case.report.map == pytest.approx(case.mean(average_precision_score, case.scores))
        assert case.report.map_tags == 6

    def test_f1_is_over_all_entries_and_over_the_tags(self, case: Case):
        truth, decided = np.concatenate(case.known(case.truth)), np.concatenate(case.known(case.decided))

        assert case.report.micro_f1 == pytest.approx(f1_score(truth, decided))
        assert case.report.macro_f1 == pytest.approx(case.mean(f1_score, case.decided))

    def test_calibration_is_over_all_entries_and_over_the_tags(self, case: Case):
        truth, scores = np.concatenate(case.known(case.truth)), np.concatenate(case.known(case.scores))
        each = [binned_error(s, t) for s, t in zip(case.known(case.scores), case.known(case.truth), strict=True)]

        assert case.report.calibration_error == pytest.approx(binned_error(scores, truth), abs=1e-6)
        assert case.report.calibration_error_per_tag == pytest.approx(np.mean(each), abs=1e-6)

    def test_five_tags_a_photo_are_the_five_highest_of_those_that_are_known(self, case: Case):
        five = np.zeros_like(case.decided)
        for row, scores, truth in zip(five, case.scores, case.truth, strict=True):
            row[sorted(np.flatnonzero(truth >= 0), key=lambda tag: -scores[tag])[:5]] = True
        precision, recall = case.mean(precision_score, five, zero_division=0), case.mean(recall_score, five)

        assert not five.all(axis=1).any()
        assert five.sum(axis=1).tolist() == [5] * 30
        assert case.report.at_five.precision == pytest.approx(precision)
        assert case.report.at_five.recall == pytest.approx(recall)
        assert case.report.at_five.f1 == pytest.approx(2 * precision * recall / (precision + recall))
        assert case.report.at_five.n_plus == 6

    def test_a_report_says_what_it_is_about(self, case: Case, knowing_tagger: Tagger):
        about = (case.report.model, case.report.data, case.report.split, case.report.photos, case.report.failed)

        assert about == (knowing_tagger.folder.id, "photos", "all", 30, ())

    def test_a_parent_counts_as_predicted_wherever_its_child_is(
        self, write_tiny_model, with_thresholds, tmp_path: Path
    ):
        fields = with_thresholds([0.9, 0.5, 0.5, None, 0.5, 0.5])
        strict = Tagger.load(write_tiny_model(tmp_path / "strict", **fields))
        scores, targets = np.zeros((4, 6), np.float32), np.zeros((4, 6), np.uint8)
        scores[:, 0], scores[:, 2] = [0.6, 0.6, 0.6, 0.95], [0.6, 0.6, 0.1, 0.1]
        targets[[0, 2, 3], 0] = 1

        animal = make_report(strict, scores, targets, data="d", split="all").tags[0]

        assert (animal.threshold, animal.precision, animal.recall) == pytest.approx((0.9, 2 / 3, 2 / 3))

    def test_unknown_entries_change_nothing_whatever_their_scores(self, tagger: Tagger):
        generator = np.random.default_rng(0)
        scores = generator.random((40, 6)).astype(np.float32)
        targets = generator.choice(np.uint8([0, 1, UNKNOWN]), (40, 6))
        targets[:, [2, 4]] = targets[:, [2, 4]] == 1  # "dog" and "boat" decide about their parents, too
        others = np.where(targets == UNKNOWN, 1 - scores, scores)

        reports = [make_report(tagger, of, targets, data="d", split="all") for of in (scores, others)]

        assert reports[0] == reports[1]
        assert reports[0] != make_report(tagger, 1 - scores, targets, data="d", split="all")

    def test_a_tag_whose_absence_the_set_cannot_know_is_left_out(self, tagger: Tagger, make_data_set: MakeDataSet):
        report = evaluate(tagger, make_data_set({"1.jpg": "dog", "2.jpg": "animal", "3.jpg": "sea"}))

        assert {tag.tag for tag in report.tags} == {"dog", "sea"}
        assert report.map_tags == 2

    def test_a_tag_that_is_only_absent_has_no_average_precision(self, tagger: Tagger, make_data_set: MakeDataSet):
        report = evaluate(tagger, make_data_set({"1.jpg": "vehicle", "2.jpg": "dog"}))

        boat = next(tag for tag in report.tags if tag.tag == "boat")  # no vehicle, no boat: known of 2.jpg
        assert (boat.support, boat.average_precision) == (0, None)
        assert report.map_tags == 2


FIVE = {"1.jpg": "beach", "2.jpg": "sea", "3.jpg": "vehicle", "4.jpg": "", "5.jpg": "dog"}
SPLITS = {"1.jpg": "train", "2.jpg": "val", "3.jpg": "val", "4.jpg": "test", "5.jpg": "train"}


class TestParts:
    @staticmethod
    def found(report: Report) -> set[str]:
        return {tag.tag for tag in report.tags if tag.support}

    @pytest.mark.parametrize(
        ("split", "photos", "found"),
        [
            ("train", 2, {"beach", "dog"}),
            ("val", 2, {"sea", "vehicle"}),
            ("all", 5, {"beach", "dog", "sea", "vehicle"}),
        ],
    )
    def test_the_column_split_says_which_photos(self, tagger: Tagger, make_data_set, split, photos, found):
        report = evaluate(tagger, make_data_set(FIVE, splits=SPLITS), split=split)

        assert (report.split, report.photos, self.found(report)) == (split, photos, found)

    @pytest.fixture
    def remembering_tagger(self, write_tiny_model: Callable[..., Any], make_data_set: MakeDataSet, tmp_path: Path):
        """The tiny model, after a training on "photos" from which it kept 2.jpg and 3.jpg."""
        folder = make_data_set(FIVE)
        kept = tuple(photo_hash(folder / name) for name in ("2.jpg", "3.jpg"))
        info = {"name": "photos", "train_photos": 3, "known": ("beach", "sea", "vehicle"), "validation": kept}
        return Tagger.load(write_tiny_model(tmp_path / "model", data_sets=[info]).path)

    @pytest.mark.parametrize(("split", "photos", "found"), [("train", 3, {"beach"}), ("val", 2, {"sea", "vehicle"})])
    def test_without_a_column_the_model_remembers_the_photos(self, remembering_tagger, tmp_path, split, photos, found):
        data = read_data_set(tmp_path / "photos")
        backwards = replace(data, records=data.records[::-1])

        report = evaluate(remembering_tagger, backwards, split=split)

        assert (report.photos, self.found(report)) == (photos, found)

    def test_a_photo_is_remembered_under_any_name(self, remembering_tagger: Tagger, tmp_path: Path):
        (tmp_path / "photos/2.jpg").rename(tmp_path / "photos/renamed.jpg")
        (tmp_path / "photos/metadata.csv").write_text("image_path,tags\nrenamed.jpg,sea\n1.jpg,dog\n")

        assert evaluate(remembering_tagger, tmp_path / "photos", split="val").photos == 1

    @pytest.mark.parametrize("dataset", [None, "photos", "holiday"])
    def test_a_set_is_recognised_by_its_photos_whatever_its_folder_is_called(
        self, remembering_tagger: Tagger, tmp_path: Path, dataset
    ):
        by_name = evaluate(remembering_tagger, tmp_path / "photos", split="val")
        (tmp_path / "photos").rename(tmp_path / "elsewhere")

        assert evaluate(remembering_tagger, tmp_path / "elsewhere", split="val", dataset=dataset) == by_name

    def test_a_set_of_which_the_model_knows_no_photo_has_no_parts(
        self, remembering_tagger: Tagger, make_data_set: MakeDataSet
    ):
        other = make_data_set({"7.jpg": "dog"}, name="elsewhere")

        told = 'a set named "elsewhere", and none of its photos is among those that tiny kept from photos. Pass --split'
        with pytest.raises(DataError, match=re.escape(told)):
            evaluate(remembering_tagger, other, split="val")

    def test_a_part_without_any_photo_is_an_error(self, knowing_tagger: Tagger, make_data_set: MakeDataSet):
        with pytest.raises(DataError, match="none of its photos is in the val part"):
            evaluate(knowing_tagger, make_data_set(FIVE), split="val")

    def test_a_part_that_does_not_exist_is_an_error(self, tagger: Tagger, make_data_set: MakeDataSet):
        with pytest.raises(DataError, match=r"no split 'tset'. Expected one of: train, val, test, all"):
            evaluate(tagger, make_data_set(FIVE), split="tset")  # type: ignore[arg-type]

    def test_photos_for_testing_are_a_part_of_their_own(self, tagger: Tagger, make_data_set: MakeDataSet):
        data = make_data_set(FIVE, splits=SPLITS)

        assert [evaluate(tagger, data, split=split).photos for split in ("test", "all")] == [1, 5]
        assert sum(evaluate(tagger, data, split=split).photos for split in ("train", "val")) == 4

    def test_without_photos_for_testing_it_says_which_parts_there_are(self, tagger: Tagger, make_data_set: MakeDataSet):
        with pytest.raises(DataError, match=r'the column "split" says .*train, val, and never test'):
            evaluate(tagger, make_data_set(FIVE, splits=SPLITS | {"4.jpg": "val"}), split="test")

    def test_a_model_is_named_or_given(self, tiny_model: Path, tagger: Tagger, make_data_set: MakeDataSet):
        data = make_data_set(FIVE)

        assert evaluate(tiny_model, data) == evaluate(tagger.folder, data) == evaluate(tagger, data)


class TestFailures:
    def test_a_broken_photo_is_listed_and_left_out(self, tagger: Tagger, make_data_set: MakeDataSet):
        words = random_words(8)
        folder, whole = make_data_set(words), make_data_set(dict(list(words.items())[:7]), name="whole")
        (folder / "07.jpg").write_text("not a photo")

        with pytest.raises(DataError, match=r"row 9: .*07\.jpg: not a photo.* or pass --skip-bad-rows"):
            evaluate(tagger, folder)
        report = evaluate(tagger, folder, skip_bad_rows=True)

        assert report.photos == 7
        assert [failure.split(":")[0] for failure in report.failed] == ["row 9"]
        assert "07.jpg" in report.failed[0]
        assert report.tags == evaluate(tagger, whole).tags

    def test_a_photo_that_is_not_there_is_listed(self, tagger: Tagger, make_data_set: MakeDataSet):
        folder = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
        (folder / "2.jpg").unlink()

        with pytest.raises(DataError, match=r"2\.jpg is not there\. Fix the row or pass --skip-bad-rows"):
            evaluate(tagger, folder)
        report = evaluate(tagger, folder, skip_bad_rows=True)

        assert report.photos == 1
        assert report.failed == (f"metadata.csv:3: {folder / '2.jpg'} is not there",)

    def test_without_any_readable_photo_there_is_no_report(self, tagger: Tagger, make_data_set: MakeDataSet):
        folder = make_data_set({"1.jpg": "dog"})
        (folder / "1.jpg").write_text("not a photo")

        with pytest.raises(DataError, match=r"none of 1 photos could be read; the first: row 2: .*1\.jpg"):
            evaluate(tagger, folder, skip_bad_rows=True)

    def test_a_bad_row_is_an_error_or_left_out(self, tagger: Tagger, make_data_set: MakeDataSet):
        folder = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
        with (folder / "metadata.csv").open("a") as file:
            file.write("1.jpg,\"['sea', \"\n")

        with pytest.raises(DataError, match=r"metadata\.csv:4"):
            evaluate(tagger, folder)
        assert evaluate(tagger, folder, skip_bad_rows=True).photos == 2


class TestJson:
    def refuse(self, constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    @pytest.fixture
    def empty_report(self, tagger: Tagger) -> Report:
        """Nothing is known of any photo, so that no mean exists."""
        return make_report(
            tagger, np.zeros((2, 6), np.float32), np.full((2, 6), UNKNOWN, np.uint8), data="d", split="all"
        )

    def test_what_is_not_a_number_becomes_null(self, empty_report: Report):
        plain = json.loads(json.dumps(empty_report.to_json()), parse_constant=self.refuse)

        assert (plain["map"], plain["macro_f1"], plain["calibration_error"], plain["at_five"]["f1"]) == (None,) * 4
        assert plain["tags"] == []

    def test_a_report_comes_back_from_json_as_it_was(self, case: Case):
        plain = json.loads(json.dumps(case.report.to_json()), parse_constant=self.refuse)

        assert plain == case.report.to_json()
        assert tuple(TagReport(**tag) for tag in plain["tags"]) == case.report.tags

    def test_a_summary_is_the_report_without_its_lists(self, case: Case):
        whole, summary = case.report.to_json(), case.report.summary()

        assert summary.items() <= whole.items()
        assert whole.keys() - summary.keys() == {"tags", "failed", "model"}
