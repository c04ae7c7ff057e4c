"""What a sentence says before a network reads it: its language, the tags that it leaves out, and those that it names.

The text model reads English, and knows no "no". So "two men without a dog" becomes "two men" and the tag dog to leave
out, and of "Hund am Strand" the names of tags are translated. Whatever else is changed or doubtful is said.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vectortag.core.text import normalise
from vectortag.model.language import ENGLISH, Language, codes
from vectortag.model.taxonomy import Taxonomy
from vectortag.model.words.similarity import LIST_PROMPT
from vectortag.model.words.word_vectors import singulars, word_bank

LONGEST_NAME = 6
"""Words of a tag's name."""

SMALL_WORDS = frozenset(
    [
        *(
            "a",
            "about",
            "above",
            "all",
            "an",
            "and",
            "are",
            "as",
            "at",
            "be",
            "behind",
            "beside",
            "between",
            "big",
            "but",
        ),
        *(
            "by",
            "for",
            "from",
            "has",
            "have",
            "he",
            "her",
            "his",
            "i",
            "in",
            "into",
            "is",
            "it",
            "its",
            "large",
            "little",
        ),
        *("me", "my", "near", "next", "no", "nor", "not", "of", "off", "old", "on", "one", "or", "our", "out", "over"),
        *("she", "small", "some", "that", "the", "their", "there", "they", "this", "three", "to", "two", "under", "up"),
        *("very", "was", "we", "were", "which", "while", "who", "with", "without", "you", "young", "your", "any"),
    ]
)
"""English words that name nothing."""
WITHOUT = frozenset({"without", "no", "not"})
ALSO_WITHOUT = frozenset({"or", "nor"})
"""Between tags that are left out together."""
CLEAR_WITHOUT = "without"
"""Leaves something out whatever follows; "no" may be part of a name, as in "no parking"."""

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


@dataclass(frozen=True, slots=True)
class Reading:
    """How a sentence was understood.

    Attributes:
        text: what to search by, in English where it could be translated; "" where the sentence only leaves tags out.
        without: the model's tags to leave out.
        notes: what was changed.
        doubts: why the result may not be what was asked for.
    """

    text: str
    without: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(slots=True)
class Parts:
    """Attributes: `words` that are left; `without`: tags; `notes` and `doubts` as in `Reading`."""

    words: list[str]
    without: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def read_sentence(sentence: str, tag_of: TagOf, language: Language, *, translate: bool = True) -> Reading:
    """Understand a sentence.

    Args:
        tag_of: finds the model's tag by an English name, a synonym or a plural.
        language: the user's; it wins where a sentence may be in two.
        translate: whether the sentence is read by a text model that knows English only.
    """
    spoken = language_of(sentence, language)
    parts = leave_out(sentence, spoken, tag_of)
    if spoken.code != ENGLISH and translate:
        return _translated(parts, spoken, tag_of)
    text = " ".join(parts.words)
    return Reading(text, tuple(dict.fromkeys(parts.without)), tuple(parts.notes), tuple(parts.doubts))


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
    words = [_bare(word) for word in sentence.split()]
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
    return sum(len(name) for name, _ in _names_inside(sentence, language, lambda tag: tag))


def _script(char: str) -> str:
    """Han, Hiragana, Katakana, or "" for another script."""
    name = unicodedata.name(char, "")
    return next((script for script, begin in UNSPACED.items() if name.startswith(begin)), "")


def _bare(word: str) -> str:
    """Normalised, without punctuation at its ends."""
    start, end = 0, len(word)
    while start < end and not word[start].isalnum():
        start += 1
    while end > start and not word[end - 1].isalnum():
        end -= 1
    return normalise(word[start:end])


def leave_out(sentence: str, spoken: Language, tag_of: TagOf) -> Parts:
    """Take out of a sentence what it leaves out, where that is a tag.

    Args:
        spoken: its language; English is understood, too.
    """
    words, parts, at = sentence.split(), Parts([]), 0
    negations, small = WITHOUT | spoken.without, SMALL_WORDS | spoken.small_words
    while at < len(words):
        if _bare(words[at]) not in negations:
            parts.words.append(words[at])
            at += 1
            continue
        found, end = _left_out(words, at, spoken, tag_of, small)
        if not found:
            rest = " ".join(words[at : at + 3])
            if _bare(words[at]) in spoken.without | {CLEAR_WITHOUT}:
                parts.doubts.append(
                    f'"{rest}" leaves nothing out: what stands there is no tag. Leave a tag out by --not'
                )
            parts.words.append(words[at])
            at += 1
            continue
        parts.without += found
        while parts.words and _bare(parts.words[-1]) in {"with", "but", "and"}:
            parts.words.pop()
        parts.notes.append(f"left out: photos with {', '.join(map(spoken.name, found))}")
        at = end
    return parts


def _left_out(
    words: Sequence[str], at: int, spoken: Language, tag_of: TagOf, small: frozenset[str]
) -> tuple[list[str], int]:
    """The tags behind a word such as "without", and where the sentence goes on."""
    found: list[str] = []
    place = at + 1
    while True:
        start = place
        while start < len(words) and _bare(words[start]) in small:
            start += 1
        tag, length = _longest_tag(words[start : start + LONGEST_NAME], spoken, tag_of)
        if tag is None:
            return found, place
        found.append(tag)
        place = start + length
        if place >= len(words) or _bare(words[place]) not in ALSO_WITHOUT:
            return found, place


def _longest_tag(words: Sequence[str], spoken: Language, tag_of: TagOf) -> tuple[str | None, int]:
    for length in range(len(words), 0, -1):
        name = _bare(" ".join(words[:length]))
        tag = spoken.tag_named(name)
        for one in ([tag] if tag else []) + singulars(name):
            if (found := tag_of(one)) is not None:
                return found, length
    return None, 1


def _translated(parts: Parts, spoken: Language, tag_of: TagOf) -> Reading:
    """The tags that a sentence of another language names, as an English text."""
    pairs, unknown = [], []
    for name, tag in _names(parts.words, spoken, tag_of):
        if tag is not None:
            pairs.append((name, tag))
        elif _bare(name) not in spoken.small_words:
            unknown.append(name)
    tags = list(dict.fromkeys(tag for _, tag in pairs))
    doubts = list(parts.doubts)
    if not tags and not parts.without:
        doubts.append(
            f"this reads as {spoken.title}, and sentences are understood in English only, so the order may mean "
            "nothing. Say it in English, or use names of tags"
        )
        return Reading(" ".join(parts.words), (), tuple(parts.notes), tuple(doubts))
    named = ", ".join(f"{name} = {tag}" for name, tag in pairs)
    notes = [*parts.notes, *([f"read as {spoken.title}: {named}"] if pairs else [])]
    if unknown:
        quoted = ", ".join(f'"{word}"' for word in unknown)
        doubts.append(
            f"{quoted}: no name of a tag in {spoken.title}, so it does not count. Sentences can be in English"
        )
    text = tags[0] if len(tags) == 1 else LIST_PROMPT.format(", ".join(tags)) if tags else ""
    return Reading(text, tuple(dict.fromkeys(parts.without)), tuple(notes), tuple(doubts))


def _names(words: Sequence[str], spoken: Language, tag_of: TagOf) -> Iterator[tuple[str, str | None]]:
    """Names of several words first; where words have no blanks between them, the longest name at each character."""
    if not UNSPACED.keys().isdisjoint(spoken.scripts):
        yield from _names_inside("".join(words), spoken, tag_of)
        return
    place = 0
    while place < len(words):
        tag, length = _longest_tag(words[place : place + LONGEST_NAME], spoken, tag_of)
        yield " ".join(words[place : place + length]), tag
        place += length


def _names_inside(text: str, spoken: Language, tag_of: TagOf) -> Iterator[tuple[str, str | None]]:
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
