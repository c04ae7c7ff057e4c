"""What is said of a data set before anyone trains on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.data.check import check_data_set, near_synonyms
from vectortag.data.records import read_data_set
from vectortag.model.taxonomy import Taxonomy

PLAIN = Taxonomy()
MakeDataSet = Callable[..., Path]


def pairs(*words: str, taxonomy: Taxonomy = PLAIN, photos: int = 9) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in near_synonyms(Counter(dict.fromkeys(words, photos)), taxonomy)}


def test_a_good_set_has_no_problems(make_data_set: MakeDataSet):
    report = check_data_set(read_data_set(make_data_set({"1.jpg": "dog", "2.jpg": "sea"})), PLAIN)

    assert not report.has_problems
    assert (report.unreadable, report.near_synonyms) == ((), ())


def test_tags_are_counted_after_the_taxonomy(make_data_set: MakeDataSet):
    taxonomy = Taxonomy(synonyms={"dog": ["puppy"]}, implications={"dog": ["animal"]})

    report = check_data_set(read_data_set(make_data_set({"1.jpg": "puppy, sea", "2.jpg": "dog"})), taxonomy)

    assert report.tag_counts == {"dog": 2, "animal": 2, "sea": 1}


def test_photos_without_a_tag_after_the_taxonomy_are_counted(make_data_set: MakeDataSet):
    rules = {"ignored": {"tags": ["red"]}, "dataset": {"corel": {"ignored": ["plane"]}}}
    folder = make_data_set({"1.jpg": "", "2.jpg": "red", "3.jpg": "plane", "4.jpg": "red, sea"}, name="corel")

    assert check_data_set(read_data_set(folder), Taxonomy(**rules)).untagged == 3


def test_photos_that_cannot_be_decoded_are_named_with_their_row(make_data_set: MakeDataSet):
    folder = make_data_set({"good.jpg": "dog", "cut.jpg": "dog", "text.jpg": "dog"})
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:-200])
    (folder / "text.jpg").write_text("not a photo")

    report = check_data_set(read_data_set(folder), PLAIN)

    assert report.has_problems
    assert [error.split(" ")[0] for error in report.unreadable] == ["metadata.csv:3:", "metadata.csv:4:"]
    assert "cut.jpg" in report.unreadable[0]
    assert "text.jpg: not a photo in a known format" in report.unreadable[1]


@pytest.mark.parametrize("row", ["gone.jpg,dog\n", "1.jpg,dog,cat\n", "./1.jpg,cat\n"])
def test_missing_photos_bad_rows_and_contradictions_are_problems(make_data_set: MakeDataSet, row: str):
    folder = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
    with (folder / "metadata.csv").open("a") as file:
        file.write(row)

    assert check_data_set(read_data_set(folder, skip_bad_rows=True), PLAIN).has_problems


def test_the_report_lists_near_synonyms_among_the_sets_tags(make_data_set: MakeDataSet):
    words = {**{f"{n}.jpg": "dog" for n in range(6)}, **{f"{n}.jpg": "dogs" for n in range(6, 11)}}

    assert check_data_set(read_data_set(make_data_set(words)), PLAIN).near_synonyms == (("dogs", "dog"),)


@pytest.mark.parametrize(
    "pair",
    [
        ("dog", "dogs"), ("pony", "ponies"), ("run", "running"), ("surf", "surfing"),
        ("mountain bike", "mountain bikes"), ("motorcycle", "motorcyle"),
    ],
)  # fmt: skip
def test_plurals_ing_forms_and_slips_look_like_one_tag(pair: tuple[str, str]):
    assert pairs(*pair) == {frozenset(pair)}


@pytest.mark.parametrize("pair", [("dog", "fog"), ("glass", "glas"), ("bus", "bu"), ("table", "cable"), ("sea", "sun")])
def test_words_that_only_sound_alike_are_left_alone(pair: tuple[str, str]):
    assert pairs(*pair) == set()


def test_tags_that_imply_one_another_are_no_synonyms():
    assert pairs("ski", "skiing", taxonomy=Taxonomy(implications={"skiing": ["ski"]})) == set()


def test_words_of_the_tail_are_not_compared():
    assert pairs("dog", "dogs", photos=4) == set()


def test_the_rarer_word_of_a_pair_comes_first():
    assert list(near_synonyms(Counter({"dogs": 9, "dog": 5}), PLAIN)) == [("dog", "dogs")]
