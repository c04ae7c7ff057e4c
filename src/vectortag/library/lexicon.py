"""What a word means in a library: a tag of the model, a synonym, a person's own tag or keyword, a year."""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vectortag.core.text import normalise
from vectortag.library.used_model import UsedModel
from vectortag.model.language import Language
from vectortag.model.words.word_vectors import singulars

SEEN_TOGETHER = 6
"""Words of the longest name without quotes."""

SMALL_WORDS = frozenset(
    [
        *("a", "an", "the", "of", "on", "in", "at", "by", "to", "with", "and", "or", "from", "for", "into", "over"),
        *("under", "near", "my", "our", "his", "her", "their", "its", "is", "are", "be"),
    ]
)
"""English words that say nothing alone: they make no sentence of a query whose other words are all known. Fewer than
those of `model.sentence`: here a word such as "three" or "small" is meant."""

_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_LEVELS = re.compile(r"[|/]")
"""Between the levels of a keyword such as "Places|Italy" or "animal/dog"."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name stands for; all of it counts.

    Attributes:
        tag: the index of a tag of the model, or None.
        decided: the tag as a person's decisions name it: the model's name, or one of the person's own; or None.
        shown: what the library calls the tag, or None.
        keywords: a person's own, as they stand in the table `keywords`.
        year: of four digits, or None.
    """

    tag: int | None = None
    decided: str | None = None
    shown: str | None = None
    keywords: tuple[str, ...] = ()
    year: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether it stands for anything."""
        return self != Meaning()


class Lexicon:
    """The names of a library.

    Args:
        model: whose tags are searched; None: the library has no scores.
        decided: the tags in the table `decisions`, and what they were renamed to.
        keywords: all of the table `keywords`.
        renames: tags, and what this library calls them.
        hidden: tags that this library does not use.
        language: whose names of tags are understood, too, and shown.
    """

    def __init__(
        self,
        model: UsedModel | None,
        *,
        decided: Iterable[str] = (),
        keywords: Iterable[str] = (),
        renames: Mapping[str, str] | None = None,
        hidden: Iterable[str] = (),
        language: Language = Language(),  # noqa: B008 - frozen
    ) -> None:
        self._model, self._language = model, language
        unused = {normalise(tag) for tag in hidden}
        self._tags = {
            normalise(tag): index
            for index, tag in reversed(list(enumerate(model.tags if model else ())))
            if normalise(tag) not in unused
        }
        self._renames = {normalise(tag): name for tag, name in (renames or {}).items()}
        renamed = {normalise(name): self._tags[tag] for tag, name in self._renames.items() if tag in self._tags}
        self._tags |= renamed  # the name that a person gave comes first
        self._decided = {normalise(tag): tag for tag in decided}
        self._keywords: dict[str, list[str]] = {}
        for keyword in keywords:
            levels = [normalise(level) for level in _LEVELS.split(keyword)]
            above = {"|".join(levels[:count]) for count in range(1, len(levels) + 1)}
            for name in {*levels, *above} - {""}:
                self._keywords.setdefault(name, []).append(keyword)

    @classmethod
    def read(
        cls,
        database: sqlite3.Connection,
        model: UsedModel | None,
        *,
        renames: Mapping[str, str],
        hidden: Iterable[str],
        language: Language,
    ) -> Lexicon:
        """The lexicon of a library, from its tables."""
        decided = database.execute("SELECT tag FROM decisions UNION SELECT renamed_to FROM decisions").fetchall()
        keywords = database.execute("SELECT DISTINCT keyword FROM keywords").fetchall()
        return cls(
            model,
            decided=[tag for (tag,) in decided if tag],
            keywords=[keyword for (keyword,) in keywords],
            renames=renames,
            hidden=hidden,
            language=language,
        )

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of all tags, a person's own included, as they are compared."""
        return tuple(dict.fromkeys([*self._tags, *self._decided]))

    def tag(self, text: str) -> Meaning:
        """The tag that this name, synonym, or their plural means; nothing else counts."""
        spoken = self._language.tag_named(text)
        for name in [*([normalise(spoken)] if spoken else []), *singulars(normalise(text))]:
            canonical = self._model.taxonomy.canonical(name) if self._model else None
            for one in (name, canonical):
                if one is not None and one in self._tags and self._model is not None:
                    index = self._tags[one]
                    tag = self._model.tags[index]
                    return Meaning(index, tag, self._renames.get(normalise(tag)) or self._language.name(tag))
            if name in self._decided:
                return Meaning(None, self._decided[name], self._decided[name])
        return Meaning()

    def tag_of(self, name: str) -> str | None:
        """The model's tag, or a person's own, that this name means."""
        return self.tag(name).decided

    def keyword(self, text: str) -> Meaning:
        """A person's own keywords that are this or below it, or have it as one of their levels.

        >>> Lexicon(None, keywords=["Places|Italy|Rome"]).keyword("places/italy").keywords
        ('Places|Italy|Rome',)
        """
        path = "|".join(map(normalise, _LEVELS.split(text)))
        return Meaning(keywords=tuple(self._keywords.get(path, ())))

    def meaning(self, text: str) -> Meaning:
        """All that a name stands for, but the names of folders and files."""
        tag = self.tag(text)
        year = text if _YEAR.fullmatch(text) else None
        return Meaning(tag.tag, tag.decided, tag.shown, self.keyword(text).keywords, year)

    def near(self, text: str) -> str:
        """ " Did you mean ...?" with up to three names that are spelt alike, or ""."""
        spoken = {normalise(name): tag for tag in self._tags if (name := self._language.name(tag)) != tag}
        return _did_you_mean(text, {**self._keywords, **self._decided, **self._tags, **spoken})

    def near_keyword(self, text: str) -> str:
        """As `near`, with a person's own keywords alone."""
        return _did_you_mean(text, self._keywords)


def _did_you_mean(text: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(normalise(text), list(names), n=3, cutoff=0.6)
    quoted = " or ".join(f'"{name}"' for name in close)
    return f" Did you mean {quoted}?" if close else ""
