"""What the parts of a query find together, which words are names, and which make a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from made_photos import found, photo

from vectortag.core.errors import QueryError
from vectortag.library.evaluation import Reason
from vectortag.library.query import Named, Not, Or


def test_and_or_not_combine_and_scores_are_multiplied(make):
    library = make(
        photo("both.jpg", dog=0.8, beach=0.5),
        photo("dog.jpg", dog=0.9),
        photo("boat.jpg", dog=0.7, boat=0.9),
    )

    assert found(library, "dog beach") == ["both.jpg"]
    assert found(library, "dog and (beach or boat)") == ["boat.jpg", "both.jpg"]
    assert found(library, "dog -beach not boat") == ["dog.jpg"]
    assert found(library, "not dog") == []
    assert library.search("dog beach").matches[0].score == pytest.approx(0.4)


def test_a_name_counts_less_than_a_keyword_and_all_meanings_are_united(make):
    library = make(photo("dog/a.jpg"), photo("b.jpg", dog=0.9), photo("c.jpg", keywords=("dog",)))

    result = library.search("dog")

    assert [one.path.name for one in result.matches] == ["c.jpg", "b.jpg", "a.jpg"]
    assert result.readings == ('"dog": the tag dog, a keyword, a name of folders or files',)


def test_words_that_are_no_names_make_one_sentence_of_the_run_and_small_words_none(make):
    library = make(photo("a.jpg", dog=0.9, beach=0.8), photo("b.jpg"))

    assert library.search("zebra").sentence == "zebra"
    assert library.search("boots").readings == ('"boots": no name here, so a sentence. Did you mean "boat"?',)
    assert library.search("dog on the beach").sentence is None
    assert library.search('"zebra" date:2000.. "tractor"').sentence == "zebra tractor"


def test_punctuation_around_a_word_makes_no_difference_unless_something_is_called_so(make):
    library = make(photo("a.jpg", dog=0.9, boat=0.9), photo("b.jpg", dog=0.9, keywords=("boat!",)))

    assert found(library, "dog, boat") == ["a.jpg"]
    assert found(library, "boat!") == ["b.jpg"]
    assert found(library, "'dog' boat?") == ["a.jpg"]


def test_a_sentence_cannot_be_excluded_or_an_alternative(make):
    library = make(photo("a.jpg", dog=0.9))

    for query, column in (("not dgo", 5), ("dog or zebras", 8), ("-near:a.jpg", 2)):
        with pytest.raises(QueryError, match="can only put photos in order") as caught:
            library.search(query)
        assert caught.value.column == column
    with pytest.raises(QueryError, match='Did you mean "dog"'):
        library.search("not dgo")


def test_without_leaves_a_tag_out_of_words_and_of_sentences(make):
    library = make(
        photo("both.jpg", dog=0.9, beach=0.9), photo("beach.jpg", beach=0.8, seed=1), photo("dog.jpg", dog=0.9, seed=2)
    )

    assert found(library, "beach without a dog") == ["beach.jpg"]
    assert found(library, "without dogs") == ["beach.jpg"]
    assert found(library, "horse without a dog") == ["beach.jpg"]
    assert library.search("horse without a dog").sentence == "horse"
    assert "left out: photos with dog" in library.search("beach without a dog").readings


def test_a_reason_says_its_number_where_there_is_one():
    values = np.float32([0.914, 0])

    assert Reason("dog", values, has_number=True).at(0) == "dog 0.91"
    assert Reason("keyword Anna", values).at(0) == "keyword Anna"


def test_what_matched_is_said_of_each_photo_alone_and_not_of_what_was_left_out(make):
    library = make(
        photo("Anna/a.jpg", dog=0.9, keywords=("Anna",)), photo("b.jpg", dog=0.8, keywords=("Anna",)), photo("c.jpg")
    )

    why = {one.path.name: one.why for one in library.search("dog Anna -boat", top=None).matches}

    assert why == {
        "a.jpg": ("dog 0.90", "keyword Anna", "folder or file Anna"),
        "b.jpg": ("dog 0.80", "keyword Anna"),
    }


def test_a_product_of_many_small_numbers_is_found_all_the_same(make):
    library = make(photo("w.jpg"), photo("other.jpg"))

    assert found(library, " and ".join(["w"] * 160)) == ["w.jpg"]  # 0.5 ** 160 is 0 in float32


def test_near_beside_a_sentence_orders_by_both(make):
    library = make(*(photo(f"{n}.jpg", seed=n) for n in range(6)))

    result = library.search('"zebra" near:3.jpg')

    assert (result.sentence, result.order, result.count) == ("zebra", "sentence", 6)
    assert [why.partition(" ")[0] for why in result.matches[0].why] == ["sentence", "likeness"]


@pytest.mark.parametrize("node", [Not(Named("near", "a.jpg", 5)), Or((Named("tag", "dog"), Named("near", "a.jpg", 5)))])
def test_a_query_that_was_built_is_held_to_the_same_rule(make, node):
    with pytest.raises(QueryError, match="can only put photos in order") as caught:
        make(photo("a.jpg", dog=0.9)).search(node)

    assert caught.value.column == 5
