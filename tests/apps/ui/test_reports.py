"""Reports of trainings, and the worst errors of a model on a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.apps.ui.reports import ReportPicture, find_reports, parts_of, read_per_tag, worst_mistakes
from vectortag.core.errors import DataError
from vectortag.model.folder import read_model_folder


class TestReports:
    def test_the_reports_of_trained_models_are_found(self, tiny_model, write_tiny_model, tmp_path, home, content):
        trained = write_tiny_model(tmp_path / "runs" / "mine")
        report = tmp_path / "runs" / "mine.run" / "report"
        report.mkdir(parents=True)
        (report / "README.md").write_text("# How\n\n![Curve](curve.png)\n\n![Gone](gone.png)\nEnd\n")
        (report / "curve.png").write_bytes(content())
        (report / "per_tag.csv").write_text("data,tag,f1\nset,sea,0.5\nset,sky,\n")

        assert find_reports([trained, read_model_folder(tiny_model)]) == {trained.id: report}
        assert list(parts_of(report)) == ["# How\n\n", ReportPicture(report / "curve.png", "Curve"), "\n\n", "\nEnd\n"]
        assert read_per_tag(report) == [
            {"data": "set", "tag": "sea", "f1": 0.5},
            {"data": "set", "tag": "sky", "f1": None},
        ]
        with pytest.raises(DataError, match="cannot be read"):
            list(parts_of(tmp_path))

    def test_the_worst_mistakes_are_those_furthest_on_the_wrong_side(
        self, tagger, tiny_model: Path, make_data_set: Callable[..., Path]
    ):
        folder = make_data_set({f"{n}.jpg": "dog" if n % 2 else "beach" for n in range(12)})

        found, what = worst_mistakes(read_model_folder(tiny_model), folder)

        assert what == "12 photos"
        assert found
        for one in found:
            score = tagger.tag(one.photo)[one.tag].score
            assert one.score == pytest.approx(score, abs=1e-5)
            assert (score >= one.threshold) != one.has
            assert one.has == (one.tag == ("dog" if int(one.photo.stem) % 2 else "beach")) or one.tag == "animal"
        assert max(sum(one.tag == tag for one in found) for tag in tagger.tags) <= 3
