"""What a name means in a library."""

from __future__ import annotations

import unicodedata

import pytest
from made_photos import found, photo

from vectortag.core.errors import QueryError
from vectortag.library.lexicon import Lexicon, Meaning
from vectortag.model.language import Language


def test_a_parent_finds_its_children_and_a_synonym_or_plural_its_tag(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", boat=0.9), photo("c.jpg", beach=0.9))

    assert found(library, "animal") == found(library, "puppy") == found(library, "Dogs") == ["a.jpg"]
    assert found(library, "ship") == found(library, "vehicle") == ["b.jpg"]


def test_keywords_are_found_in_any_case_and_form_of_unicode_and_by_their_levels(make):
    library = make(
        photo("a.jpg", keywords=("Straße", unicodedata.normalize("NFD", "Café"))),
        photo("b.jpg", keywords=("Places|Italy|Rome",)),
    )

    assert found(library, "STRASSE") == found(library, "keyword:café") == ["a.jpg"]
    assert found(library, unicodedata.normalize("NFD", "café")) == ["a.jpg"]
    assert found(library, "italy") == found(library, "keyword:places") == ["b.jpg"]
    with pytest.raises(QueryError, match=r'no photo has the keyword "itly".*Did you mean "italy"'):
        library.search("keyword:itly")
    with pytest.raises(QueryError, match=r'no photo has the keyword "dig"\.$'):  # "dog" is a tag, and no keyword
        library.search("keyword:dig")


def test_a_keyword_is_found_by_its_path_with_either_mark(make):
    library = make(photo("a.jpg", keywords=("Places|Italy|Rome",)), photo("b.jpg", keywords=("Places/Italy/Milan",)))

    assert sorted(found(library, "keyword:places/italy")) == ["a.jpg", "b.jpg"]
    assert found(library, "keyword:Places|Italy|Rome") == ["a.jpg"]
    assert found(library, 'keyword:"Places/Italy/Milan"') == ["b.jpg"]
    with pytest.raises(QueryError, match='no photo has the keyword "Italy/Places"'):
        library.search("keyword:Italy/Places")


def test_a_tag_that_only_a_person_gave_is_a_tag(make):
    library = make(photo("a.jpg", decisions={"Rex": True}), photo("b.jpg"))

    assert found(library, "rex") == found(library, "tag:Rex") == ["a.jpg"]


def test_names_of_tags_are_understood_and_shown_in_a_language(make):
    library = make(photo("both.jpg", dog=0.9, beach=0.9), photo("beach.jpg", beach=0.8))
    german = Language.load("de")

    result = library.search("Hund am Strand", language=german)

    assert [match.path.name for match in result.matches] == ["both.jpg"]
    assert result.matches[0].why == ("Hund 0.90", "Strand 0.90")
    assert [match.path.name for match in library.search("strand ohne hund", language=german).matches] == ["beach.jpg"]
    assert library.search("tag:Tier", language=german).count == 1
    with pytest.raises(QueryError, match='Did you mean "hund"'):
        library.search("tag:Hunt", language=german)


LEXICON = Lexicon(None, decided=["Rex"], keywords=["Places|Italy|Rome", "animal/dog", "Café", "2024"])
"""Of a library without a model."""


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("REX", Meaning(decided="Rex", shown="Rex")),
        ("cafe\u0301", Meaning(keywords=("Café",))),
        ("italy", Meaning(keywords=("Places|Italy|Rome",))),
        ("places/Italy", Meaning(keywords=("Places|Italy|Rome",))),
        ("animal|dog", Meaning(keywords=("animal/dog",))),
        ("2024", Meaning(keywords=("2024",), year="2024")),
        ("1999", Meaning(year="1999")),
        ("1899", Meaning()),
        ("20240", Meaning()),
        ("italy/places", Meaning()),
        ("dogs", Meaning()),  # the plural of a keyword is another word
    ],
)
def test_a_name_stands_for_all_that_is_called_so(text: str, meaning: Meaning):
    assert LEXICON.meaning(text) == meaning
    assert LEXICON.meaning(text).is_known == (meaning != Meaning())


def test_an_error_suggests_up_to_three_names_that_are_spelt_alike():
    assert LEXICON.near("rxe") == ' Did you mean "rex"?'
    assert LEXICON.near_keyword("rxe") == ""  # a tag of the person's own is no keyword
    assert LEXICON.near_keyword("itally") == ' Did you mean "italy"?'
    assert LEXICON.near("nothing like it") == ""
    many = Lexicon(None, decided=["boat", "boats", "boar", "boast"])
    assert many.near("boat").count(" or ") == 2


def test_a_name_that_a_person_gave_comes_before_that_of_a_tag(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", boat=0.9))
    library.change_setting("renames", {"boat": "Dog"})

    assert found(library, "dog") == ["b.jpg"]
    assert library.search("dog").readings == ('"dog": the tag Dog',)
