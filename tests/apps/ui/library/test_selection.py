"""The photos that a visitor has ticked."""

from __future__ import annotations

from vectortag.apps.ui.library.selection import Selection


def test_the_ticks_of_one_page_leave_those_of_the_others():
    selection = Selection()
    selection.take_ticks([1, 2, 3], [1, 3])
    selection.take_ticks([4, 5], [5])
    assert selection.rows == {1, 3, 5}

    selection.take_ticks([1, 2, 3], [2])

    assert selection.rows == {2, 5}
    assert selection.revision == 0


def test_another_choice_is_told_to_the_grid():
    selection = Selection({1})

    selection.replace([7, 8])

    assert (selection.rows, selection.revision) == ({7, 8}, 1)
