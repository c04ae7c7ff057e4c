"""What a sentence says before a network reads it: its language, the tags that it leaves out, and those that it names.

The text model reads English, and knows no "no". So "two men without a dog" becomes "two men" and the tag dog to leave
out, and of "Hund am Strand" the names of tags are translated. Whatever else is changed or doubtful is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vectortag.model.language import ENGLISH, Language
from vectortag.model.names_in_text import LONGEST_NAME, TagOf, bare, longest_tag, names_in
from vectortag.model.sentence_language import SMALL_WORDS, language_of
from vectortag.model.words.similarity import LIST_PROMPT

WITHOUT = frozenset({"without", "no", "not"})
ALSO_WITHOUT = frozenset({"or", "nor"})
"""Between tags that are left out together."""
CLEAR_WITHOUT = "without"
"""Leaves something out whatever follows; "no" may be part of a name, as in "no parking"."""


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


def leave_out(sentence: str, spoken: Language, tag_of: TagOf) -> Parts:
    """Take out of a sentence what it leaves out, where that is a tag.

    Args:
        spoken: its language; English is understood, too.
    """
    words, parts, at = sentence.split(), Parts([]), 0
    negations, small = WITHOUT | spoken.without, SMALL_WORDS | spoken.small_words
    while at < len(words):
        if bare(words[at]) not in negations:
            parts.words.append(words[at])
            at += 1
            continue
        found, end = _left_out(words, at, spoken, tag_of, small)
        if not found:
            rest = " ".join(words[at : at + 3])
            if bare(words[at]) in spoken.without | {CLEAR_WITHOUT}:
                parts.doubts.append(
                    f'"{rest}" leaves nothing out, because it names no tag. To leave out a tag, use --not'
                )
            parts.words.append(words[at])
            at += 1
            continue
        parts.without += found
        while parts.words and bare(parts.words[-1]) in {"with", "but", "and"}:
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
        while start < len(words) and bare(words[start]) in small:
            start += 1
        tag, length = longest_tag(words[start : start + LONGEST_NAME], spoken, tag_of)
        if tag is None:
            return found, place
        found.append(tag)
        place = start + length
        if place >= len(words) or bare(words[place]) not in ALSO_WITHOUT:
            return found, place


def _translated(parts: Parts, spoken: Language, tag_of: TagOf) -> Reading:
    """The tags that a sentence of another language names, as an English text."""
    pairs, unknown = [], []
    for name, tag in names_in(parts.words, spoken, tag_of):
        if tag is not None:
            pairs.append((name, tag))
        elif bare(name) not in spoken.small_words:
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
            f"{quoted}: ignored, because it is no name of a tag in {spoken.title}. Write sentences in English"
        )
    text = tags[0] if len(tags) == 1 else LIST_PROMPT.format(", ".join(tags)) if tags else ""
    return Reading(text, tuple(dict.fromkeys(parts.without)), tuple(notes), tuple(doubts))
