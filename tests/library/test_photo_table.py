"""The photos that a search looks at, and the contents that some of them share."""

from __future__ import annotations

import numpy as np
from made_photos import found, photo

from vectortag.library.library import Library
from vectortag.library.photo_table import PhotoTable, keys_of


def test_gone_photos_are_never_found_and_offline_ones_if_asked(make):
    library = make(
        photo("a.jpg", dog=0.9),
        photo("gone.jpg", dog=0.9, gone=True),
        photo("usb.jpg", root="/usb", dog=0.8),
        offline=["/usb"],
    )

    assert found(library, "dog") == ["a.jpg"]
    assert found(library, "dog", offline=True) == ["a.jpg", "usb.jpg"]


def test_photos_with_one_content_are_all_found(make):
    copies = [photo(path, dog=0.9, content=b"0123456789abcdef") for path in ("a.jpg", "b/c.jpg")]
    library = make(*copies, photo("d.jpg"))

    assert found(library, "dog") == ["a.jpg", "b/c.jpg"]
    assert set(found(library, "near:a.jpg")[:2]) == {"a.jpg", "b/c.jpg"}


OTHER = b"x" * 16
"""A content that no photo has."""


def test_the_newest_photo_comes_first_and_those_without_a_date_last(make):
    library = make(
        photo("a.jpg"),
        photo("b.jpg", taken="2023-01-01T00:00:00"),
        photo("c.jpg", taken="2024-01-01T00:00:00"),
        photo("d.jpg"),
    )

    assert PhotoTable.read(library.database, offline=False).ids.tolist() == [3, 2, 1, 4]


def test_one_number_a_content_becomes_one_a_photo(make):
    shared = b"0123456789abcdef"
    library = make(photo("a.jpg", content=shared), photo("b.jpg"), photo("c.jpg", content=shared), photo("new.jpg"))
    library.database.execute("UPDATE photos SET content = NULL WHERE path = 'new.jpg'")
    table = PhotoTable.read(library.database, offline=False)

    values = table.of_contents([OTHER, shared], [9.0, 0.5])

    assert (len(table), len(table.keys)) == (4, 2)
    assert table.spread(values).tolist() == [0.5, 0, 0.5, 0]
    assert table.spread(np.ones(2, np.float32)).tolist() == [1, 1, 1, 0]  # nothing is known of what was never read


def test_ids_and_contents_that_are_not_there_are_left_out(make):
    library = make(photo("a.jpg"), photo("b.jpg"))
    table = PhotoTable.read(library.database, offline=False)

    assert table.of_ids([2, 99, 0]).tolist() == [0, 1]
    assert table.of_contents([OTHER], [1.0]).tolist() == [0, 0]
    places, known = table.places_of(np.append(table.keys, keys_of([OTHER])))
    assert known.tolist() == [True, True, False]
    assert places[:2].tolist() == [0, 1]


def test_a_table_of_no_photos_has_nothing(tmp_path):
    with Library.open(tmp_path / "empty.sqlite") as library:
        table = PhotoTable.read(library.database, offline=True)

    assert len(table) == 0
    assert table.of_ids([1]).shape == table.of_contents([OTHER], [1.0]).shape == (0,)
    assert not table.places_of(keys_of([OTHER]))[1].any()
