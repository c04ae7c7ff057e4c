"""The values of a search: each is written as a query of the same meaning."""

from __future__ import annotations

import pytest

from vectortag.library.query import (
    And,
    Dated,
    Named,
    Node,
    Not,
    Or,
    Phrase,
    Placed,
    Rated,
    Scored,
    Word,
    Words,
    leaves,
    quoted,
)

DOG, SEA = Words((Word("dog"),)), Words((Word("sea"),))
RUN = Words((Word("golden"), Word("gate")))


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (RUN, "golden gate"),
        (Phrase('5" nails'), '"5\\" nails"'),
        (Named("tag", "dog"), "tag:dog"),
        (Named("path", "my holiday/"), 'path:"my holiday/"'),
        (Named("near", "IMG(1).jpg"), 'near:"IMG(1).jpg"'),
        (Scored("golden gate", ">=", 0.5), 'score:"golden gate">=0.5'),
        (Scored("dog", "<", 1e-7), 'score:"dog"<0.0000001'),  # no exponent: the field has none
        (Rated(">=", 4), "rating:>=4"),
        (Rated("=", -1), "rating:-1"),
        (Dated("2024-07", "2024-07"), "date:2024-07"),
        (Dated("2024", "2025-03"), "date:2024..2025-03"),
        (Dated(None, "2020"), "date:..2020"),
        (Dated("2020", None), "date:2020.."),
        (Placed(48.14, -11.5, 5.0), "place:48.14,-11.5,5.0"),
        (Not(DOG), "not dog"),
        (Not(RUN), "not (golden gate)"),  # "not" takes one word
        (Not(And((DOG, SEA))), "not (dog and sea)"),
        (Not(Not(DOG)), "not not dog"),
        (And((RUN, DOG)), "golden gate and dog"),
        (And((Or((DOG, SEA)), RUN)), "(dog or sea) and golden gate"),
        (Or((And((DOG, SEA)), RUN)), "(dog and sea) or golden gate"),
        (And((And((DOG, SEA)), Not(DOG))), "(dog and sea) and not dog"),
    ],
)
def test_it_is_written_with_no_more_quotes_and_parentheses_than_it_needs(node: Node, text: str):
    assert str(node) == text


def test_where_something_stands_counts_in_no_comparison():
    assert Words((Word("dog", 5),), 5) == DOG
    assert hash(Not(Words((Word("dog", 5),), 5), 1)) == hash(Not(DOG))
    assert Named("tag", "dog") != Named("keyword", "dog")


def test_leaves_come_from_left_to_right_also_from_behind_not():
    one, two = Rated("=", 3), Named("file", "x")

    assert list(leaves(Or((And((DOG, Not(one))), two)))) == [DOG, one, two]
    assert list(leaves(RUN)) == [RUN]


def test_in_quotes_a_quote_and_a_backslash_have_a_backslash_before_them():
    assert quoted(r'C:\a "b"') == r'"C:\\a \"b\""'
