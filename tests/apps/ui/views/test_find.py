"""The search among the photos of the session: its fields, and what it says of its result."""

from __future__ import annotations

from typing import Any

import pytest

from vectortag.apps.ui import state
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.model.folder import ModelFolder

pytest.importorskip("streamlit")


@pytest.fixture
def view(draw: Any, photos: SessionPhotos, model: LoadedModel) -> Any:
    """view(query={"find": "dog"}): the fields, and the names of the photos that they find as a text."""
    import streamlit as st

    from vectortag.apps.ui.views import find

    def show() -> None:
        search = find.search_box(model)
        st.text(f"{search.sentence!r}: " + " ".join(photo.name for photo in find.search_results(search, model)))

    return lambda **options: draw(show, session_photos=photos, **options)


def shown(page: Any) -> list[str]:
    return page.text[0].value.partition(": ")[2].split()


def with_tag(photos: SessionPhotos, model: LoadedModel, tag: str) -> list[str]:
    """The photos that have the tag, by the model itself."""
    analyses = {photo.name: photos.analyse(photo, model) for photo in photos.photos.values()}
    return [name for name, one in analyses.items() if tag in {found.tag for found in one.tagging.tags}]


def test_without_a_query_all_photos_are_shown_and_nothing_is_said(view: Any):
    page = view()

    assert shown(page) == ["0.png", "1.png", "2.png"]
    assert len(page.markdown) == len(page.warning) == 0


def test_tags_choose_photos_and_a_line_says_how_many(view: Any, photos: SessionPhotos, model: LoadedModel):
    tag = next(tag for tag in model.tagger().tags if 0 < len(with_tag(photos, model, tag)) < 3)
    expected = with_tag(photos, model, tag)

    page = view()
    page.multiselect("find-has").select(tag).run()
    assert shown(page) == expected
    assert page.markdown[0].value == f"{len(expected)} of 3 photos with **{tag}**."

    page.multiselect("find-has").unselect(tag).run()
    page.multiselect("find-not").select(tag).run()
    assert sorted([*shown(page), *expected]) == ["0.png", "1.png", "2.png"]
    assert page.markdown[0].value == f"{3 - len(expected)} of 3 photos without **{tag}**."


def test_a_new_search_opens_its_best_match_and_a_second_look_leaves_the_photo_that_was_chosen(
    view: Any, photos: SessionPhotos, model: LoadedModel
):
    tag = next(tag for tag in model.tagger().tags if "0.png" not in (found := with_tag(photos, model, tag)) and found)
    page = view(query={"tag": "dog"})

    page.multiselect("find-has").select(tag).run()
    assert photos.photo is not None
    assert photos.photo.name == with_tag(photos, model, tag)[0]
    assert "tag" not in page.query_params

    photos.chosen = next(iter(photos.photos))
    page.run()
    assert photos.photo.name == "0.png"


def test_tags_are_named_in_the_visitors_language_and_a_sentence_may_be_a_tag_of_it(view: Any):
    page = view(query={"find": "Hund"}, language="de", **{"find-has": ["dog"]})

    assert page.multiselect("find-has").options[2] == "Hund"
    assert page.text[0].value.startswith("'dog': ")
    assert "**Hund**" in page.markdown[0].value


def test_a_model_without_words_says_what_to_do_and_which_model_knows_some(
    view: Any, worded: ModelFolder, monkeypatch: pytest.MonkeyPatch
):
    (alone,) = view(query={"find": "dog"}).warning
    assert "Teach it" in alone.value
    assert "Or choose" not in alone.value

    monkeypatch.setattr(state, "find_model_paths", lambda _: [worded.path])
    page = view(query={"find": "dog"})
    assert page.warning[0].value.endswith(". Or choose a model that knows words: **tiny**")
    assert shown(page) == ["0.png", "1.png", "2.png"]
    assert len(page.markdown) == 0


def test_a_sentence_ranks_all_photos(draw: Any, photos: SessionPhotos, worded: ModelFolder):
    from vectortag.apps.ui.views import find

    model = LoadedModel(worded)

    page = draw(
        lambda: find.search_results(find.search_box(model), model), session_photos=photos, query={"find": "dog"}
    )

    assert page.markdown[-1].value == "All 3 photos, best match first: **dog**"
