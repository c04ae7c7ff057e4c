"""Dates, ratings, places, keywords and models."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from made_photos import found, photo
from synthetic_library import MadePhoto

from vectortag.core.errors import QueryError
from vectortag.library.photo_filters import taken_near, with_keywords
from vectortag.library.photo_table import PhotoTable
from vectortag.library.query import Placed


def test_dates_include_both_ends_and_a_year_is_a_word(make):
    library = make(
        photo("a.jpg", taken="2024-07-01T00:00:00"),
        photo("b.jpg", taken="2024-09-30T23:59:59"),
        photo("c.jpg", taken="2023-12-31T23:59:59"),
        photo("d.jpg"),
    )

    assert found(library, "date:2024-07..2024-09") == ["b.jpg", "a.jpg"]
    assert found(library, "date:2024-09-30") == ["b.jpg"]
    assert found(library, "date:..2023") == ["c.jpg"]
    assert found(library, "date:2024..") == found(library, "2024") == ["b.jpg", "a.jpg"]
    assert found(library, "not date:2024") == ["c.jpg", "d.jpg"]
    assert library.search("2024").order == "date"


def test_ratings_are_compared(make):
    library = make(photo("a.jpg", rating=5), photo("b.jpg", rating=3), photo("c.jpg"), photo("d.jpg", rating=-1))

    assert found(library, "rating:>=3") == ["a.jpg", "b.jpg"]
    assert found(library, "rating:3") == ["b.jpg"]
    assert found(library, "rating:<3") == found(library, "rating:-1") == ["d.jpg"]


def test_a_place_finds_what_lies_within_its_circle_also_across_the_date_line(make):
    library = make(
        photo("munich.jpg", place=(48.1374, 11.5755)),
        photo("freising.jpg", place=(48.4029, 11.7412)),
        photo("fiji.jpg", place=(-17.0, -179.99)),
        photo("nowhere.jpg"),
    )

    assert found(library, "place:48.14,11.58") == ["munich.jpg"]
    assert found(library, "place:48.14,11.58,40km") == ["munich.jpg", "freising.jpg"]
    assert found(library, "place:-17,179.99,5") == ["fiji.jpg"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "kilometres"),
    [(48.1, 11.6, 3000), (0, 179.9, 5000), (89.9, 0, 2000), (-60, -170, 12_000), (10, 10, 20_040)],
)
def test_a_circle_has_the_places_that_vectors_to_the_middle_of_the_earth_say(
    latitude: float, longitude: float, kilometres: float
):
    random = np.random.default_rng(0)
    places = np.column_stack([np.degrees(np.arcsin(random.uniform(-1, 1, 500))), random.uniform(-180, 180, 500)])
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY, latitude, longitude)")
    database.executemany("INSERT INTO photos (latitude, longitude) VALUES (?, ?)", places.tolist())
    table = PhotoTable(np.arange(1, 501), np.empty(0, np.uint64), np.full(500, -1, np.intp))

    inside = taken_near(database, table, Placed(latitude, longitude, kilometres))

    middle, *points = (
        np.array([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)])
        for a, b in np.radians([[latitude, longitude], *places])
    )
    distances = 6371.0 * np.arccos(np.clip(np.array(points) @ middle, -1, 1))
    assert inside.any()
    assert inside.tolist() == (distances <= kilometres).astype(float).tolist()


def test_photos_with_any_of_several_keywords(make):
    library = make(photo("a.jpg", keywords=("Anna", "Ben")), photo("b.jpg", keywords=("Ben",)), photo("c.jpg"))
    table = PhotoTable.read(library.database, offline=False)

    assert with_keywords(library.database, table, ["Anna", "Ben"]).tolist() == [1, 1, 0]
    assert with_keywords(library.database, table, ["Anna", "nobody"]).tolist() == [1, 0, 0]
    assert with_keywords(library.database, table, []).tolist() == [0, 0, 0]


def test_photos_that_a_model_has_analysed(make):
    library = make(photo("a.jpg", dog=0.9), MadePhoto("new.jpg"))

    assert found(library, "model:tiny") == ["a.jpg"]
    assert found(library, "not model:tiny") == ["new.jpg"]
    with pytest.raises(QueryError, match=r'no model "lite2" has tagged this library\. Its models: tiny'):
        library.search("model:lite2")
