"""What an update still has to do follows from the rows alone, page by page while they are written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from made_photos import photo
from synthetic_library import MadePhoto

from vectortag.library import unfinished
from vectortag.library.library import Library
from vectortag.library.unfinished import count_unfinished, is_analysed, photos_to_analyse, photos_to_read

THIS_MODEL, OTHER_MODEL = 1, 2


@pytest.fixture
def begun(make: Callable[..., Library]) -> Library:
    """Two photos to read, three to analyse, and one each that is done, broken, gone and offline."""
    library = make(
        photo("done.jpg", dog=0.9),
        *(MadePhoto(f"{name}.jpg") for name in ("read3", "read1", "read2", "b", "a")),
        MadePhoto("broken.jpg"),
        MadePhoto("gone.jpg", gone=True),
        MadePhoto("usb.jpg", "/usb"),
        offline=["/usb"],
    )
    library.database.execute("UPDATE photos SET content = NULL WHERE path IN ('a.jpg', 'b.jpg', 'usb.jpg')")
    library.database.execute("UPDATE photos SET error = 'not a photo', content = NULL WHERE path = 'broken.jpg'")
    return library


def paths(library: Library, rows: list[int]) -> list[str]:
    found = [library.database.execute("SELECT path FROM photos WHERE id = ?", (row,)).fetchone() for row in rows]
    return [path for (path,) in found]


@pytest.mark.parametrize("page", [1, 2, 100])
def test_photos_are_read_by_path_and_analysed_by_row_whatever_the_page(
    begun: Library, monkeypatch: pytest.MonkeyPatch, page: int
):
    monkeypatch.setattr(unfinished, "PAGE", page)

    assert [path for _, _, path in photos_to_read(begun.database)] == ["a.jpg", "b.jpg"]
    to_analyse = [row for row, *_ in photos_to_analyse(begun.database, THIS_MODEL)]
    assert paths(begun, to_analyse) == ["read3.jpg", "read1.jpg", "read2.jpg"]
    assert count_unfinished(begun.database, THIS_MODEL) == 5


def test_what_is_written_between_two_pages_is_not_given_again(begun: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unfinished, "PAGE", 1)
    given = []

    for row, _, path in photos_to_read(begun.database):
        given.append(path)
        begun.database.execute("UPDATE photos SET content = randomblob(16) WHERE id = ?", (row,))

    assert given == ["a.jpg", "b.jpg"]
    assert list(photos_to_read(begun.database)) == []
    assert count_unfinished(begun.database, THIS_MODEL) == 5  # now all five are to be analysed


def test_a_new_model_has_to_see_every_content(begun: Library):
    assert len(list(photos_to_analyse(begun.database, OTHER_MODEL))) == 4
    (content,) = begun.database.execute("SELECT content FROM photos WHERE path = 'done.jpg'").fetchone()
    assert is_analysed(begun.database, content, THIS_MODEL)
    assert not is_analysed(begun.database, content, OTHER_MODEL)
    assert not is_analysed(begun.database, b"another content!", THIS_MODEL)


def test_a_drive_that_is_back_has_its_photos_to_read(begun: Library):
    begun.database.execute("UPDATE roots SET state = 'online'")

    assert [path for _, _, path in photos_to_read(begun.database)] == ["a.jpg", "b.jpg", "usb.jpg"]
