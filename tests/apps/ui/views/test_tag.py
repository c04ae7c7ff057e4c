"""The view "Tag": upload photos, see their tags and heat maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vectortag.apps.ui import state
from vectortag.apps.ui.session_photos import SessionPhotos

pytest.importorskip("streamlit")


@pytest.fixture
def view(draw: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from vectortag.apps.ui.views import tag

    monkeypatch.setattr(tag, "FIRST", 60.0)  # so that all photos are there at the first look
    return lambda **options: draw(tag.show, pages={}, **options)


def test_without_photos_there_is_a_welcome_and_no_list(view: Any, monkeypatch: pytest.MonkeyPatch):
    asked: list[bool] = []
    from vectortag.apps.ui.views import tag

    monkeypatch.setattr(tag, "load_ahead", lambda: asked.append(True))

    page = view()

    assert page.title[0].value == "What is in your photos?"
    assert len(page.selectbox) == 0
    assert asked == [True]  # the model is loaded while the visitor looks for a photo


def test_an_upload_is_shown_with_its_tags(view: Any, said: Any, content: Callable[..., bytes]):
    page = view()

    page.file_uploader[0].upload("a.png", content(1)).run()

    assert not page.exception
    assert any(text.startswith("picture: a.png: where the model sees ") for text in said(page))
    assert "What is in your photos?" not in said(page)
    assert [one.placeholder for one in page.text_input] == ["Search all 6 tags"]  # one photo is not searched for


def test_several_photos_have_a_strip_and_a_search(view: Any, said: Any, photos: SessionPhotos):
    page = view(session_photos=photos)

    assert [button.label for button in page.button if button.key and button.key.startswith("photos:")] == [
        "0.png",
        "1.png",
        "2.png",
    ]
    assert "Find among these photos by words" in [one.placeholder for one in page.text_input]
    assert "chosen photo: 0.png" in said(page)


def test_clear_leads_back_to_the_welcome(view: Any, click: Any, said: Any, photos: SessionPhotos):
    page = click(view(session_photos=photos, query={"tag": "dog"}), "Clear")

    assert "What is in your photos?" in said(page)
    assert "tag" not in page.query_params


def test_where_no_upload_can_be_read_that_is_told_and_others_may_come(view: Any, said: Any):
    page = view()

    page.file_uploader[0].upload("letter.txt", b"dear").run()

    assert not page.exception
    assert any(text.startswith("letter.txt") for text in said(page))
    assert "What is in your photos?" in said(page)
    assert len(page.file_uploader) == 1
    assert not page.run().error  # it is told once


def test_the_example_in_the_address_is_opened(view: Any, said: Any):
    assert any("picture" in text and "cat.jpg" in text for text in said(view(query={"photo": "cat"})))


def test_without_any_model_it_says_how_to_get_one(view: Any, photos: SessionPhotos, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state, "find_model_paths", lambda _: [])

    assert "There is no model." in view(session_photos=photos).error[0].value
