"""The view "Data and training": the tags of a data set, training reports, and the worst errors of a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.model.folder import ModelFolder

pytest.importorskip("streamlit")
MakeDataSet = Callable[..., Path]


@pytest.fixture
def view(draw: Any) -> Any:
    from vectortag.apps.ui.views import reports

    return lambda **session: draw(reports.show, **session)


class TestDataSet:
    def test_without_one_it_says_how_to_name_one(self, view: Any):
        told = [one.value for one in view().info]

        assert told.count("Start the page with `vectortag ui --data FOLDER` to see a data set here.") == 2

    def test_tags_are_counted_with_what_they_imply(self, view: Any, said: Any, start: Any, make_data_set: MakeDataSet):
        start("--data", make_data_set({"1.jpg": "puppy", "2.jpg": "dog, boat", "3.jpg": "sky", "4.jpg": "sky"}))

        page = view()

        assert any(text.startswith("**4** photos, **") for text in said(page))
        rows = page.dataframe[0].value.set_index("tag")
        assert rows.loc["dog", "photos"] == 2
        assert rows.loc["animal", "photos"] == 2
        assert rows.loc["boat", "share"] == 25

    def test_a_search_finds_parts_of_names(self, view: Any, start: Any, make_data_set: MakeDataSet):
        start("--data", make_data_set({"1.jpg": "dog", "2.jpg": "hot dog", "3.jpg": "sky"}))

        page = view()
        page.text_input("data-search").set_value("DOG").run()

        assert set(page.dataframe[0].value["tag"]) == {"dog", "hot dog"}

    def test_what_is_wrong_with_it_is_counted_and_the_rest_is_shown(
        self, view: Any, said: Any, start: Any, make_data_set: MakeDataSet
    ):
        folder = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
        (folder / "2.jpg").unlink()
        with (folder / "metadata.csv").open("a") as file:
            file.write('3.jpg,"[broken"\n')
        start("--data", folder)

        page = view()

        assert [one.value for one in page.warning] == [
            "1 rows are unusable: `vectortag check` lists them",
            "1 photos are missing: `vectortag check` lists them",
        ]

    def test_a_set_that_cannot_be_read_is_an_error_and_the_page_stays(self, view: Any, start: Any, tmp_path: Path):
        (tmp_path / "metadata.csv").write_text("name,words\n1.jpg,dog\n")
        start("--data", tmp_path / "metadata.csv")

        page = view()

        assert "metadata.csv" in page.error[0].value
        assert page.title[0].value == "Data and training"


class TestReports:
    def test_without_one_it_says_what_writes_one(self, view: Any):
        assert any(one.value.startswith("No model here has a report.") for one in view().info)

    @pytest.fixture
    def report(
        self, write_tiny_model: Callable[..., ModelFolder], start: Any, content: Callable[..., bytes], tmp_path: Path
    ) -> Path:
        """The folder of a model's report, with text, a picture and figures of two tags."""
        start("--models", write_tiny_model(tmp_path / "mine").path)
        folder = tmp_path / "mine.run" / "report"
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(
            "# How mine was trained\n\n![Curve](curve.png)\n\n[link](http://evil.example)\n"
        )
        (folder / "curve.png").write_bytes(content())
        (folder / "per_tag.csv").write_text("data,tag,f1\nset,sea,0.5\nset,sky,\n")
        return folder

    @pytest.mark.usefixtures("report")
    def test_a_report_is_shown_below_the_title_of_the_page_with_its_figures(self, view: Any, said: Any):
        page = view()

        assert any(text.startswith("## How mine was trained") for text in said(page))
        assert not any("[link](http" in text for text in said(page))
        assert len(page.image) == 1
        rows = page.dataframe[-1].value.set_index("tag")
        assert rows.loc["sea", "f1"] == 0.5
        assert rows.loc["sky"].isna()["f1"]

    def test_a_report_that_cannot_be_read_is_an_error_and_the_page_stays(self, view: Any, report: Path):
        (report / "README.md").write_bytes(b"\xff")

        page = view()

        assert "README.md: cannot be read" in page.error[0].value
        assert page.title[0].value == "Data and training"


class TestWorstErrors:
    def test_photos_are_scored_only_when_asked(
        self, view: Any, said: Any, click: Any, start: Any, make_data_set: MakeDataSet
    ):
        start("--data", make_data_set({f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(6)}))
        page = view()
        assert not any("picture" in text for text in said(page))

        page = click(page, "Find the worst errors")

        assert any(text.startswith("picture: ") for text in said(page))
        assert any(": score 0." in text and "threshold 0." in text for text in said(page))

    def test_the_errors_of_one_tag_can_be_chosen(
        self, view: Any, said: Any, click: Any, start: Any, make_data_set: MakeDataSet
    ):
        start("--data", make_data_set({f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(12)}))
        page = click(view(), "Find the worst errors")
        chooser = next(one for one in page.selectbox if one.options[0] == "all tags")
        tag = chooser.options[-1]

        chooser.select(tag).run()

        pictures = [text for text in said(page) if text.startswith("picture: ")]
        assert pictures
        assert all(text.endswith(f'where the model sees "{tag}"') for text in pictures)
