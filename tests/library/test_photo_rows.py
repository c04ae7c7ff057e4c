"""The row of a photo: what was read of it, and what of it outlives a move, an error and other programs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from vectortag.library.keyword_fields import Record, TagRecord
from vectortag.library.library import Library
from vectortag.library.update import Updated

Rows = Callable[..., list[Any]]
UpdateIt = Callable[..., Updated]

KEYWORDS = "SELECT keyword FROM keywords JOIN photos ON photos.id = photo WHERE path = 'a.jpg' ORDER BY 1"


def write_sidecar(photo: Path, *keywords: str, rating: int | None = None) -> None:
    """A sidecar with a person's keywords and rating."""
    items = "".join(f"<rdf:li>{word}</rdf:li>" for word in keywords)
    stars = "" if rating is None else f' xmp:Rating="{rating}"'
    photo.with_name(photo.name + ".xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/"{stars} xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def test_photos_that_moved_and_copies_are_known(photos: Path, update: UpdateIt, rows: Rows):
    update()
    before = dict(rows("SELECT path, id FROM photos"))
    (photos / "a.jpg").rename(photos / "in" / "renamed.jpg")
    shutil.copy(photos / "b.jpg", photos / "copy.jpg")

    done = update()

    assert (done.read, done.moved, done.analysed, done.seen.gone, done.gone) == (2, 1, 0, 1, 0)
    after = dict(rows("SELECT path, id FROM photos"))
    assert after["in/renamed.jpg"] == before["a.jpg"]
    assert set(after) == {"in/renamed.jpg", "b.jpg", "copy.jpg", "in/c.jpg", "in/deep/d.png"}


def test_a_photo_that_moved_keeps_what_refers_to_its_row_and_has_the_keywords_of_its_new_sidecar(
    photos: Path, update: UpdateIt, rows: Rows, library: Library
):
    write_sidecar(photos / "a.jpg", "old", rating=2)
    update()
    record = msgspec.json.encode(Record(deleted=("dog",))).decode()
    library.database.execute(
        "INSERT INTO written SELECT id, 'a.jpg.xmp', ?, x'', 1 FROM photos WHERE path = 'a.jpg'", (record,)
    )
    (photos / "a.jpg").rename(photos / "in/moved.jpg")
    write_sidecar(photos / "in/moved.jpg", "new")

    update()

    assert rows("SELECT path FROM photos JOIN written ON photo = photos.id") == ["in/moved.jpg"]
    assert rows("SELECT path, keyword FROM keywords JOIN photos ON photo = photos.id") == [("in/moved.jpg", "new")]


def test_keywords_and_ratings_follow_their_sidecars(photos: Path, update: UpdateIt, rows: Rows):
    update()
    write_sidecar(photos / "a.jpg", "Anna", "date", rating=4)

    done = update()

    assert (done.read, done.analysed) == (0, 0)
    assert rows(KEYWORDS) == ["Anna", "date"]
    assert rows("SELECT rating FROM photos WHERE path = 'a.jpg'") == [4]
    assert update().seen.stale == []


def test_a_rating_that_a_sidecar_no_longer_has_is_kept_and_a_keyword_is_not(photos: Path, update: UpdateIt, rows: Rows):
    write_sidecar(photos / "a.jpg", "Anna", rating=4)
    update()
    write_sidecar(photos / "a.jpg", "Ben")

    update()

    assert rows(KEYWORDS) == ["Ben"]
    assert rows("SELECT rating FROM photos WHERE path = 'a.jpg'") == [4]


ANIMAL = TagRecord("animal", ("animal",), 0.9, "model")


@pytest.mark.parametrize(
    ("tags", "keywords"),
    [
        ([TagRecord("dog", ("animal", "dog"), 0.9, "model")], ["date"]),
        ([TagRecord("dog", ("animal", "dog"), 0.9, "person")], ["animal", "date", "dog"]),
        ([TagRecord("dog", ("animal", "dog"), 0.9, "keyword")], ["animal", "date", "dog"]),
        ([ANIMAL, TagRecord("dog", ("animal", "dog"), 0.9, "person")], ["animal", "date", "dog"]),
        ([ANIMAL, TagRecord("sea", ("sea",), 0.9, "person")], ["date", "dog"]),
    ],
    ids=["the model", "a person", "a keyword", "the model, and a person below it", "a person elsewhere"],
)
def test_what_vectortag_wrote_for_the_model_alone_is_no_keyword_of_the_person(
    photos: Path, update: UpdateIt, rows: Rows, library: Library, tags: list[TagRecord], keywords: list[str]
):
    """Also where another program has dropped VectorTag's record from the sidecar."""
    update()
    write_sidecar(photos / "a.jpg", "animal", "dog", "date")
    record = Record(tags=tuple(tags))
    library.database.execute(
        "INSERT INTO written SELECT id, 'a.jpg.xmp', ?, x'', 1 FROM photos WHERE path = 'a.jpg'",
        (msgspec.json.encode(record).decode(),),
    )

    update()

    assert rows(KEYWORDS) == keywords


def test_a_photo_that_becomes_unreadable_loses_content_and_keywords_until_it_can_be_read(
    photos: Path, update: UpdateIt, rows: Rows, make_photo: Callable[..., Path]
):
    write_sidecar(photos / "a.jpg", "Anna")
    update()
    before = rows("SELECT id, content FROM photos WHERE path = 'a.jpg'")
    (photos / "a.jpg").write_bytes(b"no photo")

    assert update().failed == 1
    assert rows("SELECT content, error LIKE '%not a photo%' FROM photos WHERE path = 'a.jpg'") == [(None, 1)]
    assert rows(KEYWORDS) == []

    make_photo("photos/a.jpg", seed=0)
    update()
    assert rows("SELECT id, content FROM photos WHERE path = 'a.jpg' AND error IS NULL") == before
    assert rows(KEYWORDS) == ["Anna"]
