"""One photo with a heat map over it and its tags beside it."""

from __future__ import annotations

from typing import Any

import pytest

from vectortag.apps.ui.corrected_photos import copies_folder
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.core.types import Heatmap
from vectortag.personal.corrections import read_corrections

pytest.importorskip("streamlit")


@pytest.fixture
def view(draw: Any, photos: SessionPhotos, model: LoadedModel) -> Any:
    """view(query={"tag": "dog"}): the second of three photos."""
    from vectortag.apps.ui.views.photo_detail import photo_detail

    photos.chosen = list(photos.photos)[1]
    return lambda **options: draw(photo_detail, model, session_photos=photos, pages={}, **options)


def listed(page: Any) -> list[str]:
    """The tags of the list."""
    return [one.key.removeprefix("tags:") for one in page.button if one.key and one.key.count(":") == 1]


def test_the_best_tag_is_chosen_and_its_heat_map_is_over_the_photo(
    view: Any, said: Any, photos: SessionPhotos, model: LoadedModel
):
    tagging = photos.analyse(list(photos.photos.values())[1], model).tagging
    best = tagging.tags[0].tag

    page = view()

    assert listed(page)[: len(tagging.tags)] == [one.tag for one in tagging.tags]
    assert f"chosen tag: {best}" in said(page)
    assert f'picture: 1.png: where the model sees "{best}"' in said(page)
    assert any(text.startswith(f"**{best}** scores {tagging.tags[0].score:.2f}; ") for text in said(page))


def test_a_click_on_a_tag_puts_it_into_the_address(view: Any, click: Any, said: Any):
    page = click(view(), "tags:sea")

    assert dict(page.query_params) == {"tag": "sea"}
    assert "chosen tag: sea" in said(page)
    assert any("it has no threshold" in text for text in said(page))


def test_a_tag_of_another_model_in_the_address_is_left_aside(view: Any, said: Any):
    assert said(view(query={"tag": "lantern"})) == said(view())


def test_a_profile_and_a_threshold_of_ones_own_choose_what_is_found(view: Any, photos: SessionPhotos, model: Any):
    photo = list(photos.photos.values())[1]

    for profile in ("Precise", "Thorough"):
        found = photos.analyse(photo, model, profile.lower()).tagging.tags
        assert listed(view(query={"profile": profile}))[: len(found)] == [one.tag for one in found]
    page = view(query={"threshold": "0.0"})
    assert page.segmented_control("profile").value == "My threshold"
    assert page.slider("threshold").value == 0.0


def test_nothing_found_is_told_and_no_heat_map_is_drawn(view: Any, said: Any):
    texts = said(view(query={"threshold": "1.0"}))

    assert "No tag reaches its threshold. Click one to see its heat map." in texts
    assert "picture without a heat map: 1.png" in texts


def test_a_search_finds_names_and_synonyms_and_offers_what_there_is_not(view: Any, said: Any):
    assert listed(view(query={"search": "BOA"})) == ["boat"]
    assert listed(view(query={"search": "puppy"})) == ["dog"]
    assert listed(view(query={"search": "Hund"}, language="de")) == ["dog"]
    page = view(query={"search": "lantern"})
    assert 'No tag of this model is called "lantern".' in said(page)
    assert "From photos" in [button.label for button in page.button]


def test_downloads_name_what_they_hold(view: Any, photos: SessionPhotos, model: LoadedModel):
    for photo in photos.photos.values():
        photos.analyse(photo, model)

    assert [one.label for one in view().download_button] == [
        "Heat map",
        "3 photos' tags as JSON",
        "3 photos' tags as CSV",
    ]


class TestCorrections:
    def test_the_first_one_is_stored_only_after_asking(self, view: Any, click: Any, said: Any, photos: SessionPhotos):
        page = click(view(), "tags:dog:no")
        assert "**1.png** does not show **dog**." in said(page)
        assert read_corrections() == []
        assert not copies_folder().exists()

        page.session_state["correction"] = "dog", False  # a dialog is drawn again by itself; here, all is
        page = click(page, "Keep it")

        (stored,) = read_corrections()
        assert (stored.tag, stored.has) == ("dog", False)
        assert stored.photo.read_bytes() == list(photos.photos.values())[1].content
        assert "dog is wrong" in said(page.run())

    def test_a_refusal_stores_nothing(self, view: Any, click: Any):
        page = click(view(), "tags:dog:no")
        page.session_state["correction"] = "dog", False
        click(page, "Cancel")

        assert read_corrections() == []
        assert not copies_folder().exists()

    def test_a_second_click_on_the_same_thumb_takes_it_back_with_the_copy(self, view: Any, click: Any, said: Any):
        page = click(view(storing_allowed=True), "tags:dog:yes")
        assert [(one.tag, one.has) for one in read_corrections()] == [("dog", True)]
        assert "dog is right" in said(page)

        page = click(page, "tags:dog:yes")

        assert read_corrections() == []
        assert list(copies_folder().iterdir()) == []
        assert "dog is right" not in said(page)


def test_each_heat_map_is_drawn_once(photos: SessionPhotos, model: LoadedModel, monkeypatch: pytest.MonkeyPatch):
    from vectortag.apps.ui.views import photo_detail

    drawn: list[str] = []

    def draw_one(heatmap: Heatmap) -> str:
        drawn.append(heatmap.tag)
        return f"layer of {heatmap.tag}"

    monkeypatch.setattr(photo_detail, "layer_url", draw_one)
    analysis, known = photos.analyse(next(iter(photos.photos.values())), model), {}

    first = photo_detail.draw_layers(analysis, ["beach", "sea"], known)
    second = photo_detail.draw_layers(analysis, ["sea", "boat"], known)

    assert first == {"beach": "layer of beach", "sea": "layer of sea"}
    assert list(second) == ["sea", "boat"]
    assert drawn == ["beach", "sea", "boat"]
