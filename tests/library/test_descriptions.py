"""What a library says of photos for other programs."""

from __future__ import annotations

import csv
import io
import json

from vectortag.library.descriptions import DescribedTag, PhotoDescription, write_descriptions
from vectortag.library.library import Library
from vectortag.library.lists import TagNames

ONE = PhotoDescription(
    path="/photos/ä.jpg",
    taken="2024-07-31T18:00:05",
    rating=4,
    latitude=48.1,
    longitude=11.5,
    keywords=["Anna", "Sea; sand"],
    tags=[DescribedTag("dog", 0.9, confirmed=True), DescribedTag("sea", 0.5, confirmed=False)],
)


def test_photos_are_described_in_their_order_without_those_that_are_gone(updated: Library):
    rows = sorted(updated.rows(), reverse=True)
    updated.database.execute("UPDATE photos SET gone = 1 WHERE id = ?", (rows[1],))

    described = [one.path for one in updated.describe([*rows, 99])]

    assert described == [str(updated.photo(row).path) for row in (rows[0], rows[2], rows[3])]


def test_tags_are_those_that_the_library_shows_under_the_names_that_it_gives_them(updated: Library):
    (row, *_) = updated.rows()
    updated.accept_on([row], "boat")
    updated.rename_on([row], "boat", "Titanic")
    updated.accept_on([row], "dog")
    updated.change_names(TagNames(hidden=("dog",)))

    (one,) = updated.describe([row])

    photo = updated.photo(row)
    assert [tag.tag for tag in one.tags] == ["Titanic" if tag == "boat" else tag for tag in updated.tags_on(photo)]
    assert [tag.tag for tag in one.tags if tag.confirmed] == ["Titanic"]


def test_as_json_every_photo_is_one_line():
    stream = io.StringIO()

    write_descriptions([ONE, ONE], "jsonl", stream)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0] == lines[1]
    assert lines[0]["path"] == "/photos/ä.jpg"
    assert lines[0]["tags"][0] == {"tag": "dog", "score": 0.9, "confirmed": True}


def test_as_a_table_every_photo_is_one_row():
    stream = io.StringIO()

    write_descriptions([ONE], "csv", stream)

    assert list(csv.DictReader(io.StringIO(stream.getvalue()))) == [
        {
            "path": "/photos/ä.jpg",
            "taken": "2024-07-31T18:00:05",
            "rating": "4",
            "latitude": "48.1",
            "longitude": "11.5",
            "keywords": "Anna; Sea; sand",
            "tags": "dog; sea",
            "confirmed": "dog",
        }
    ]
