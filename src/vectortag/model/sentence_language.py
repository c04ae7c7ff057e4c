"""Which language a sentence is in, told by its words and by its script."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence

from vectortag.model.language import ENGLISH, Language, codes
from vectortag.model.names_in_text import UNSPACED, bare, names_inside
from vectortag.model.words.word_vectors import singulars, word_bank

_SMALL = (
    "a about above all an and any are as at be behind beside between big but by for from has have he "
    "her his i in into is it its large little me my near next no nor not of off old on one or our out "
    "over she small some that the their there they this three to two under up very was we were which "
    "while who with without you young your"
)
SMALL_WORDS = frozenset(_SMALL.split())
"""English words that name nothing."""


def language_of(sentence: str, language: Language) -> Language:
    """The language of a sentence, among those whose tags have names; English where nothing speaks against it.

    A word counts for a language if it is one of its small words, or names a tag in it. English has its small words, and
    20,000 nouns.

    Args:
        language: the user's; it wins a tie.

    >>> language_of("ein Hund am Strand", Language()).code, language_of("a hot dog", Language()).code
    ('de', 'en')
    """
    if (unspaced := _unspaced(sentence, language)) is not None:
        return unspaced
    words = [bare(word) for word in sentence.split()]
    strange = [word for word in words if word and not _is_english(word)]
    if not strange:
        return language if language.tags and _all_named(words, language) else Language()
    others = [one for one in _languages() if one.code != language.code]
    best, most = Language(), 0
    for one in [language, *others] if language.tags else others:
        known = sum(_knows(one, word) for word in words)
        if any(_knows(one, word) for word in strange) and known > most:
            best, most = one, known
    english = len(words) - len(strange)
    is_own = best.code == language.code
    return best if most > english or (is_own and most == english and most > 0) else Language()


@functools.cache
def _languages() -> tuple[Language, ...]:
    return tuple(Language.load(code) for code in codes() if code != ENGLISH)


def _is_english(word: str) -> bool:
    return word in SMALL_WORDS or any(one in _nouns() for one in singulars(word))


@functools.cache
def _nouns() -> frozenset[str]:
    return frozenset(word_bank().names)


def _all_named(words: Sequence[str], language: Language) -> bool:
    return bool(words) and all(_knows(language, word) for word in words)


def _knows(language: Language, word: str) -> bool:
    return word in language.small_words or language.tag_named(word) is not None


def _unspaced(sentence: str, language: Language) -> Language | None:
    """The language of a sentence in a script without blanks between words; None for other scripts.

    Kana are Japanese. Of Han alone, the language counts that names more of it; in doubt it is the user's, then Chinese.
    """
    scripts = {name for char in sentence if (name := _script(char))}
    if not scripts:
        return None
    readers = [one for one in (language, *_languages()) if scripts <= set(one.scripts)]
    return max(readers, key=lambda one: (_named_characters(sentence, one), one is language, len(one.scripts) == 1))


def _named_characters(sentence: str, language: Language) -> int:
    return sum(len(name) for name, _ in names_inside(sentence, language, lambda tag: tag))


def _script(char: str) -> str:
    """Han, Hiragana, Katakana, or "" for another script."""
    name = unicodedata.name(char, "")
    return next((script for script, begin in UNSPACED.items() if name.startswith(begin)), "")
