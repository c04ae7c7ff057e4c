"""What a person says of photos of a library, and by which names of tags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vectortag.core.errors import LibraryError, NewTagError, UnknownTagError
from vectortag.library.curation import checked_name
from vectortag.library.decisions import Decision
from vectortag.library.library import Library
from vectortag.library.lists import TagNames


def decided(library: Library, tag: str) -> dict[int, Decision]:
    """The decisions on a tag, by the row of the photo."""
    photos = [library.photo(row) for row in library.rows()]
    return {one.row: one.decisions[tag] for one in photos if one is not None and tag in one.decisions}


class TestOwnTags:
    def test_a_word_that_is_no_tag_becomes_one_and_is_found_and_listed(self, updated: Library):
        one, other, *_ = sorted(updated.rows())
        with pytest.raises(UnknownTagError):
            updated.accept_on([one], "Aunt Anna")

        assert updated.accept_on([one], " Aunt Anna ", own=True).tag == "Aunt Anna"
        assert updated.accept_on([other], "aunt anna").tag == "Aunt Anna"

        assert updated.own_tags() == ["Aunt Anna"]
        assert sorted(updated.rows('tag:"Aunt Anna"')) == [one, other]
        photo = updated.photo(one)
        assert photo is not None
        assert "Aunt Anna" in updated.tags_on(photo)

    @pytest.mark.parametrize("name", ["", "  ", "a|b", "a\nb", "a" * 201])
    def test_a_name_that_no_tag_can_have_is_refused(self, updated: Library, name: str):
        with pytest.raises(NewTagError):
            updated.accept_on(updated.rows(), name, own=True)


def test_a_tag_is_renamed_only_where_it_is_shown(updated: Library):
    one, other, *_ = sorted(updated.rows())
    updated.reject_on(updated.rows(), "dog")
    updated.accept_on([one], "dog")

    change = updated.rename_on([one, other], "dog", "Rex")

    assert change.photos == 1
    assert decided(updated, "dog")[one] == Decision("accepted", "Rex")
    assert updated.rows("tag:Rex") == [one]


def test_its_tags_are_those_of_a_search_and_a_persons_word_is_over_the_models(updated, rows):
    photo = updated.photo(rows("SELECT id FROM photos WHERE path = 'a.jpg'")[0])
    before = updated.tags_on(photo)

    updated.accept(photo.path, "boat")
    again = updated.photo(photo.row)

    assert again.decisions["boat"].verdict == "accepted"
    assert "boat" in updated.tags_on(again)
    for tag in updated.tags_on(again):
        assert photo.row in {one.photo for one in updated.search(f'tag:"{tag}"', top=None).matches}
    updated.withdraw(photo.path, "boat")
    assert updated.tags_on(updated.photo(photo.row)) == before


def test_a_word_that_is_no_tag_and_a_photo_of_elsewhere_are_errors(updated: Library, photos: Path):
    with pytest.raises(UnknownTagError, match=r'no tag "dgo"\. Did you mean "dog"'):
        updated.accept(photos / "a.jpg", "dgo")
    with pytest.raises(LibraryError, match=r"is not in the library\. Add its folder"):
        updated.accept(photos / "none.jpg", "dog")


def test_the_tag_is_found_by_each_of_its_names_and_kept_under_the_models(updated: Library, photos: Path):
    updated.change_names(TagNames(renames={"puppy": "Hund"}))

    assert {updated.accept(photos / "a.jpg", word) for word in ("dog", "Puppy", "Hund")} == {"dog"}
    assert updated.names.renames == {"dog": "Hund"}


def test_a_hidden_tag_is_shown_on_no_photo_whoever_says_it(updated: Library, photos: Path):
    updated.accept(photos / "a.jpg", "boat")
    (row,) = updated.rows('file:"a.jpg"')
    photo = updated.photo(row)
    assert photo is not None
    assert "boat" in updated.tags_on(photo)

    updated.change_names(TagNames(hidden=("boat",)))

    assert "boat" not in updated.tags_on(photo)


def test_lists_with_an_unknown_tag_change_nothing(updated: Library):
    updated.change_names(TagNames(hidden=("boat",)))

    with pytest.raises(UnknownTagError):
        updated.change_names(TagNames(only=("dgo",)))

    assert updated.names == TagNames(hidden=("boat",))


def test_a_photo_that_no_model_has_seen_shows_nothing_and_tells_no_run(updated: Library, photos: Path):
    (row,) = updated.rows('file:"a.jpg"')
    seen = updated.photo(row)
    assert seen is not None
    run = updated.run_on(seen)
    assert run is not None
    assert run.model == updated.status().model[0]

    unread = replace(seen, content=None)

    assert (updated.tags_on(unread), updated.run_on(unread)) == ({}, None)


def test_without_tags_nothing_can_be_said(library: Library, photos: Path):
    with pytest.raises(LibraryError, match="no tags yet"):
        library.accept(photos / "a.jpg", "dog")


@pytest.mark.parametrize(("name", "checked"), [(" Aunt Anna ", "Aunt Anna"), ("海", "海"), ("x" * 200, "x" * 200)])
def test_blanks_around_a_name_do_not_count(name: str, checked: str):
    assert checked_name(name) == checked
