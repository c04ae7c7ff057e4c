"""Photos that would teach a tag most, and what answers bring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import LibraryError, UnknownTagError
from vectortag.core.numerics import logit
from vectortag.inference.tagger import Tagger
from vectortag.library.library import Library
from vectortag.library.packing import unpack_embeddings


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The file of a library of 24 photos."""
    folder = tmp_path_factory.mktemp("teaching")
    (folder / "photos").mkdir()
    for seed in range(24):
        colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(colours).resize((64, 48)).save(folder / f"photos/{seed:02}.jpg")
    with Library.open(folder / "library.sqlite") as library:
        library.add(folder / "photos")
        library.update(model=tiny_model)
    return folder / "library.sqlite"


@pytest.fixture
def library(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """A copy of it."""
    monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path / "home"))
    with Library.open(many) as original:
        original.back_up(tmp_path / "library.sqlite")
    with Library.open(tmp_path / "library.sqlite") as copy:
        yield copy


def score(library: Library, tagger: Tagger, tag: str, row: int) -> float:
    query = "SELECT embedding FROM analyses JOIN photos USING (content) WHERE photos.id = ?"
    packed = library.database.execute(query, (row,)).fetchone()[0]
    return float(tagger.scores(unpack_embeddings([packed]))[0, tagger.place(tag)])


class TestQuestions:
    def test_they_are_nearer_to_the_threshold_than_the_others(self, library: Library, tagger: Tagger):
        scores = np.array([score(library, tagger, "dog", row) for row in library.rows()])
        doubts = np.abs(logit(scores) - logit(tagger.thresholds[tagger.place("dog")].astype(float)))

        asked = library.questions(tagger, "dog", count=1)

        assert asked == [library.rows()[int(np.argmin(doubts))]]

    def test_photos_with_an_answer_and_those_that_are_gone_are_not_asked_for(self, library: Library, tagger: Tagger):
        first = library.questions(tagger, "dog", count=5)
        assert len(set(first)) == 5
        library.accept_on(first[:2], "dog")
        library.reject_on(first[2:4], "dog")
        library.database.execute("UPDATE photos SET gone = 1 WHERE id = ?", (first[4],))

        again = library.questions(tagger, "dog", count=99)

        assert not set(first) & set(again)
        assert len(again) == 24 - 5

    def test_an_unknown_tag_is_an_error(self, library: Library, tagger: Tagger):
        with pytest.raises(UnknownTagError):
            library.questions(tagger, "nothing", count=1)

    def test_without_an_update_there_is_nothing_to_ask(self, tmp_path: Path, tagger: Tagger):
        with Library.open(tmp_path / "empty.sqlite") as empty, pytest.raises(LibraryError, match="no tags yet"):
            empty.questions(tagger, "dog", count=1)


class TestLesson:
    def test_what_is_learned_is_judged_on_photos_that_are_held_back(self, library: Library, tagger: Tagger):
        rows = library.rows()
        library.accept_on(rows, "dog")

        lesson = library.lesson("dog")

        held = [row for row in rows if library.photo(row).content[0] % 3 == 0]
        shown = [score(library, tagger, "dog", row) >= tagger.thresholds[tagger.place("dog")] for row in held]
        assert (lesson.learnt, lesson.held_back) == (24 - len(held), len(held))
        assert lesson.before == sum(shown)
        assert lesson.after >= lesson.before

    def test_answers_that_contradict_the_model_change_what_it_says(self, library: Library, tagger: Tagger):
        rows = library.rows()
        middle = np.median([score(library, tagger, "dog", row) for row in rows])
        library.accept_on([row for row in rows if score(library, tagger, "dog", row) < middle], "dog")
        library.reject_on([row for row in rows if score(library, tagger, "dog", row) >= middle], "dog")

        assert library.lesson("dog").learnt > 0
        assert tagger.refits == ()  # nothing was stored

    def test_with_too_few_answers_nothing_can_be_said(self, library: Library):
        assert library.lesson("dog") is None
        library.accept_on(library.rows()[:1], "dog")
        assert library.lesson("dog") is None

    def test_of_a_tag_of_the_persons_own_the_model_learns_nothing(self, library: Library):
        library.accept_on(library.rows(), "Anna", own=True)

        assert library.lesson("Anna") is None
