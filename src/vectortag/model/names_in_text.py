"""The names of tags in a text: of several words, in the user's language or in English, with or without blanks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from vectortag.core.text import normalise
from vectortag.model.language import Language
from vectortag.model.taxonomy import Taxonomy
from vectortag.model.words.word_vectors import singulars

LONGEST_NAME = 6
"""Words of a tag's name."""

UNSPACED = {"Han": "CJK", "Hiragana": "HIRAGANA", "Katakana": "KATAKANA"}
"""Scripts without blanks between words, and how Unicode's names of their characters begin."""

TagOf = Callable[[str], str | None]
"""The model's tag that an English name means, or None."""


def tags_by_name(tags: Iterable[str], taxonomy: Taxonomy) -> TagOf:
    """Finds tags by their names and synonyms in English."""
    known = {normalise(tag): tag for tag in tags}

    def find(name: str) -> str | None:
        return known.get(normalise(name)) or known.get(normalise(taxonomy.canonical(name) or ""))

    return find


def names_in(words: Sequence[str], spoken: Language, tag_of: TagOf) -> Iterator[tuple[str, str | None]]:
    """Each name in a text with its tag, and each other word with None.

    Names of several words first; where words have no blanks between them, the longest name at each character.
    """
    if not UNSPACED.keys().isdisjoint(spoken.scripts):
        yield from names_inside("".join(words), spoken, tag_of)
        return
    place = 0
    while place < len(words):
        tag, length = longest_tag(words[place : place + LONGEST_NAME], spoken, tag_of)
        yield " ".join(words[place : place + length]), tag
        place += length


def names_inside(text: str, spoken: Language, tag_of: TagOf) -> Iterator[tuple[str, str | None]]:
    """Each name in a text without blanks, with its tag; what is between them is left out."""
    longest = max((len(word) for words in spoken.tags.values() for word in words), default=0)
    place = 0
    while place < len(text):
        for length in range(min(longest, len(text) - place), 0, -1):
            name = text[place : place + length]
            if (tag := spoken.tag_named(name)) is not None and (found := tag_of(tag)) is not None:
                yield name, found
                break
        else:
            length = 1
        place += length


def longest_tag(words: Sequence[str], spoken: Language, tag_of: TagOf) -> tuple[str | None, int]:
    """The tag that the first of these words name, as many of them as can be, and their number; None and 1 if none."""
    for length in range(len(words), 0, -1):
        name = bare(" ".join(words[:length]))
        tag = spoken.tag_named(name)
        for one in ([tag] if tag else []) + singulars(name):
            if (found := tag_of(one)) is not None:
                return found, length
    return None, 1


def bare(word: str) -> str:
    """Normalised, without punctuation at its ends."""
    start, end = 0, len(word)
    while start < end and not word[start].isalnum():
        start += 1
    while end > start and not word[end - 1].isalnum():
        end -= 1
    return normalise(word[start:end])
