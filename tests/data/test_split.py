"""Training and validation: apart, complete, repeatable, and rare tags in both."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectortag.core.errors import DataError
from vectortag.data.records import DataSet, Record
from vectortag.data.split import Stratify, split_by_column, split_records

Tags = list[set[str]]


def records(count: int, splits: list[str | None] | None = None) -> list[Record]:
    return [Record(Path(f"{row}.jpg"), (), row, split, "photos") for row, split in enumerate(splits or [None] * count)]


def photos_of_a_long_tail(seed: int, *, photos: int, tags: int) -> Tags:
    """Up to five tags a photo, the n-th tag 1/n as frequent as the first: as many rare tags as real sets have."""
    generator = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, tags + 1)
    frequency /= frequency.sum()
    names = np.array([f"tag {rank}" for rank in range(tags)])
    return [set(generator.choice(names, generator.integers(6), replace=False, p=frequency)) for _ in range(photos)]


def in_validation(tags: Tags, validation: list[Record]) -> Counter[str]:
    return Counter(tag for record in validation for tag in tags[record.row])


some_tags = st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=4), min_size=2, max_size=40)


@settings(max_examples=50, deadline=None)
@given(
    tags=some_tags,
    validation=st.floats(0.01, 0.99),
    seed=st.integers(0, 9),
    stratify=st.sampled_from(["iterative", "rarest"]),
)
def test_every_photo_is_in_exactly_one_part_and_neither_is_empty(
    tags: Tags, validation: float, seed: int, stratify: Stratify
):
    training, held_out = split_records(records(len(tags)), tags, validation=validation, seed=seed, stratify=stratify)

    assert sorted(record.row for record in training + held_out) == list(range(len(tags)))
    assert training
    assert held_out


@settings(max_examples=20, deadline=None)
@given(tags=some_tags, seed=st.integers(0, 9))
def test_both_parts_keep_the_order_of_the_records(tags: Tags, seed: int):
    for part in split_records(records(len(tags)), tags, validation=0.25, seed=seed):
        assert part == sorted(part, key=lambda record: record.row)


def test_the_seed_decides_the_split():
    tags = photos_of_a_long_tail(0, photos=200, tags=40)
    first, again, other = (split_records(records(200), tags, validation=0.25, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", range(5))
def test_every_tag_with_a_whole_photos_share_is_in_both_parts(seed: int):
    tags = photos_of_a_long_tail(seed, photos=300, tags=150)
    _, validation = split_records(records(300), tags, validation=0.25, seed=seed)

    counts, held_out = Counter(tag for of_one in tags for tag in of_one), in_validation(tags, validation)
    frequent = [tag for tag in counts if counts[tag] >= 4]
    assert len(frequent) > 20
    assert [tag for tag in frequent if not 0 < held_out[tag] < counts[tag]] == []


def test_a_rare_tag_is_in_both_parts_though_each_of_its_photos_has_a_rarer_one():
    tags = [{"fox", "ant"}, {"fox", "bee"}, {"fox", "cat"}, {"fox", "den"}, *[{"sea"}] * 36]
    _, validation = split_records(records(40), tags, validation=0.25, seed=0)

    assert in_validation(tags, validation)["fox"] == 1


@pytest.mark.parametrize(("share", "photos"), [(0.25, 250), (0.1, 100), (0.5, 500)])
def test_validation_has_its_share_of_the_photos_and_about_that_of_each_frequent_tag(share: float, photos: int):
    tags = photos_of_a_long_tail(3, photos=1000, tags=600)
    _, validation = split_records(records(1000), tags, validation=share, seed=0)

    counts, held_out = Counter(tag for of_one in tags for tag in of_one), in_validation(tags, validation)
    assert len(validation) == photos
    assert max(abs(held_out[tag] / counts[tag] - share) for tag in counts if counts[tag] >= 100) < 0.05


def test_by_rarest_tag_each_such_group_gives_its_share():
    tags: Tags = [{"sea", "crab"}] * 10 + [{"sea"}] * 50 + [{"sea", "boat"}] * 20

    _, validation = split_records(records(80), tags, validation=0.2, seed=0, stratify="rarest")

    assert in_validation(tags, validation) == {"sea": 16, "crab": 2, "boat": 4}


def test_iterative_stratification_keeps_more_rare_tags_than_parting_by_the_rarest_one():
    tags = photos_of_a_long_tail(0, photos=2000, tags=400)
    counts = Counter(tag for of_one in tags for tag in of_one)
    rare = [tag for tag, count in counts.items() if 3 <= count <= 5]

    def lost(stratify: Stratify) -> int:
        parts = (split_records(records(2000), tags, validation=0.2, seed=n, stratify=stratify)[1] for n in range(3))
        return sum(in_validation(tags, part)[tag] == 0 for part in parts for tag in rare)

    assert lost("iterative") < lost("rarest")


def test_photos_without_tags_are_split_as_well():
    training, validation = split_records(records(40), [set()] * 40, validation=0.25, seed=0)

    assert (len(training), len(validation)) == (30, 10)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_outside_zero_and_one_is_an_error(share: float):
    with pytest.raises(DataError, match="the share of validation must lie between 0 and 1"):
        split_records(records(4), [set()] * 4, validation=share, seed=0)


def test_one_photo_cannot_be_split():
    with pytest.raises(DataError, match="at least two photos, got 1"):
        split_records(records(1), [{"dog"}], validation=0.25, seed=0)


def data_set(*splits: str | None) -> DataSet:
    return DataSet("photos", Path("photos/metadata.csv"), tuple(records(len(splits), list(splits))))


def test_a_column_can_say_which_part_a_photo_is_in():
    training, validation = split_by_column(data_set("train", "val", "training", "valid", "validation", "test"))

    assert [record.row for record in training] == [0, 2]
    assert [record.row for record in validation] == [1, 3, 4]


@pytest.mark.parametrize("splits", [("train", "test", None), ("val",), ()])
def test_a_column_that_leaves_one_part_empty_is_an_error(splits: tuple[str | None, ...]):
    with pytest.raises(DataError, match='column "split" must name train and val, got only'):
        split_by_column(data_set(*splits))


def test_the_error_lists_what_the_column_holds():
    with pytest.raises(DataError, match="got only nothing, test, train"):
        split_by_column(data_set("train", "test", None))
