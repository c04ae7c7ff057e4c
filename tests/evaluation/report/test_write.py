"""The report of a training: every file that its README names, made from the figures of the model."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import OutputError, PhotoError, TrainingError
from vectortag.core.types import UNKNOWN
from vectortag.data.records import read_data_set
from vectortag.data.training import Part
from vectortag.data.vocabulary import build_targets
from vectortag.evaluation.evaluate import make_report
from vectortag.inference.image_grid import GAP, TEXT
from vectortag.inference.tagger import Tagger
from vectortag.model.history import Epoch, Learning

KNOWN = ("animal", "beach", "dog", "sea", "vehicle")
FILES = {
    "README.md", "per_tag.csv", "learning_curve.png", "precision_recall.png", "reliability.png", "co_occurrence.png",
    "heatmaps.png",
}  # fmt: skip


@pytest.fixture
def report(need_module: Callable[[str], ModuleType]) -> Any:
    need_module("matplotlib")
    return need_module("vectortag.evaluation.report.write")


@pytest.fixture
def trained(report: Any, need_module: Callable[[str], ModuleType]) -> Any:
    epochs = tuple(Epoch(1 / n, 2 / n, 0.1 * n) for n in range(1, 4))
    return Learning(epochs, 1)


@pytest.fixture
def judging_tagger(write_tiny_model: Callable[..., Any], tmp_path: Path) -> Tagger:
    """The tiny model, after a training on the sets "one", which knew KNOWN, and "two", which knew "sea" alone."""
    info = {"train_photos": 9, "validation": ()}
    sets = [{"name": "one", "known": KNOWN, **info}, {"name": "two", "known": ("sea",), **info}]
    return Tagger.load(write_tiny_model(tmp_path / "model", data_sets=sets).path)


@pytest.fixture
def validation(report: Any, judging_tagger: Tagger, make_data_set: Callable[..., Path], need_module: Any) -> Any:
    """Twenty photos of each of the two sets."""
    generator = np.random.default_rng(0)
    words = {f"{n:02}.jpg": ", ".join(w for w in (*KNOWN, "boat") if generator.random() < 0.4) for n in range(20)}
    records, targets = [], []
    for name in ("one", "two"):
        data, info = read_data_set(make_data_set(words, name=name)), judging_tagger.folder.manifest.data_set(name)
        records += data.records
        taxonomy = judging_tagger.folder.manifest.taxonomy
        targets.append(build_targets(data.records, judging_tagger.tags, taxonomy, info.known))
    embeddings = np.stack([e for _, e in judging_tagger.embedder.embed_many(record.path for record in records)])
    part = Part(tuple(records), np.concatenate(targets))
    return report.Validation(judging_tagger, part, embeddings)


@pytest.fixture
def reports(judging_tagger: Tagger, validation: Any) -> list[Any]:
    scores, targets = judging_tagger.scores(validation.embeddings), validation.part.targets
    return [
        make_report(judging_tagger, scores[rows], targets[rows], data=name, split="val")
        for name, rows in (("one", slice(20)), ("two", slice(20, 40)))
    ]


@pytest.fixture
def written(report: Any, trained: Any, validation: Any, reports: list[Any], tmp_path: Path) -> Path:
    """The folder of a whole report."""
    report.write_report(tmp_path / "deep" / "report", trained, validation, reports)
    return tmp_path / "deep" / "report"


class TestFolder:
    def test_it_holds_the_report_and_nothing_half_written(self, written: Path):
        assert {file.name for file in written.iterdir()} == FILES

    def test_every_picture_can_be_opened_and_is_shown_by_the_readme(self, written: Path):
        shown = re.findall(r"!\[.+\]\((.+)\)", (written / "README.md").read_text())

        assert set(shown) == {name for name in FILES if name.endswith(".png")}
        for name in shown:
            with Image.open(written / name) as image:
                image.load()
                assert image.format == "PNG"

    def test_the_readme_says_which_model_and_which_epoch_it_is_about(self, written: Path, judging_tagger, trained):
        text = " ".join((written / "README.md").read_text().split())

        assert f"`{judging_tagger.folder.id}`, with 6 tags" in text
        assert f"Of 3 epochs the best, number 2, was kept: {trained.epochs[1]}." in text

    def test_the_readme_has_the_figures_of_each_set(self, written: Path, reports):
        table = [line for line in (written / "README.md").read_text().splitlines() if line.startswith("| ")]

        for line, report in zip(table[2:4], reports, strict=True):
            name, photos, precision, tags, micro, *_ = line.strip("| ").split(" | ")
            assert (name, photos, tags) == (report.data, "20", str(report.map_tags))
            assert (precision, micro) == (f"{100 * report.map:.1f}", f"{100 * report.micro_f1:.1f}")

    def test_the_readme_lists_the_best_and_the_worst_tags(self, written: Path, validation, report):
        text = (written / "README.md").read_text()
        section = text[text.index("## The best and the worst") : text.index("## Learning")]

        rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
        expected = report._judge(validation)
        ranked = [(expected.tagger.tags[n], str(expected.positives[n])) for n in expected.ranked]
        assert [(row[0], row[1]) for row in rows] == ranked[:3]
        assert [(row[3], row[4]) for row in rows] == ranked[:2:-1]

    def test_without_a_memory_of_the_training_its_curve_is_left_out(self, report, validation, reports, tmp_path: Path):
        report.write_report(tmp_path / "report", None, validation, reports)

        assert {file.name for file in (tmp_path / "report").iterdir()} == FILES - {"learning_curve.png"}
        assert "epoch" not in (tmp_path / "report/README.md").read_text().casefold()

    def test_an_old_report_is_replaced(self, written: Path, report, trained, validation, reports):
        before = {file: file.read_bytes() for file in written.iterdir()}
        (written / "per_tag.csv").write_text("old")

        report.write_report(written, trained, validation, reports)

        assert {file: file.read_bytes() for file in written.iterdir()} == before

    def test_a_file_that_cannot_be_completed_leaves_the_old_one(
        self, written: Path, report, trained, validation, reports, monkeypatch
    ):
        def stop(handle: int) -> None:
            raise OSError(28, "No space left on device")

        (written / "heatmaps.png").write_bytes(b"old")
        monkeypatch.setattr(os, "fsync", stop)

        with pytest.raises(TrainingError, match="the report cannot be written: No space left"):
            report.write_report(written, trained, validation, reports)
        assert (written / "heatmaps.png").read_bytes() == b"old"
        assert {file.name for file in written.iterdir()} == FILES

    def test_a_folder_that_cannot_be_made_is_an_error(self, report, trained, validation, reports, tmp_path: Path):
        (tmp_path / "taken").write_text("a file")

        with pytest.raises(OutputError, match=r"taken/report/README\.md: cannot be written: Not a directory"):
            report.write_report(tmp_path / "taken" / "report", trained, validation, reports)

    def test_a_photo_that_went_away_is_an_error_that_names_it(self, report, trained, validation, reports, tmp_path):
        for record in validation.part.records:
            record.path.unlink()

        with pytest.raises(PhotoError, match=r"\.jpg"):
            report.write_report(tmp_path / "report", trained, validation, reports)


class TestTable:
    def test_it_has_every_figure_of_every_tag_of_every_set(self, report, reports):
        rows = list(csv.DictReader(io.StringIO(report.per_tag(reports))))

        expected = [{"data": of.data, **asdict(tag)} for of in reports for tag in of.tags]
        assert len(rows) == len(expected) > 6
        for row, tag in zip(rows, expected, strict=True):
            assert row == {name: "" if value is None else str(value) for name, value in tag.items()}

    def test_a_figure_that_does_not_exist_is_empty(self, report, reports):
        rows = list(csv.DictReader(io.StringIO(report.per_tag(reports))))

        assert {row["threshold"] for row in rows if row["tag"] == "sea"} == {""}


class TestWhatIsShown:
    """The arrays that reach the figures, seen in their place."""

    @pytest.fixture
    def seen(self, report, trained, validation, reports, tmp_path: Path, monkeypatch) -> dict[str, tuple[Any, ...]]:
        calls: dict[str, tuple[Any, ...]] = {}

        def watch(name: str, draw: Callable[..., Any]) -> Callable[..., Any]:
            def note(*arguments: Any, **options: Any) -> Any:
                calls[name] = (*arguments, *options.values())
                return draw(*arguments, **options)

            return note

        for name in ("precision_recall_curves", "reliability_diagram", "co_occurrence_matrix", "learning_curve"):
            monkeypatch.setattr(report.plots, name, watch(name, getattr(report.plots, name)))
        report.write_report(tmp_path / "report", trained, validation, reports)
        return calls

    def test_tags_are_ranked_and_judged_by_the_sets_that_know_their_absence(self, seen, validation, report):
        together, best, worst, _ = seen["precision_recall_curves"]

        names = [name.split()[0] for name, _ in (*best, *worst)]
        precisions = [float(name.split()[1]) for name, _ in (*best, *worst)]
        assert sorted(names) == ["animal", "beach", "boat", "dog", "sea", "vehicle"]
        assert precisions == sorted(precisions, reverse=True)
        # A "dog" of the second set, which has no photo without a dog for certain, counts for nobody.
        targets = validation.part.targets.copy()
        assert (targets[20:, 2] == 1).any()
        targets[20:][:, ~(targets[20:] == 0).any(axis=0)] = UNKNOWN
        expected = report.precision_recall(validation.tagger.scores(validation.embeddings), targets)
        np.testing.assert_array_equal(together.recall, expected.recall)

    def test_the_operating_point_is_the_micro_average_at_the_models_thresholds(self, seen, validation, judging_tagger):
        recall, precision = seen["precision_recall_curves"][-1]

        scores, targets = judging_tagger.scores(validation.embeddings), validation.part.targets.copy()
        targets[20:][:, ~(targets[20:] == 0).any(axis=0)] = UNKNOWN
        decided = (scores >= judging_tagger.thresholds) & (targets != UNKNOWN)
        assert precision == pytest.approx((targets[decided] == 1).mean())
        assert recall == pytest.approx(decided[targets == 1].mean())

    def test_reliability_is_before_and_after_calibration(self, seen, validation, judging_tagger):
        before, after, errors = seen["reliability_diagram"]

        logits = judging_tagger.folder.head.logits(validation.embeddings)
        raw = 1 / (1 + np.exp(-logits.astype(float)))
        assert before.entries.sum() == after.entries.sum() < raw.size
        assert before.score[-1] == pytest.approx(raw[(raw >= 14 / 15) & judged(validation)].mean(), rel=1e-5)
        assert errors[0] != errors[1]

    def test_tags_that_come_together_are_counted_by_the_sets_that_know_them_outright(self, seen, validation):
        names, shares = seen["co_occurrence_matrix"]

        assert set(names) == set(KNOWN)  # "boat" is known outright by neither set
        first = validation.part.targets[:20]
        sea, dog = 3, 2
        assert shares[names.index("dog"), names.index("sea")] == pytest.approx(first[first[:, dog] == 1, sea].mean())

    def test_the_learning_curve_gets_the_epochs(self, seen, trained):
        assert seen["learning_curve"] == (trained,)


def judged(validation: Any) -> np.ndarray:
    targets = validation.part.targets
    known = targets != UNKNOWN
    known[20:] &= (targets[20:] == 0).any(axis=0)
    return known


class TestExamples:
    def test_each_tag_has_its_photo_beside_its_heat_map(self, written: Path):
        with Image.open(written / "heatmaps.png") as sheet:
            width, height = 300, 225
            assert sheet.size == (4 * width + 5 * GAP, 3 * (height + TEXT + 2 * GAP) + GAP)
            photo = sheet.crop((GAP, 2 * GAP + TEXT, GAP + width, 2 * GAP + TEXT + height))
            beside = sheet.crop((2 * GAP + width, 2 * GAP + TEXT, 2 * GAP + 2 * width, 2 * GAP + TEXT + height))
            difference = np.abs(np.asarray(photo, int) - np.asarray(beside, int))
        assert 5 < difference.mean() < 150

    @pytest.mark.parametrize(
        ("scores", "targets", "row"),
        [
            ([0.1, 0.9, 0.5, 0.7], [1, 1, 0, 1], 3),
            ([0.1, 0.9, 0.5, 0.7], [1, 1, 1, 1], 2),
            ([0.3, 0.2], [UNKNOWN, 1], 1),
        ],
    )
    def test_a_typical_photo_has_the_middle_score_of_those_that_have_the_tag(self, report, scores, targets, row):
        assert report.typical_photo(np.float32(scores), np.uint8(targets)) == row

    def test_without_any_tag_that_can_be_judged_the_report_says_so(self, report, trained, validation, tmp_path: Path):
        nobody = type(validation.part)(validation.part.records, np.full_like(validation.part.targets, UNKNOWN))
        unjudged = report.Validation(validation.tagger, nobody, validation.embeddings)

        report.write_report(tmp_path / "report", trained, unjudged, [])

        assert {file.name for file in (tmp_path / "report").iterdir()} == FILES
