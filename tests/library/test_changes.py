"""One decision on many photos, and its undoing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vectortag.core.errors import CorrectionError
from vectortag.library import changes
from vectortag.library.decisions import Decision
from vectortag.library.library import Library
from vectortag.personal.corrections import corrections_file, read_corrections


def decided(library: Library, tag: str) -> dict[int, Decision]:
    """The decisions on a tag, by the row of the photo."""
    photos = [library.photo(row) for row in library.rows()]
    return {one.row: one.decisions[tag] for one in photos if one is not None and tag in one.decisions}


def corrected(tag: str) -> dict[str, bool]:
    return {one.photo.name: one.has for one in read_corrections() if one.tag == tag}


def test_a_tag_is_accepted_on_the_named_photos_and_on_no_other(updated: Library):
    one, other, *_ = sorted(updated.rows())

    change = updated.accept_on([one, other], "puppy")  # a synonym

    assert (change.tag, change.photos) == ("dog", 2)
    assert decided(updated, "dog") == {one: Decision("accepted"), other: Decision("accepted")}
    assert set(corrected("dog").values()) == {True}
    assert {one, other} <= set(updated.rows("tag:dog"))


def test_undoing_brings_back_what_was_decided_before_and_what_was_corrected(updated: Library):
    one, other, *_ = sorted(updated.rows())
    updated.accept_on([one], "dog")
    before = corrected("dog")
    change = updated.reject_on([one, other], "dog")
    assert decided(updated, "dog") == {one: Decision("rejected"), other: Decision("rejected")}

    assert updated.undo(change) == 2

    assert decided(updated, "dog") == {one: Decision("accepted")}
    assert corrected("dog") == before
    assert updated.undo(change) == 0


def test_undoing_leaves_what_was_decided_later(updated: Library):
    one, other, *_ = sorted(updated.rows())
    change = updated.accept_on([one, other], "dog")
    updated.reject_on([one], "dog")

    assert updated.undo(change) == 1

    assert decided(updated, "dog") == {one: Decision("rejected")}
    assert list(corrected("dog").values()) == [False]


def test_a_photo_that_is_gone_or_unknown_is_left_out(updated: Library):
    one, gone, *_ = sorted(updated.rows())
    updated.database.execute("UPDATE photos SET gone = 1 WHERE id = ?", (gone,))

    assert updated.accept_on([one, gone, 99, 10**12], "dog").photos == 1


def test_two_files_of_one_content_are_decided_together_and_both_corrected(updated: Library, photos: Path, update):
    shutil.copy(photos / "a.jpg", photos / "copy.jpg")
    update()
    rows = updated.rows('file:"a.jpg"')

    updated.accept_on(rows + updated.rows('file:"copy.jpg"'), "dog")

    assert len(decided(updated, "dog")) == 2
    assert corrected("dog") == {"a.jpg": True, "copy.jpg": True}


def test_nothing_is_kept_if_the_corrections_cannot_be_stored(updated: Library):
    corrections_file().mkdir(parents=True)

    with pytest.raises(CorrectionError):
        updated.accept_on(updated.rows(), "dog")

    assert decided(updated, "dog") == {}


def test_more_photos_than_one_query_may_name(updated: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(changes, "AT_ONCE", 2)
    rows = sorted(updated.rows())

    change = updated.accept_on(rows, "dog")
    assert change.photos == len(rows) == 4
    assert updated.undo(change) == 4
    assert decided(updated, "dog") == {}
