"""Paths as one text: what a name, a path and a file name are found by."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest
from made_photos import found, photo

from vectortag.core.errors import QueryError
from vectortag.library.path_text import PathText
from vectortag.library.photo_table import PhotoTable

PATHS = ("2019/Anna's birthday/IMG_0001.JPG", "Annas/x.jpg", "Straße/Ω.png", "50%_off/a b.jpg")


def path_text(*paths: str, root: str = "/mnt/My Photos", ids: Sequence[int] | None = None) -> PathText:
    """The text of these paths; `ids` are the rows of a table in its own order, from 1."""
    database = sqlite3.connect(":memory:")
    database.executescript("CREATE TABLE roots (id, path); CREATE TABLE photos (id, root, path, gone)")
    database.execute("INSERT INTO roots VALUES (1, ?)", (root,))
    database.executemany("INSERT INTO photos VALUES (?, 1, ?, NULL)", enumerate(paths, start=1))
    rows = np.array(ids or range(1, len(paths) + 1), np.int64)
    return PathText.read(database, PhotoTable(rows, np.empty(0, np.uint64), np.full(len(rows), -1, np.intp)))


def rows_of(found: np.ndarray) -> list[int]:
    return np.flatnonzero(found).tolist()


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("anna", [0]),
        ("Anna's birthday", [0]),
        ("birthday anna", []),
        ("birthday img", []),  # a slash is between them
        ("STRASSE", [2]),
        ("ω", [2]),
        ("50 off", [3]),
        ("jpg", [0, 1, 3]),
        ("my photos", [0, 1, 2, 3]),  # the folder that was added
        ("mnt", []),  # what is above it
        ("%", []),
        ("", []),
    ],
)
def test_words_are_found_side_by_side_in_one_name(words: str, rows: list[int]):
    assert rows_of(path_text(*PATHS).with_words(words)) == rows


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("anna", [0, 1]),
        ("nna", []),
        ("2019/anna's", [0]),
        ("50%", [3]),
        ("50_", []),
        ("strasse/", [2]),
        ("/mnt/my photos/anna", [1]),
        ("/my photos", []),
    ],
)
def test_a_path_is_found_from_the_beginning_of_a_name_on(path: str, rows: list[int]):
    assert rows_of(path_text(*PATHS).with_path(path)) == rows


@pytest.mark.parametrize(
    ("name", "rows"), [("img_0", [0]), ("anna", []), ("g", [0, 1, 2, 3]), ("_", [0]), ("a b", [3])]
)
def test_a_file_name_is_found_by_any_part_of_it(name: str, rows: list[int]):
    assert rows_of(path_text(*PATHS).with_file_name(name)) == rows


def test_what_is_found_is_in_the_order_of_the_table():
    text = path_text("a.jpg", "b.jpg", "c.jpg", ids=[3, 1, 2])

    assert rows_of(text.with_file_name("c")) == [0]
    assert rows_of(text.with_words("b jpg")) == [2]


def test_in_no_photos_nothing_is_found():
    text = path_text()

    assert text.with_words("a").shape == text.with_path("a").shape == text.with_file_name("a").shape == (0,)


def test_names_of_folders_and_files_are_found_by_their_words(make):
    library = make(
        photo("2019/Anna's birthday/IMG_0001.JPG"),
        photo(unicodedata.normalize("NFD", "2020/Zoë & Ömer's Fest/x.jpg")),
        photo("2020/Annas Birth-Day/y.jpg"),
        photo("y.jpg", root="/media/Anna’s birthday"),
    )

    assert [str(one.path) for one in library.search("Anna's birthday").matches] == [
        "/photos/2019/Anna's birthday/IMG_0001.JPG",
        "/media/Anna’s birthday/y.jpg",
    ]
    assert len(found(library, '"zoë ömer" fest')) == 1
    assert len(found(library, "ANNA")) == 2
    assert found(library, "0001") == ["2019/Anna's birthday/IMG_0001.JPG"]
    with pytest.raises(QueryError, match="is no tag, keyword, folder or file"):
        library.search("not ann")


def test_path_and_file_take_every_character_as_it_is(make):
    paths = [
        "holiday/a.jpg",
        "my holiday/b.jpg",
        "50%/c.jpg",
        "50x/d_1.jpg",
        "50/d%1.jpg",
        "old (1)/e'1.jpg",
        'q"x/f.jpg',
    ]
    library = make(*map(photo, paths))

    assert found(library, "path:holiday/") == ["holiday/a.jpg"]
    assert found(library, 'path:"my holiday/"') == ["my holiday/b.jpg"]
    assert found(library, "path:50%/") == ["50%/c.jpg"]
    assert found(library, "file:d_1") == ["50x/d_1.jpg"]
    assert found(library, "file:%") == ["50/d%1.jpg"]
    assert found(library, "path:old") == found(library, 'path:"old (1)"') == found(library, "file:e'1") == [paths[5]]
    assert found(library, r'path:"q\"x"') == [paths[6]]
    assert found(library, "path:/photos/holiday") == ["holiday/a.jpg"]
    assert found(library, "path:/holiday") == []
    assert found(library, "file:holiday") == found(library, "file:/a") == []


def test_names_that_are_not_utf_8_or_have_line_breaks_are_found(make):
    library = make(photo("caf\udce9/a.jpg"), photo("two\nlines/b.jpg"), photo("c.jpg"))

    assert [str(one.path) for one in library.search("path:caf\udce9/").matches] == ["/photos/caf\udce9/a.jpg"]
    assert [str(one.path) for one in library.search("lines").matches] == ["/photos/two\nlines/b.jpg"]
