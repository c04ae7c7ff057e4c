"""A word on many photos of the library, and its undoing."""

from __future__ import annotations

from vectortag.apps.ui.library_word import say, take_back


def verdicts(opened, tag: str) -> dict[int, str]:
    with opened.using() as library:
        photos = [library.photo(row) for row in range(1, 8)]
    return {one.row: one.decisions[tag].verdict for one in photos if tag in one.decisions}


def test_a_tag_is_accepted_on_all_named_photos_and_others_keep_theirs(opened):
    done: list[int] = []

    say(opened, [1, 3], "boat", has=True, progress=done.append)

    assert verdicts(opened, "boat") == {1: "accepted", 3: "accepted"}
    assert done == [1, 2]


def test_undoing_brings_back_what_was_decided_before(opened):
    say(opened, [1], "boat", has=True)
    word = say(opened, [1, 2], "boat", has=False)
    assert verdicts(opened, "boat") == {1: "rejected", 2: "rejected"}

    take_back(opened, word)

    assert verdicts(opened, "boat") == {1: "accepted"}


def test_a_photo_that_is_gone_is_left_out(opened):
    say(opened, [99, 2], "boat", has=True)

    assert verdicts(opened, "boat") == {2: "accepted"}
