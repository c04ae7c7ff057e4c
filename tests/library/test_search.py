"""Searches of made-up libraries, and an oracle that asks each photo in plain Python."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_photos import TAGS, found, photo
from synthetic_library import MadePhoto, write_library

from vectortag.core.errors import QueryError, WordsError
from vectortag.library.library import Library
from vectortag.library.query import And, Dated, Named, Not, Or, Rated, Scored, Word, Words

THRESHOLDS = {"animal": 0.5, "beach": 0.5, "dog": 0.5, "sea": None, "boat": 0.5, "vehicle": 0.5}


def test_a_tag_finds_the_photos_that_show_it_best_first(make):
    library = make(photo("a.jpg", dog=0.6), photo("b.jpg", dog=0.9), photo("c.jpg", dog=0.4))

    result = library.search("dog")

    assert [(str(one.path), round(one.score, 2)) for one in result.matches] == [
        ("/photos/b.jpg", 0.9),
        ("/photos/a.jpg", 0.6),
    ]
    assert result.matches[0].why == ("dog 0.90",)
    assert (result.count, result.order, result.tags) == (2, "score", ("dog",))


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE photos; --", '" OR 1=1', "dog' OR '1'='1", "%", "_", "\\", "*", "💥", "\u202e", "a\x00b", "ﬁ"],
)
def test_text_of_all_kinds_is_only_text(make, text):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg"))

    for field in ("tag", "keyword", "path", "file", "model", "near"):
        try:
            assert library.search(str(Named(field, text))).count == 0
        except QueryError as error:
            assert error.column == 1  # noqa: PT017
    assert found(library, "dog") == ["a.jpg"]


def test_an_empty_library_finds_nothing(tmp_path):
    with Library.open(tmp_path / "empty.sqlite") as library:
        assert library.search("date:2024").matches == ()
        assert library.search("rating:>1 or path:x or file:x").count == 0
        with pytest.raises(WordsError, match="no photo has been tagged yet"):
            library.search("dog")
        with pytest.raises(QueryError, match="no tag"):
            library.search("tag:dog")


def test_top_takes_the_best_and_of_equal_ones_the_newest(make):
    library = make(*(photo(f"{n}.jpg", dog=0.9, taken=f"20{n:02d}-01-01T00:00:00") for n in range(10, 30)))

    result = library.search("dog", top=3)

    assert [one.path.name for one in result.matches] == ["29.jpg", "28.jpg", "27.jpg"]
    assert result.count == 20


def oracle(node, one: MadePhoto) -> float:
    """The value of a query for one photo, 0 if it is not found."""
    match node:
        case And():
            product = 1.0
            for part in node.parts:
                product *= oracle(part, one)
            return product
        case Or():
            return max(oracle(part, one) for part in node.parts)
        case Not():
            return float(oracle(node.part, one) == 0)
        case Words():
            product = 1.0
            for word in node.words:
                product *= oracle_of_word(word.text, one)
            return product
        case Named(name="path"):
            return float(f"/{node.text}".lower() in one.full_path.lower())
        case Named(name="file"):
            return float(node.text.lower() in one.path.rpartition("/")[2].lower())
        case Named(name="tag"):
            return oracle_of_tag(node.text, one)
        case Scored():
            score, number = oracle_of_score(node.tag, one), float(np.float32(node.number))
            tests = {">": score > number, ">=": score >= number, "<": score < number, "<=": score <= number}
            right = tests[node.comparison]
            return float(right) * (max(score, 1e-6) if ">" in node.comparison else 1)
        case Rated():
            stars = one.rating
            if stars is None:
                return 0.0
            wanted = node.stars
            tests = {">": stars > wanted, ">=": stars >= wanted, "<": stars < wanted, "<=": stars <= wanted}
            return float((tests | {"=": stars == wanted})[node.comparison])
        case Dated():
            if one.taken is None:
                return 0.0
            first, last = node.first or "", node.last or "9"
            return float(one.taken[: len(first)] >= first and one.taken[: len(last)] <= last)
    raise AssertionError(node)


def oracle_of_score(tag: str, one: MadePhoto) -> float:
    if tag in one.decisions:
        return float(one.decisions[tag])
    if tag == "animal" and one.decisions.get("dog"):
        return 1.0
    if tag == "dog" and one.decisions.get("animal") is False:
        return 0.0
    return float(one.scores[TAGS.index(tag)])


def oracle_of_tag(tag: str, one: MadePhoto) -> float:
    tag = {"puppy": "dog", "ship": "boat"}.get(tag, tag)
    score = oracle_of_score(tag, one)
    decided = tag in one.decisions or score in {0.0, 1.0}
    threshold = THRESHOLDS[tag]
    return score if decided or (threshold is not None and score >= threshold) else 0.0


def oracle_of_word(word: str, one: MadePhoto) -> float:
    names = [re.findall(r"[a-z0-9]+", name.lower()) for name in f"photos/{one.path}".split("/")]
    by_name = 0.5 if any(word in name for name in names) else 0.0
    by_keyword = float(word in [keyword.lower() for keyword in one.keywords])
    by_tag = oracle_of_tag(word, one) if word in {*TAGS, "puppy", "ship"} else 0.0
    return max(by_name, by_keyword, by_tag)


SCORES = st.sampled_from([0.2, 0.4, 0.6, 0.8])
FOLDERS = ["holiday", "dog show", "Anna's", "50%_off", "2024"]
PHOTOS = st.lists(
    st.fixed_dictionaries(
        {
            "folder": st.sampled_from(FOLDERS),
            "tags": st.dictionaries(st.sampled_from(["animal", "beach", "dog", "boat", "vehicle"]), SCORES),
            "keywords": st.sets(st.sampled_from(["Anna", "beach", "Rome"])),
            "rating": st.none() | st.integers(-1, 5),
            "taken": st.none() | st.sampled_from(["2023-12-31T23:59:59", "2024-02-29T12:00:00", "2024-07-01T00:00:00"]),
            "decisions": st.dictionaries(st.sampled_from(["dog", "animal", "beach"]), st.booleans()),
        }
    ),
    min_size=1,
    max_size=12,
)
NAMES = st.sampled_from(["dog", "animal", "beach", "boat", "ship", "puppy", "vehicle"])
LEAVES = st.one_of(
    NAMES.map(lambda name: Words((Word(name),))),
    st.sampled_from(["dog", "beach", "vehicle", "ship"]).map(lambda tag: Named("tag", tag)),
    st.builds(Scored, st.sampled_from(["dog", "beach", "animal"]), st.sampled_from([">", ">=", "<", "<="]), SCORES),
    st.builds(Rated, st.sampled_from([">", ">=", "<", "<=", "="]), st.integers(0, 5)),
    st.sampled_from(
        [Dated("2024", "2024"), Dated(None, "2023"), Dated("2024-03", None), Dated("2024-07-01", "2024-07-01")]
    ),
    st.sampled_from(["holiday/", "50%_", "dog", "5"]).map(lambda text: Named("path", text)),
    st.sampled_from(["1.JPG", "_", "%", "1"]).map(lambda text: Named("file", text)),
)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=PHOTOS, queries=st.lists(QUERIES, min_size=4, max_size=12))
def test_a_search_finds_what_the_oracle_finds_in_its_order(rows, queries, worded, tmp_path_factory):
    photos = [
        photo(
            f"{row['folder']}/{n}.jpg",
            seed=n,
            **row["tags"],
            **{key: row[key] for key in ("rating", "taken", "decisions")},
            keywords=tuple(sorted(row["keywords"])),
        )
        for n, row in enumerate(rows)
    ]
    with write_library(tmp_path_factory.mktemp("oracle") / "library.sqlite", worded, photos) as library:
        for query in queries:
            values = {one.full_path: oracle(query, one) for one in photos}
            newest = sorted(sorted(photos, key=lambda one: one.row), key=lambda one: one.taken or "", reverse=True)
            expected = sorted(
                (one.full_path for one in newest if values[one.full_path] > 0), key=lambda p: -round(values[p], 5)
            )
            result = library.search(str(query), top=None)
            got = [str(one.path) for one in result.matches]
            assert set(got) == set(expected)
            assert [one.score for one in result.matches] == pytest.approx([values[path] for path in expected], rel=1e-4)


@pytest.mark.parametrize("query", ["dog", "path:photos"])
def test_pages_one_after_the_other_are_the_whole_list(make, query):
    library = make(*(photo(f"{number}.jpg", seed=number, dog=0.6 + number % 3 / 10) for number in range(10)))

    pages = [library.search(query, top=4, skip=skip) for skip in (0, 4, 8, 12)]

    assert [one.path for page in pages for one in page.matches] == [
        one.path for one in library.search(query, top=None).matches
    ]
    assert {page.count for page in pages} == {10}


def test_the_newest_photos_are_in_the_order_of_a_search_that_finds_all(make):
    dates = [f"202{number % 4}-01-01T10:00:00" if number % 3 else None for number in range(9)]
    library = make(*(photo(f"{number}.jpg", seed=number, taken=date) for number, date in enumerate(dates)))

    newest = [library.newest(top=4, skip=skip) for skip in (0, 4, 8)]

    assert [one.path for page in newest for one in page.matches] == [
        one.path for one in library.search("path:photos", top=None).matches
    ]
    assert {page.count for page in newest} == {9}


def test_the_rows_of_all_that_is_found_are_in_the_order_of_a_search(make):
    library = make(*(photo(f"{number}.jpg", seed=number, dog=0.9 - number / 10) for number in range(3)))

    for query in ("path:photos", "dog", "dog or path:photos"):
        assert library.rows(query) == [one.photo for one in library.search(query, top=None).matches]
    assert library.rows() == [one.photo for one in library.newest(top=9).matches]
