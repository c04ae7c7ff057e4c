"""The view "Models": the models to choose from, and their figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.ui import state
from vectortag.apps.ui.documents import as_text
from vectortag.model.folder import CARD, ModelFolder

pytest.importorskip("streamlit")
FIGURES = {"photos": 1234, "map": 0.625, "micro_f1": 0.5, "calibration_error": 0.03}


@pytest.fixture
def view(draw: Any) -> Any:
    from vectortag.apps.ui.views import models

    return lambda **session: draw(models.show, **session)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """offered(folder, ...): the model folders to choose from."""
    return lambda *paths: monkeypatch.setattr(state, "find_model_paths", lambda _: list(paths))


def test_a_model_is_told_with_its_size_its_tags_and_their_thresholds(view: Any, said: Any, tiny_model: Path):
    page = view()

    assert page.subheader[0].value == "tiny"
    about = next(text for text in said(page) if text.startswith("6 tags"))
    assert about.startswith("6 tags, two convolutions, 32 pixels, 0.0 MB  \n`tiny@")
    assert f"`{tiny_model}`" in about
    rows = page.dataframe[0].value.set_index("tag")
    assert rows.loc["dog", "parents"] == "animal"
    assert list(rows.loc["dog", ["precise", "balanced", "thorough"]]) == [0.7, 0.5, 0.3]
    assert rows.loc["sea", ["precise", "balanced", "thorough"]].isna().all()


def test_figures_of_its_data_sets_are_in_percent_and_missing_ones_are_left_out(
    view: Any, offered: Any, write_tiny_model: Callable[..., ModelFolder], tmp_path: Path
):
    sets = [{"name": "holiday", "train_photos": 10, "known": ("dog",), "validation": ()}]
    offered(write_tiny_model(tmp_path / "mine", data_sets=sets, metrics={"holiday": FIGURES, "cross_fitted": {}}).path)

    figures = view().dataframe[0].value.to_dict("records")

    assert figures == [
        {"data set": "holiday", "photos": 1234, "mAP": 62.5, "micro F1": 50.0, "calibration error": 0.03}
    ]


def test_a_card_is_shown_below_the_headings_of_the_page_and_loads_nothing(
    view: Any, offered: Any, said: Any, write_tiny_model: Callable[..., ModelFolder], tmp_path: Path
):
    card = "# Mine\n\n![x](http://evil.example/x.png) <script>\n"
    offered(write_tiny_model(tmp_path / "mine", card=lambda manifest: card).path)

    text = next(text for text in said(view()) if "Mine" in text)

    assert text.startswith("##")
    assert "![x](http" not in text
    assert text.endswith(r"\<script>")


def test_a_model_without_a_card_says_so(
    view: Any, offered: Any, said: Any, write_tiny_model: Callable[..., ModelFolder], tmp_path: Path
):
    folder = write_tiny_model(tmp_path / "mine").path
    offered(folder)
    before = view()
    (folder / CARD).unlink()

    assert "This model folder has no card." not in said(before)
    assert "This model folder has no card." in said(before.run())


def test_a_folder_that_cannot_be_used_is_named_and_the_others_are_shown(
    view: Any, offered: Any, tiny_model: Path, tmp_path: Path
):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{}")
    offered(tmp_path / "broken", tiny_model)

    page = view()

    assert "broken" in page.warning[0].value
    assert [one.value for one in page.subheader] == ["tiny"]


def test_two_models_of_one_name_are_told_apart(
    view: Any, offered: Any, tiny_model: Path, write_tiny_model: Callable[..., ModelFolder], tmp_path: Path
):
    other = write_tiny_model(tmp_path / "other", tags=("animal", "shore", "dog", "sea", "boat", "vehicle"))
    offered(tiny_model, other.path)

    assert [one.value for one in view().subheader] == ["tiny", as_text(other.id)]


def test_a_button_takes_the_model_to_the_photos(view: Any, click: Any, switched: list[str]):
    page = click(view(pages={"tag": "tag page"}), "Tag with it")

    assert page.session_state["model"] == "tiny"
    assert switched == ["tag page"]
