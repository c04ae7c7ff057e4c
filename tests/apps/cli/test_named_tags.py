"""The tags that a command was given, in the user's language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.named_tags import tags_named
from vectortag.core.errors import UnknownTagError
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

Cli = Callable[..., Any]


def test_names_synonyms_and_other_spellings_are_understood(tagger: Tagger):
    assert tags_named(["puppy", " BOAT ", "sea"], tagger, Language()) == ["dog", "boat", "sea"]


def test_names_of_the_language_and_english_ones_may_be_mixed(tagger: Tagger):
    german = Language.load("de")

    assert tags_named(["Hund", "boat", "fahrzeug", "puppy"], tagger, german) == ["dog", "boat", "vehicle", "dog"]


def test_an_unknown_word_in_english_is_told_as_the_model_tells_it(tagger: Tagger):
    with pytest.raises(UnknownTagError, match=r'no tag "dgo"\. Did you mean "dog"'):
        tags_named(["dog", "dgo"], tagger, Language())


def test_an_unknown_word_in_a_language_says_where_it_was_looked_for(tagger: Tagger):
    with pytest.raises(UnknownTagError) as caught:
        tags_named(["Katzenklappe"], tagger, Language.load("de"))

    assert str(caught.value) == (
        'model "tiny": no tag "Katzenklappe", in Deutsch or English. All tags: vectortag inspect tiny'
    )


def test_a_tag_that_is_not_there_is_suggested_in_the_language(
    cli: Cli, tiny_model: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("VECTORTAG_LANGUAGE", "de")

    outcome = cli("correct", photos[0], "--yes", "Hundd", "--model", tiny_model)

    assert outcome.status == 2
    assert 'Did you mean "Hund"?' in outcome.stderr
