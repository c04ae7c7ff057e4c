"""Groups of photos that must not be parted are on one side of the split, and the rest is as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectortag.core.errors import DataError
from vectortag.data.records import Record
from vectortag.data.split import split_records, split_together


def records(count: int) -> list[Record]:
    return [Record(Path(f"{row}.jpg"), (), row, None, "photos") for row in range(count)]


def rows(part: list[Record]) -> list[int]:
    return [record.row for record in part]


@settings(max_examples=50, deadline=None)
@given(
    tags=st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=3), min_size=12, max_size=30),
    places=st.permutations(range(12)),
    seed=st.integers(0, 9),
)
def test_each_group_is_on_one_side_and_every_photo_somewhere(tags: list[set[str]], places: list[int], seed: int):
    groups = [tuple(sorted(places[:2])), tuple(sorted(places[2:5])), tuple(sorted(places[5:9]))]

    training, validation = split_together(records(len(tags)), tags, groups, validation=0.3, seed=seed)

    assert sorted(rows(training) + rows(validation)) == list(range(len(tags)))
    assert [group for group in groups if len({place in rows(training) for place in group}) > 1] == []
    for part in (training, validation):
        assert part
        assert rows(part) == sorted(rows(part))


def test_without_groups_it_is_the_plain_split():
    tags = [{"abc"[row % 3]} for row in range(40)]

    together = split_together(records(40), tags, [], validation=0.25, seed=3)

    assert together == split_records(records(40), tags, validation=0.25, seed=3)


def test_a_plain_split_would_have_parted_them():
    tags = [{"fox"}, {"fox"}, *[{"sea"}] * 38]

    _, parted = split_records(records(40), tags, validation=0.5, seed=0)
    _, whole = split_together(records(40), tags, [(0, 1)], validation=0.5, seed=0)

    assert len({0, 1} & set(rows(parted))) == 1
    assert len({0, 1} & set(rows(whole))) in {0, 2}


@pytest.mark.parametrize("seed", range(5))
def test_a_group_counts_for_the_tags_of_all_its_photos(seed: int):
    """Of four photos of a fox two are in groups, each behind a photo without a tag: the rare tag is in both parts."""
    tags = [set(), {"fox"}, set(), {"fox"}, {"fox"}, {"fox"}, *[{"sea"}] * 34]

    _, validation = split_together(records(40), tags, [(0, 1), (2, 3)], validation=0.25, seed=seed)

    assert len({1, 3, 4, 5} & set(rows(validation))) == 1


def test_copies_of_one_photo_cannot_be_split():
    with pytest.raises(DataError, match="at least two photos, got 1"):
        split_together(records(3), [set()] * 3, [(0, 1, 2)], validation=0.5, seed=0)
