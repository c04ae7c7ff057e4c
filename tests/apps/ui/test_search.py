"""Searching among the photos of a session."""

from __future__ import annotations

import pytest

from vectortag.apps.ui.examples import example_photos
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.search import Search, SearchResult, run_search
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.inference.search import PhotoIndex
from vectortag.model.registry import find_model_folder
from vectortag.model.words import text_model


class TestSearch:
    NAMES = ("mountain", "cat", "dogs")

    @pytest.fixture
    def shipped(self) -> LoadedModel:
        return LoadedModel(find_model_folder("lite0"))

    @pytest.fixture
    def session(self, shipped: LoadedModel) -> SessionPhotos:
        """Three photos that the network has seen."""
        session, examples = SessionPhotos(), example_photos()
        for name in self.NAMES:
            session.analyse(session.add(name, examples[name].read_bytes()), shipped)
        return session

    @staticmethod
    def names(outcome: SearchResult) -> list[str]:
        return [photo.name for photo in outcome.photos]

    def test_a_noun_ranks_all_photos_and_the_network_does_not_run(self, shipped, session, monkeypatch):
        monkeypatch.setattr(shipped, "feature_map", None)

        outcome = run_search(Search("dogs"), session, shipped)

        assert self.names(outcome)[0] == "dogs"
        assert sorted(self.names(outcome)) == sorted(self.NAMES)
        assert (outcome.problem, outcome.doubt) == (None, None)

    def test_it_ranks_as_the_index_of_the_command_line(self, shipped, session):
        index = PhotoIndex.of(shipped.tagger(), [example_photos()[name] for name in self.NAMES])

        expected = [found.photo.stem for found in index.search("sky", top=3)]

        assert self.names(run_search(Search("sky"), session, shipped)) == expected

    def test_tags_choose_with_a_sentence_and_without(self, shipped, session):
        for sentence, expected in (("", ["cat", "dogs"]), ("dogs", ["dogs", "cat"])):
            outcome = run_search(Search(sentence, has=["animal"]), session, shipped)
            assert self.names(outcome) == expected
        assert self.names(run_search(Search(has_not=["dog"]), session, shipped)) == ["mountain", "cat"]

    def test_without_the_text_model_a_sentence_is_told_and_the_photos_stay(self, shipped, session, monkeypatch):
        monkeypatch.setattr(text_model, "PACKAGE", "vectortag_no_such_package")

        outcome = run_search(Search("a dog by a door", has_not=["cat"]), session, shipped)

        assert self.names(outcome) == ["mountain", "dogs"]
        assert "pip install 'vectortag[words]'" in str(outcome.problem)

    def test_a_model_without_words_says_what_to_do(self, model, content):
        session = SessionPhotos()
        session.analyse(session.add("a.png", content()), model)

        outcome = run_search(Search("dog"), session, model)

        assert "knows no words. Teach it: vectortag learn-words tiny" in str(outcome.problem)
        assert self.names(outcome) == ["a.png"]

    def test_nothing_of_the_photos_is_kept_on_disk(self, shipped, session, home):
        run_search(Search("dogs"), session, shipped)

        assert not (home / "cache" / "directions").exists()

    def test_blanks_are_no_search(self):
        assert not Search("  ")
        assert Search("a")
        assert Search(has=["dog"])
