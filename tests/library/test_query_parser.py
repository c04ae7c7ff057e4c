import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectortag.core.errors import QueryError
from vectortag.library.query import (
    And,
    Dated,
    Named,
    Not,
    Or,
    Phrase,
    Placed,
    Rated,
    Scored,
    Word,
    Words,
    leaves,
)
from vectortag.library.query_parser import MOST_CHARACTERS, MOST_LEVELS, parse_query


def words(text: str) -> Words:
    return Words(tuple(map(Word, text.split())))


def read_or_refused(text: str):
    try:
        return parse_query(text)
    except QueryError as error:
        return error


FORBIDDEN = set('()"“”„') | {"\\"}
TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: text.strip())
PLAIN = (
    st.text(st.characters(blacklist_categories=["Z", "C"]), min_size=1, max_size=8)
    .filter(lambda text: not FORBIDDEN & set(text) and ":" not in text and text[0] != "-" and not text.isspace())
    .filter(lambda text: text.lower() not in {"and", "or", "not"} and len(text.split()) == 1)
)
DAYS = st.dates().map(str)
DATES = st.one_of(DAYS, DAYS.map(lambda day: day[:7]), DAYS.map(lambda day: day[:4]))
COMPARISONS = st.sampled_from([">", ">=", "<", "<="])
LEAVES = st.one_of(
    st.lists(PLAIN.map(Word), min_size=1, max_size=3).map(lambda some: Words(tuple(some))),
    TEXTS.map(Phrase),
    st.builds(Named, st.sampled_from(["tag", "keyword", "path", "file", "model", "near"]), TEXTS),
    st.builds(Scored, TEXTS, COMPARISONS, st.floats(0, 1)),
    st.builds(Rated, st.one_of(COMPARISONS, st.just("=")), st.integers(0, 5)),
    st.builds(Placed, st.floats(-90, 90), st.floats(-180, 180), st.floats(0.001, 20_000)),
    DATES.flatmap(lambda day: st.sampled_from([Dated(day, day), Dated(day, None), Dated(None, day)])),
    st.tuples(DAYS, DAYS).map(lambda pair: Dated(min(pair), max(pair))),
)


TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=12,
)


@given(TREES)
def test_a_tree_that_is_written_is_read_as_the_same_tree(tree):
    assert parse_query(str(tree)) == tree


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_column_inside_of_it(text):
    tree = read_or_refused(text)
    if isinstance(tree, QueryError):
        assert 1 <= tree.column <= len(text) + 1
    else:
        assert all(1 <= leaf.at <= len(text) for leaf in leaves(tree))


@given(st.text(string.ascii_letters + '():"-.<>= 0', max_size=30))
def test_text_of_the_languages_own_signs_is_read_or_refused(text):
    tree = read_or_refused(text)
    if isinstance(tree, QueryError):
        assert str(tree).startswith(f"query, column {tree.column}: ")
    else:
        assert parse_query(str(tree)) == tree


def test_words_side_by_side_are_a_run_and_other_neighbours_are_joined_by_and():
    tree = parse_query("dog and (beach or snow) not person")

    assert tree == And((words("dog"), Or((words("beach"), words("snow"))), Not(words("person"))))
    assert parse_query("golden gate") == words("golden gate")
    assert parse_query('red "old car" date:2024') == And((words("red"), Phrase("old car"), Dated("2024", "2024")))


def test_or_binds_less_than_and_and_not_binds_most():
    assert parse_query("a and b or not c and d") == Or(
        (And((words("a"), words("b"))), And((Not(words("c")), words("d"))))
    )


def test_not_takes_one_word():
    assert parse_query("not person dog") == And((Not(words("person")), words("dog")))
    assert parse_query("-person dog") == parse_query("not person dog")


@pytest.mark.parametrize("text", ["dog AND cat", "dog And cat", "dog and cat"])
def test_operators_are_read_in_any_case(text):
    assert parse_query(text) == And((words("dog"), words("cat")))


def test_a_hyphen_inside_of_a_word_or_alone_is_no_operator():
    assert parse_query("t-shirt") == words("t-shirt")
    assert parse_query("Anna - 2024") == words("Anna - 2024")
    assert parse_query('-"old car"') == Not(Phrase("old car"))
    assert parse_query("-(a or b)") == Not(Or((words("a"), words("b"))))


def test_an_operator_in_quotes_is_text():
    assert parse_query('"and"') == Phrase("and")


def test_quotes_may_be_escaped_or_curved():
    assert parse_query(r'"5\" nails \\ C:\Photos"') == Phrase(r'5" nails \ C:\Photos')
    assert parse_query("“Anna's birthday”") == parse_query("„Anna's birthday“") == Phrase("Anna's birthday")
    assert parse_query("Anna's birthday") == words("Anna's birthday")


def test_the_name_of_a_field_may_be_in_any_case_and_its_value_in_quotes():
    assert parse_query("path:holiday/") == Named("path", "holiday/")
    assert parse_query('PATH:"my holiday/"') == Named("path", "my holiday/")
    assert parse_query('score:"golden gate"≥.5') == Scored("golden gate", ">=", 0.5)
    assert parse_query("rating:>=4 date:2024") == And((Rated(">=", 4), Dated("2024", "2024")))


def test_a_value_takes_parentheses_that_are_its_own():
    assert parse_query("near:IMG(1).jpg") == Named("near", "IMG(1).jpg")
    assert parse_query("(path:holiday/)") == Named("path", "holiday/")


def test_a_word_with_a_time_of_day_is_a_word():
    assert parse_query("12:30") == words("12:30")


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("dog and", 8, "the query ends"),
        ("dog or or cat", 8, 'here is "or"'),
        ("and dog", 1, 'here is "and"'),
        ("(dog", 1, "never closed"),
        ("dog)", 4, 'without a "("'),
        ("()", 2, 'here is ")"'),
        ('dog "cat', 5, "never closed"),
        ('dog "  "', 5, "nothing between"),
        ("colour:red", 1, 'no field "colour:"'),
        ("dog scor:dog>1", 5, 'Did you mean "score:"'),
        ("cat score:dog", 5, "a number from 0 to 1"),
        ("tag: dog", 5, "has no value"),
        ('tag:"a"b', 1, "follows the closing quote"),
        ("x”", 2, "without an opening one"),
    ],
)
def test_an_error_names_the_column_and_what_to_do(text, column, message):
    with pytest.raises(QueryError, match=re.escape(message)) as caught:
        parse_query(text)

    assert caught.value.column == column


def test_depth_and_length_are_bounded():
    deep = "(" * MOST_LEVELS + "dog" + ")" * MOST_LEVELS

    assert parse_query(deep) == words("dog")
    for text in (f"({deep})", "not " * 5000 + "a", "x" * (MOST_CHARACTERS + 1)):
        with pytest.raises(QueryError, match=r"at most|more than"):
            parse_query(text)
