"""What a visitor does with all ticked photos at once: add, remove and rename a tag, and undo it."""

from __future__ import annotations

from typing import Any

import pytest

from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.selection import Selection

pytest.importorskip("streamlit")


@pytest.fixture
def bar(draw: Any, opened: OpenLibrary) -> Any:
    """bar({1, 2}): with these photos ticked, of all that there are."""
    from vectortag.apps.ui.views.library_selected import selected_bar

    return lambda ticked=(): draw(selected_bar, opened, None, 7, selection=Selection(set(ticked)))


def verdicts(opened: OpenLibrary, tag: str) -> dict[int, str]:
    """What was decided on a tag, by row."""
    with opened.using() as library:
        found = ((row, library.photo(row)) for row in library.rows())
        return {row: one.decisions[tag].verdict for row, one in found if one is not None and tag in one.decisions}


def press(page: Any, label: str, tag: str) -> Any:
    """Choose a tag, and press a button."""
    page.selectbox("selected-tag").set_value(tag).run()
    next(one for one in page.button if one.label == label).click().run()
    assert not page.exception
    return page


def test_nothing_can_be_done_where_nothing_is_ticked(bar: Any, said: Any):
    page = bar()

    assert "Tick photos to tag many at once; shift takes all between." in said(page)
    assert [one.label for one in page.button] == ["Tick all 7 found"]


def test_all_that_were_found_are_ticked_and_cleared_at_once(bar: Any, click: Any, said: Any, opened: OpenLibrary):
    page = click(bar({1}), "Tick all 7 found")
    assert page.session_state["selection"].rows == set(opened.rows(None))
    assert "**7 photos ticked**" in said(page)
    assert "Tick all 7 found" not in [one.label for one in page.button]

    page = click(page, "Clear")
    assert page.session_state["selection"].rows == set()


def test_a_button_waits_for_a_tag(bar: Any):
    page = bar({1})

    assert "**1 photo ticked**" in [one.value for one in page.markdown]
    assert page.button("selected-add").disabled
    assert page.button("selected-remove").disabled


def test_a_tag_is_added_to_the_ticked_photos_alone_and_undone(bar: Any, click: Any, opened: OpenLibrary):
    some = opened.rows(None)[:2]

    page = press(bar(some), "Add", "dog")
    assert verdicts(opened, "dog") == dict.fromkeys(some, "accepted")

    page = click(page, "Undo: dog added to 2 photos")
    assert verdicts(opened, "dog") == {}
    assert "undo" not in [one.key for one in page.button]


def test_a_word_of_ones_own_is_a_tag_like_others(bar: Any, opened: OpenLibrary):
    first, second = opened.rows(None)[:2]
    opened.change(lambda library: library.accept_on([first], "Anna", own=True))

    press(bar({second}), "Add", "Anna")

    assert verdicts(opened, "Anna") == {first: "accepted", second: "accepted"}


def test_a_tag_is_removed(bar: Any, opened: OpenLibrary):
    some = opened.rows(None)[:3]

    page = press(bar(some), "Remove", "sea")

    assert verdicts(opened, "sea") == dict.fromkeys(some, "rejected")
    assert "Undo: sea removed from 3 photos" in [one.label for one in page.button]


def test_a_tag_is_renamed_where_it_is_shown(bar: Any, opened: OpenLibrary):
    one, other = opened.rows(None)[:2]
    opened.change(lambda library: library.accept_on([one], "dog"))
    opened.change(lambda library: library.reject_on([other], "dog"))
    page = bar({one, other})
    page.selectbox("selected-tag").set_value("dog").run()
    assert page.button("selected-check").disabled  # it needs a name

    page.text_input("selected-name").set_value("Rex").run()
    page = press(page, "Rename it", "dog")

    assert "Undo: dog called Rex on 1 photo" in [one.label for one in page.button]
    with opened.using() as library:
        names = {row: library.photo(row).decisions["dog"].renamed_to for row in (one, other)}
    assert names == {one: "Rex", other: None}
