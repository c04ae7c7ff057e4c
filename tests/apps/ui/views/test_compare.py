"""The view "Compare": one tag of one photo in two or three models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.ui import state
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.model.folder import ModelFolder
from vectortag.model.taxonomy import Taxonomy

pytest.importorskip("streamlit")
OTHER_TAGS = ("animal", "shore", "dog", "sea", "boat", "vehicle")


@pytest.fixture
def other(write_tiny_model: Callable[..., ModelFolder], tmp_path: Path) -> ModelFolder:
    """A second model, which has the tag "shore" in the place of "beach"."""
    return write_tiny_model(tmp_path / "other", name="other", tags=OTHER_TAGS, taxonomy=Taxonomy())


@pytest.fixture
def view(draw: Any, tiny_model: Path, other: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> Any:
    from vectortag.apps.ui.views import compare

    monkeypatch.setattr(state, "find_model_paths", lambda _: [tiny_model, other.path])
    return lambda **options: draw(compare.show, **options)


def test_without_a_photo_one_can_be_uploaded_or_an_example_taken(view: Any, click: Any):
    page = view()
    assert len(page.file_uploader) == 1

    page = click(page, "compare-examples:cat")

    assert "photo" in page.query_params
    assert len(page.dataframe) == 1


def test_where_no_upload_can_be_read_that_is_told_and_others_may_come(view: Any):
    page = view()

    page.file_uploader[0].upload("letter.txt", b"dear").run()

    assert not page.exception
    assert page.error[0].value.startswith("letter.txt")
    assert len(page.file_uploader) == 1


def test_each_model_shows_the_tag_with_its_own_score(
    view: Any, said: Any, photos: SessionPhotos, model: LoadedModel, other: ModelFolder
):
    texts = said(view(session_photos=photos, query={"tag": "dog"}))

    for name, one in (("tiny", model), ("other", LoadedModel(other))):
        assert f'picture: 0.png: where {name} sees "dog"' in texts
        dog = photos.analyse(photos.photos[photos.chosen or ""], one).tagging["dog"]
        verdict = (
            "Found" if "dog" in {tag.tag for tag in photos.analyse(photos.photo, one).tagging.tags} else "Not found"
        )
        assert any(text.startswith(f"**{verdict}**: {dog.score:.2f}") for text in texts)


def test_a_model_without_the_tag_says_so_beside_the_photo(view: Any, said: Any, photos: SessionPhotos):
    texts = said(view(session_photos=photos, query={"tag": "shore"}))

    assert 'picture without a heat map: 0.png: where tiny sees "shore"' in texts
    assert "This model has no tag **shore**." in texts
    assert 'picture: 0.png: where other sees "shore"' in texts


def test_all_tags_of_all_models_can_be_chosen_and_the_address_keeps_one(view: Any, photos: SessionPhotos):
    page = view(session_photos=photos, query={"tag": "no such tag"})
    (chooser,) = page.selectbox

    assert set(chooser.options) == {*OTHER_TAGS, "beach"}
    assert page.query_params["tag"] == chooser.options[0]  # the one with the highest score

    chooser.select("sea").run()
    assert page.query_params["tag"] == "sea"


def test_the_table_has_what_any_model_finds_and_no_score_where_a_model_has_no_such_tag(
    view: Any, photos: SessionPhotos, model: LoadedModel, other: ModelFolder
):
    photo = photos.photos[photos.chosen or ""]
    found = [{one.tag for one in photos.analyse(photo, each).tagging.tags} for each in (model, LoadedModel(other))]

    table = view(session_photos=photos).dataframe[0].value.set_index("tag")

    assert set(table.index) == set().union(*found)
    assert list(table.columns) == ["tiny", "other"]
    for tag in {"beach", "shore"} & set(table.index):
        assert table.loc[tag].isna().sum() == 1


def test_at_most_three_models_are_compared_and_one_alone_may_be(view: Any, photos: SessionPhotos):
    page = view(session_photos=photos)
    page.multiselect("models").set_value(["other"]).run()

    assert list(page.dataframe[0].value.columns) == ["tag", "other"]
    assert page.multiselect("models").proto.max_selections == 3
