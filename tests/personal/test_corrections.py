"""Corrections are kept for all models, the last one of a photo and a tag counts, and each can be taken back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from vectortag.core.errors import CorrectionError
from vectortag.personal.corrections import (
    Correction,
    add_corrections,
    corrections_file,
    corrections_of,
    read_corrections,
    remove_correction,
    take_back_corrections,
    undo_corrections,
)

A, B = Path("/photos/a.jpg"), Path("/photos/Möwe \udce9.jpg")


def said(photo: Path, **tags: bool) -> list[Correction]:
    return [Correction(photo, tag, has) for tag, has in tags.items()]


def test_without_any_there_is_no_file(home: Path):
    assert read_corrections() == []
    assert not corrections_file().exists()
    assert corrections_file().parent == home


def test_they_come_back_as_they_were_said_also_of_a_path_that_is_not_utf_8():
    every = said(A, dog=True, sea=False) + said(B, dog=True)

    add_corrections(every)

    assert read_corrections() == every


def test_of_one_photo_and_tag_the_last_counts():
    add_corrections(said(A, dog=True, sea=True))
    add_corrections(said(B, dog=True))
    add_corrections(said(A, dog=False))

    assert read_corrections() == said(A, dog=False, sea=True) + said(B, dog=True)


def test_what_was_said_together_is_undone_together_and_what_was_said_before_counts_again():
    add_corrections(said(A, dog=True))
    add_corrections(said(A, dog=False, sea=True))

    assert undo_corrections() == said(A, dog=False, sea=True)
    assert read_corrections() == said(A, dog=True)
    assert undo_corrections() == said(A, dog=True)
    assert undo_corrections() == read_corrections() == []


def test_some_that_are_not_the_last_can_be_taken_back_by_their_number():
    first = add_corrections(said(A, dog=True, sea=True))
    second = add_corrections(said(A, dog=False))
    assert first != second

    take_back_corrections(first)

    assert read_corrections() == said(A, dog=False)


def test_all_of_one_tag_of_a_photo_can_be_removed():
    for has in (True, False):
        add_corrections(said(A, dog=has, sea=True) + said(B, dog=True))

    remove_correction(A, "dog")

    assert read_corrections() == said(A, sea=True) + said(B, dog=True)


def test_a_relative_path_is_that_of_the_file_wherever_the_next_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    add_corrections(said(Path("a.jpg"), dog=True))
    monkeypatch.chdir("/")

    assert read_corrections() == said(tmp_path / "a.jpg", dog=True)


def test_none_is_kept_where_one_cannot_be():
    wrong = Correction(A, "sea", object())  # type: ignore[arg-type]

    with pytest.raises(CorrectionError):
        add_corrections([*said(A, dog=True), wrong])

    assert read_corrections() == []


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\0" + bytes(100)])
def test_a_damaged_file_is_an_error_and_stays_as_it_is(content: bytes):
    corrections_file().parent.mkdir(parents=True, exist_ok=True)
    corrections_file().write_bytes(content)

    for use in (read_corrections, undo_corrections, lambda: add_corrections(said(A, dog=True))):
        with pytest.raises(CorrectionError, match="move it away to start again"):
            use()
    assert corrections_file().read_bytes() == content


def test_a_damaged_row_is_left_out_and_told(caplog: pytest.LogCaptureFixture):
    add_corrections(said(A, dog=True))
    with sqlite3.connect(corrections_file()) as database:
        database.execute("INSERT INTO corrections (said, photo, tag, has) VALUES (2, NULL, 'sea', 1)")
        database.execute("INSERT INTO corrections (said, photo, tag, has) VALUES (2, 'b.jpg', 'sea', 'yes')")
    database.close()

    assert read_corrections() == said(A, dog=True)
    assert "2 corrections are damaged and left out" in caplog.text


def test_a_folder_in_its_place_is_an_error():
    corrections_file().mkdir(parents=True)

    with pytest.raises(CorrectionError, match="cannot be kept or read"):
        read_corrections()


class TestOfACommand:
    def test_a_photo_has_or_has_not_each_tag_in_their_order(self):
        assert corrections_of(A, ["sea", "dog"], has={"dog"}, has_not={"sea"}) == said(A, sea=False, dog=True)

    def test_a_tag_that_is_both_is_an_error(self):
        with pytest.raises(CorrectionError, match=r'a\.jpg: "dog" is both a tag to add and a tag to remove'):
            corrections_of(A, ["dog"], has={"dog"}, has_not={"dog"})

    def test_no_tag_is_an_error(self):
        with pytest.raises(CorrectionError, match=r"a\.jpg: no tag is named"):
            corrections_of(A, [], has=(), has_not=())
