"""Where the photos of a session come from: an upload, a shipped example, or the example in the page's address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import SessionPhotos

pytest.importorskip("streamlit")
Content = Callable[..., bytes]


@pytest.fixture
def uploading(draw: Any, model: LoadedModel) -> Any:
    """uploading(session_photos=...): a field for uploads, above the photos that came."""
    from vectortag.apps.ui.state import show_problems
    from vectortag.apps.ui.views import photo_sources

    def show() -> None:
        photo_sources.uploader()
        photo_sources.take_some(model)
        show_problems()
        photo_sources.photo_strip("strip", photo_sources.session_photos().photos.values())

    return lambda **options: draw(show, **options)


def names(page: Any) -> list[str]:
    return [photo.name for photo in page.session_state["session_photos"].photos.values()]


class TestUploads:
    def test_uploads_are_read_and_the_field_is_emptied(self, uploading: Any, content: Content):
        page = uploading()

        page.file_uploader[0].upload("a.png", content(1)).upload("b.png", content(2)).run()

        assert not page.exception
        assert names(page) == ["a.png", "b.png"]
        assert page.file_uploader[0].value == []
        assert [button.label for button in page.button] == ["a.png", "b.png"]

    def test_what_cannot_be_read_is_named_and_the_others_go_on(self, uploading: Any, content: Content):
        page = uploading()

        page.file_uploader[0].upload("letter.txt", b"dear").upload("b.png", content(2)).run()

        assert names(page) == ["b.png"]
        assert page.error[0].value.startswith("letter.txt")
        assert "not a photo in a known format" in page.error[0].value

    def test_the_field_takes_files_of_any_name(self, uploading: Any):
        assert uploading().file_uploader[0].allowed_type == []

    def test_one_photo_needs_no_strip(self, uploading: Any, content: Content):
        page = uploading()

        page.file_uploader[0].upload("a.png", content(1)).run()

        assert names(page) == ["a.png"]
        assert len(page.button) == 0


class TestChoosing:
    def test_another_photo_is_shown_without_the_tag_of_the_one_before(
        self, uploading: Any, click: Any, photos: SessionPhotos
    ):
        page = uploading(session_photos=photos, query={"tag": "dog", "photo": "cat"})
        last = list(photos.photos)[-1]

        click(page, f"strip:{last}")

        assert photos.chosen == last
        assert {"tag", "photo"}.isdisjoint(page.query_params)

    def test_an_example_is_in_the_address(self, draw: Any, click: Any):
        from vectortag.apps.ui.views import photo_sources

        page = draw(photo_sources.examples, "examples", query={"tag": "dog"})
        click(page, "examples:cat")

        assert names(page) == ["cat.jpg"]
        assert dict(page.query_params) == {"photo": "cat"}

    def test_clearing_leaves_nothing_of_the_photos(self, draw: Any, photos: SessionPhotos):
        from vectortag.apps.ui.views import photo_sources

        def show() -> None:
            photo_sources.queue().put([("a.png", b"x")])
            photo_sources.clear()

        page = draw(show, session_photos=photos, query={"tag": "dog", "photo": "cat", "model": "tiny"})

        assert photos.photos == {}
        assert page.session_state["queue"].left == 0
        assert dict(page.query_params) == {"model": "tiny"}


class TestLinkedExample:
    @pytest.mark.parametrize(("linked", "expected"), [("cat", ["cat.jpg"]), ("../cat", []), ("no such photo", [])])
    def test_the_example_in_the_address_is_opened(self, draw: Any, linked: str, expected: list[str]):
        from vectortag.apps.ui.views import photo_sources

        def show() -> None:
            photo_sources.open_linked_example()
            photo_sources.photo_count()

        assert names(draw(show, query={"photo": linked})) == expected

    def test_it_is_not_opened_again_after_the_photos_were_removed(self, draw: Any):
        from vectortag.apps.ui.views import photo_sources

        def show() -> None:
            photo_sources.open_linked_example()
            photo_sources.session_photos().clear()

        page = draw(show, query={"photo": "cat"})
        page.query_params["photo"] = "cat"

        assert names(page.run()) == []
