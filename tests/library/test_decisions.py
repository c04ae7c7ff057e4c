"""A person's decisions on the tags of a photo."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vectortag.inference.refresh import refresh
from vectortag.inference.tagger import Tagger
from vectortag.library.decisions import Decision, apply_decisions, decisions_on, known_photo
from vectortag.library.library import Library
from vectortag.personal.corrections import read_corrections

ABOVE = {"dog": {"animal"}, "pug": {"dog", "animal"}}


@pytest.fixture
def photo(make_photo: Callable[..., Path]) -> Path:
    return make_photo("photos/a.jpg")


@pytest.fixture
def library(photo: Path, tiny_model: Path, tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library.sqlite") as library:
        library.add(photo.parent)
        library.update(model=tiny_model)
        yield library


def decisions_of(library: Library, photo: Path) -> dict[str, Decision]:
    return decisions_on(library.database, known_photo(library.database, photo).content)


def applied(scores: dict[str, float], **verdicts: str) -> dict[str, float | None]:
    decisions = {tag: Decision(verdict) for tag, verdict in verdicts.items()}
    return apply_decisions(scores, decisions, lambda tag: ABOVE.get(tag, set()))


class TestWhatTheyDo:
    def test_without_any_the_scores_count(self):
        assert list(applied({"sea": 0.5, "dog": 0.9}).items()) == [("dog", 0.9), ("sea", 0.5)]

    def test_a_rejected_tag_goes_with_all_that_imply_it(self):
        assert applied({"pug": 0.9, "dog": 0.9, "animal": 0.9, "sea": 0.5}, dog="rejected") == {
            "animal": 0.9,
            "sea": 0.5,
        }

    def test_an_accepted_tag_comes_with_all_that_it_implies(self):
        assert applied({"sea": 0.5, "dog": 0.2}, pug="accepted") == {
            "pug": None,
            "sea": 0.5,
            "dog": 0.2,
            "animal": None,
        }

    def test_what_was_rejected_does_not_come_back_by_a_tag_that_implies_it(self):
        assert applied({}, dog="accepted", animal="rejected") == {"dog": None}


class TestInALibrary:
    def test_they_are_kept_and_the_last_one_counts(self, library: Library, photo: Path):
        assert library.accept(photo, "puppy") == "dog"
        library.reject(photo, "boat")
        library.reject(photo, "dog")

        assert decisions_of(library, photo) == {"dog": Decision("rejected"), "boat": Decision("rejected")}

    def test_a_name_for_one_photo(self, library: Library, photo: Path):
        library.rename(photo, "dog", "Rex")

        assert decisions_of(library, photo) == {"dog": Decision("accepted", "Rex")}

    def test_they_outlive_a_new_run_and_a_move(self, library: Library, photo: Path, tiny_model: Path):
        library.accept(photo, "dog")
        moved = photo.with_name("b.jpg")
        shutil.move(photo, moved)

        library.update(model=tiny_model, profile="thorough")

        assert decisions_of(library, moved) == {"dog": Decision("accepted")}

    def test_they_teach_the_model(self, library: Library, photo: Path, tiny_model: Path):
        library.accept(photo, "dog")
        library.reject(photo, "boat")

        assert [(one.photo, one.tag, one.has) for one in read_corrections()] == [
            (photo, "dog", True),
            (photo, "boat", False),
        ]
        assert {one.tag for one in refresh(Tagger.load(tiny_model))} == {"dog", "boat"}

    def test_they_can_be_withdrawn(self, library: Library, photo: Path):
        library.accept(photo, "dog")
        library.withdraw(photo, "dog")

        assert decisions_of(library, photo) == {}
        assert read_corrections() == []
