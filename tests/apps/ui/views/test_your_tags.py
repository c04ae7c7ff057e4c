"""The view "Your tags": add a tag from photos, list and delete added tags, learn from corrections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.thumbnails import thumbnails_of
from vectortag.model.folder import read_model_folder
from vectortag.personal.added_tags import read_additions
from vectortag.personal.corrections import Correction, add_corrections, read_corrections

pytest.importorskip("streamlit")
Content = Callable[..., bytes]


@pytest.fixture
def view(draw: Any) -> Any:
    from vectortag.apps.ui.views import your_tags

    return lambda **session: draw(your_tags.show, **session)


def fill(page: Any, name: str, content: Content, *, shown: int = 3, keep: bool = False) -> None:
    """Fill the form."""
    page.text_input[0].set_value(name)
    for seed in range(shown):
        page.file_uploader[0].upload(f"{seed}.png", content(seed))
    page.checkbox[0].set_value(keep)
    page.run()
    assert not page.exception


def added(model: Path) -> list[str]:
    return [tag.name for tag in read_additions(read_model_folder(model)).tags]


class TestAdding:
    @pytest.mark.parametrize(("name", "shown"), [("", 3), ("   ", 3), ("pet", 2), ("pet", 0)])
    def test_a_tag_needs_a_name_and_three_photos(self, view: Any, content: Content, name: str, shown: int):
        page = view()

        fill(page, name, content, shown=shown)

        assert next(one for one in page.button if one.label == "Add the tag").disabled
        assert "A tag needs a name and at least 3 photos." in [one.value for one in page.caption]

    def test_a_tag_is_added_and_the_form_is_empty_again(
        self, view: Any, click: Any, content: Content, tiny_model: Path
    ):
        page = view()
        fill(page, "pet", content)

        page = click(page, "Add the tag")

        assert added(tiny_model) == ["pet"]
        assert page.success[0].value.startswith("pet: added from 3 photos. ")
        assert page.text_input[0].value == ""
        assert page.file_uploader[0].value == []

    def test_thumbnails_are_stored_only_if_they_are_wanted(
        self, view: Any, click: Any, content: Content, tiny_model: Path
    ):
        for name, keep in (("pet", False), ("car", True)):
            page = view()
            fill(page, name, content, keep=keep)
            click(page, "Add the tag")

        folder = read_model_folder(tiny_model)
        assert thumbnails_of(folder, "pet") == []
        assert len(thumbnails_of(folder, "car")) == 3

    def test_why_it_cannot_be_added_is_told_and_the_form_stays(
        self, view: Any, click: Any, content: Content, tiny_model: Path
    ):
        page = view()
        fill(page, "dog", content)

        page = click(page, "Add the tag")

        assert 'the tag "dog" exists already' in page.error[0].value
        assert page.text_input[0].value == "dog"
        assert added(tiny_model) == []

    def test_a_name_that_was_searched_for_in_vain_stands_in_the_form(self, view: Any):
        assert view(wanted_tag="x" * 100).text_input[0].value == "x" * 60
        assert view(wanted_tag="lantern").text_input[0].value == "lantern"


class TestAdded:
    @pytest.fixture
    def _pet(self, model: LoadedModel, content: Content) -> None:
        with model.changing() as tagger:
            tagger.add_tag("pet", [content(n) for n in range(3)], [content(9)], parents=["dog"])

    def test_without_one_that_is_said(self, view: Any):
        assert "No tag has been added to this model." in [one.value for one in view().info]

    @pytest.mark.usefixtures("_pet")
    def test_each_is_told_with_what_it_was_made_from(self, view: Any, said: Any):
        texts = said(view())

        assert "**pet**" in texts
        assert any(
            text.startswith("From 3 photos that show it and 1 that do not. It implies animal, dog. ") for text in texts
        )
        assert "No thumbnails of its photos are stored." in texts

    @pytest.mark.usefixtures("_pet")
    def test_one_is_deleted_after_asking(self, view: Any, click: Any, said: Any, tiny_model: Path):
        page = click(view(), "Delete")
        assert "**pet**, made from 3 photos, will be deleted with its thumbnails." in said(page)
        assert added(tiny_model) == ["pet"]


class TestCorrections:
    @pytest.fixture
    def corrected(self, make_photo: Callable[..., Path]) -> list[Path]:
        """Two photos, of which the second was corrected last."""
        photos = [make_photo(f"{seed}.jpg", seed=seed) for seed in range(2)]
        add_corrections([Correction(photos[0], "dog", False), Correction(photos[1], "boat", True)])
        return photos

    def test_without_one_there_is_nothing_to_learn(self, view: Any):
        page = view()

        assert "There are no corrections." in [one.value for one in page.info]
        assert next(one for one in page.button if one.label == "Learn from them").disabled
        assert "Undo the learning" not in [one.label for one in page.button]

    def test_the_last_ones_come_first_with_their_thumb(self, view: Any, said: Any, corrected: list[Path]):
        listed = [text for text in said(view()) if "thumb_" in text]

        assert listed == [":material/thumb_up: **boat**", ":material/thumb_down: **dog**"]

    def test_one_can_be_taken_back(self, view: Any, click: Any, corrected: list[Path]):
        click(view(), "back-0")

        assert [one.tag for one in read_corrections()] == ["dog"]
        assert corrected[1].exists()  # it is the person's own file, no copy of the page's

    def test_the_model_learns_and_forgets(self, view: Any, click: Any, corrected: list[Path], tiny_model: Path):
        page = click(view(), "Learn from them")
        assert "dog: " in page.success[0].value
        assert "of 1 corrected photos are right now" in page.success[0].value

        page = click(page, "Undo the learning")
        assert page.success[0].value == "The model is as it was before it learned from corrections."
        assert len(read_corrections()) == 2
        assert "Undo the learning" not in [one.label for one in page.button]

    def test_many_are_cut_and_the_rest_is_counted(self, view: Any, monkeypatch: pytest.MonkeyPatch, corrected: Any):
        from vectortag.apps.ui.views import your_tags

        monkeypatch.setattr(your_tags, "MAX_LISTED", 1)

        assert "… and 1 older ones. All of them: `vectortag corrections`" in [one.value for one in view().caption]
