"""The properties in which other programs keep keywords, and VectorTag's record of what it wrote."""

from __future__ import annotations

import pytest

from vectortag.library.keyword_fields import (
    HIERARCHICAL,
    KEYWORD_FIELDS,
    LAST_KEYWORD,
    SUBJECT,
    TAGS_LIST,
    KeywordField,
    Record,
    TagRecord,
    can_be_written,
)


def test_each_property_is_the_list_that_its_readers_expect():
    """Lightroom's tree as a Seq is flattened by digiKam (darktable#4095)."""
    assert {one.written_name: (one.container, one.always) for one in KEYWORD_FIELDS} == {
        "dc:subject": ("Bag", True),
        "lr:hierarchicalSubject": ("Bag", True),
        "digiKam:TagsList": ("Seq", True),
        "MicrosoftPhoto:LastKeywordXMP": ("Bag", False),
    }
    assert SUBJECT.namespace == "http://purl.org/dc/elements/1.1/"


@pytest.mark.parametrize(
    ("field", "path", "entries"),
    [
        (SUBJECT, ("Places", "Italy", "Rome"), ("Places", "Italy", "Rome")),
        (HIERARCHICAL, ("Places", "Italy", "Rome"), ("Places|Italy|Rome",)),
        (TAGS_LIST, ("Places", "Italy", "Rome"), ("Places/Italy/Rome",)),
        (LAST_KEYWORD, ("Places", "Italy", "Rome"), ("Places/Italy/Rome",)),
        (SUBJECT, ("music", "AC/DC"), ("music", "AC/DC")),
        (HIERARCHICAL, ("music", "AC/DC"), ("music|AC/DC",)),
        (TAGS_LIST, ("music", "AC/DC"), ("music/AC\\DC",)),  # as digiKam does where a slash is between levels
        (LAST_KEYWORD, ("music", "AC/DC"), ("music/AC\\DC",)),
        (TAGS_LIST, ("dog",), ("dog",)),
    ],
)
def test_a_path_becomes_keywords(field: KeywordField, path: tuple[str, ...], entries: tuple[str, ...]):
    assert field.entries(path) == entries


@pytest.mark.parametrize(
    ("field", "keyword", "path"),
    [
        (SUBJECT, "AC/DC", ["AC/DC"]),
        (SUBJECT, "Places|Rome", ["Places", "Rome"]),  # some programs write paths into the flat list
        (HIERARCHICAL, "Places | Rome", ["Places", "Rome"]),
        (TAGS_LIST, "Places/Rome", ["Places", "Rome"]),
        (LAST_KEYWORD, "Places/Rome", ["Places", "Rome"]),
    ],
)
def test_a_keyword_becomes_a_path(field: KeywordField, keyword: str, path: list[str]):
    assert field.path(keyword) == path


def test_a_name_with_the_mark_between_levels_cannot_be_written():
    assert can_be_written("AC/DC")
    assert not can_be_written("a|b")


RECORD = Record(
    model="tiny@1",
    date="2026-11-30",
    tags=(TagRecord("animal", ("animal",), 0.95, "model"), TagRecord("dog", ("animal", "dog"), 0.91, "person")),
    wrote={"subject": ("animal", "dog")},
    deleted=("sea",),
)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"model": "tiny@2", "date": "2030-01-01", "created": True}, True),
        ({"tags": RECORD.tags[::-1]}, True),
        ({"wrote": {"subject": ("dog", "animal"), "TagsList": ()}}, True),
        ({"tags": (TagRecord("animal", ("animal",), 0.94, "model"), RECORD.tags[1])}, False),
        ({"wrote": {"subject": ("animal",)}}, False),
        ({"gone": {"subject": ("sea",)}}, False),
        ({"deleted": ()}, False),
    ],
)
def test_a_record_says_the_same_whatever_the_model_and_the_order(changes: dict[str, object], same: bool):
    fields = {name: getattr(RECORD, name) for name in RECORD.__struct_fields__}
    other = Record(**{**fields, **changes})

    assert RECORD.says_the_same(other) is other.says_the_same(RECORD) is same


def test_a_record_of_a_model_and_a_date_alone_says_nothing():
    assert Record(model="tiny@1", date="2026-11-30", created=True).says_nothing()
    assert not Record(deleted=("sea",)).says_nothing()


def test_a_tag_that_the_person_had_as_a_keyword_was_not_written():
    assert [TagRecord("dog", ("dog",), None, by).was_written for by in ("model", "person", "keyword")] == [
        True,
        True,
        False,
    ]
