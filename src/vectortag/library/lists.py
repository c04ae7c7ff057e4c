"""The tag lists of a person's own: only these tags, not those, other names for some, and the language of the others.

They are settings of a library, and hold in search, sidecars and export alike. A list is given as words with commas
between them, or as a text file with one tag per line; a rename is written as `automobile: Auto`. A line is a comment if
it begins with "#".
"""

from __future__ import annotations

import functools
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from vectortag.core.errors import ConfigError, UnknownTagError, did_you_mean
from vectortag.core.file_names import escape_path, is_folder, is_there
from vectortag.core.files import read_text
from vectortag.core.text import LONGEST_NAME, has_control_characters, normalise
from vectortag.core.types import Tagging, TagScore
from vectortag.library.folders import covering_root, roots_of
from vectortag.model.language import Language
from vectortag.model.taxonomy import Taxonomy

ONLY, NOT, RENAMES, LANGUAGE = "only", "not", "renames", "language"
PARENT, MIN_SCORE, BY_STEM = "parent", "min_score", "by_stem"
"""Keys of a library's settings."""


class Reading(Protocol):
    """Where the lists are read from."""

    def setting(self, key: str, default: Any = None) -> Any: ...


class Settings(Reading, Protocol):
    """Where the lists are kept: a Library."""

    def change_setting(self, key: str, value: Any) -> None: ...


@dataclass(frozen=True)
class TagNames:
    """Which tags are shown, and under which names.

    Attributes:
        only: the tags to show, or () for all.
        hidden: tags not to show.
        renames: the shown names of tags, by tag.
        language: of the names of the other tags.

    >>> names = TagNames(hidden=("person",), renames={"automobile": "Auto"})
    >>> names.shown_name("automobile"), names.tag_of("auto"), names.shows("person")
    ('Auto', 'automobile', False)
    """

    only: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    language: Language = field(default_factory=Language)

    def shows(self, tag: str) -> bool:
        """Whether a tag is shown."""
        known = {normalise(tag), normalise(self.shown_name(tag))}
        return not known & self._hidden and (not self._only or bool(known & self._only))

    def shown_name(self, tag: str) -> str:
        """The name under which a tag is shown."""
        return self.renames.get(tag) or self.language.name(tag)

    def tag_of(self, name: str) -> str:
        """The tag with this shown name, or of this name in the language; the name itself if there is none."""
        return self._tags.get(normalise(name)) or self.language.tag_of(name)

    def applied(self, tagging: Tagging) -> Tagging:
        """A tagging without what is not shown; tags keep the model's names."""

        def shown(scores: Iterable[TagScore]) -> tuple[TagScore, ...]:
            return tuple(one for one in scores if self.shows(one.tag))

        if not self.only and not self.hidden:
            return tagging
        return replace(tagging, tags=shown(tagging.tags), scores=shown(tagging.scores), guesses=shown(tagging.guesses))

    def in_words(self) -> dict[str, Any]:
        """The lists that are not empty, in plain values."""
        lists = {ONLY: list(self.only), NOT: list(self.hidden), RENAMES: dict(self.renames)}
        return {name: one for name, one in lists.items() if one}

    @functools.cached_property
    def _only(self) -> frozenset[str]:
        return frozenset(map(normalise, self.only))

    @functools.cached_property
    def _hidden(self) -> frozenset[str]:
        return frozenset(map(normalise, self.hidden))

    @functools.cached_property
    def _tags(self) -> dict[str, str]:
        return {normalise(name): tag for tag, name in self.renames.items()}

    def find_tag(self, word: str, tags: Sequence[str], taxonomy: Taxonomy) -> str:
        """The tag of a model that a word means: its name, its shown name or a synonym.

        Raises:
            UnknownTagError: the model has no such tag.
        """
        by_name = {normalise(tag): tag for tag in tags}
        for name in (self.tag_of(word), word, taxonomy.canonical(word) or ""):
            if normalise(name) in by_name:
                return by_name[normalise(name)]
        close = self.language.closest(word, tags) if self.language.tags else ""
        hint = f' Did you mean "{close}"?' if close else did_you_mean(word, tags)
        raise UnknownTagError(f'no tag "{word}".{hint} All tags: vectortag inspect')

    def checked(self, tags: Sequence[str], taxonomy: Taxonomy) -> TagNames:
        """The same lists with the names of a model's tags, where they had synonyms or other spellings.

        Raises:
            UnknownTagError: a list names a tag that the model does not have.
        """
        return TagNames(
            tuple(self.find_tag(word, tags, taxonomy) for word in self.only),
            tuple(self.find_tag(word, tags, taxonomy) for word in self.hidden),
            {self.find_tag(word, tags, taxonomy): name for word, name in self.renames.items()},
            self.language,
        )


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """The settings in a library's database."""

    database: sqlite3.Connection

    def setting(self, key: str, default: Any = None) -> Any:
        """A setting's value, as JSON gives it."""
        row = self.database.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])


def names_for(database: sqlite3.Connection, paths: Iterable[Path]) -> TagNames:
    """The lists of a library, if all of these photos and folders lie in its folders; else empty ones."""
    roots = roots_of(database)
    are_covered = all(covering_root(roots, Path(os.path.abspath(path))) for path in paths)  # noqa: PTH100
    return names_of(StoredSettings(database)) if are_covered else TagNames()


def names_of(library: Reading) -> TagNames:
    """The lists of a library."""
    return TagNames(
        tuple(library.setting(ONLY, ())),
        tuple(library.setting(NOT, ())),
        dict(library.setting(RENAMES, {})),
        Language.load(library.setting(LANGUAGE)),
    )


def keep_names(library: Settings, names: TagNames) -> None:
    """Replace the lists of a library."""
    library.change_setting(ONLY, list(names.only) or None)
    library.change_setting(NOT, list(names.hidden) or None)
    library.change_setting(RENAMES, dict(names.renames) or None)
    library.change_setting(LANGUAGE, names.language.code if names.language.tags else None)


def read_tags(given: str) -> tuple[str, ...]:
    """The tags of a list: of a file, if there is one of that name, else the words between commas.

    Raises:
        ConfigError: the file cannot be read, or a name cannot be a tag's.

    >>> read_tags("dog, cat")
    ('dog', 'cat')
    """
    return tuple(_checked(word, given) for word in _words(given))


def read_renames(given: str) -> dict[str, str]:
    """The renames of a file, if there is one of that name, else of the text itself.

    Raises:
        ConfigError: a line is not `tag: name`, two tags get one name, or the file cannot be read.

    >>> read_renames("automobile: Auto, dog: Hund")
    {'automobile': 'Auto', 'dog': 'Hund'}
    """
    renames: dict[str, str] = {}
    for line in _words(given):
        tag, colon, name = (part.strip() for part in line.partition(":"))
        if not colon or not tag or not name:
            raise ConfigError(f'{_where(given)}: expected "tag: name", such as "automobile: Auto", got "{line}"')
        renames[_checked(tag, given)] = _checked(name, given)
    if double := _first_double(map(normalise, renames.values())):
        raise ConfigError(f'{_where(given)}: two tags get the name "{double}". Give each a name of its own')
    return renames


def _words(given: str) -> list[str]:
    path = Path(given)
    try:
        text = read_text(path) if is_there(path) and not is_folder(path) else given.replace(",", "\n")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{escape_path(path)}: cannot be read as a list of tags: {error}") from error
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _checked(name: str, given: str) -> str:
    if len(name) > LONGEST_NAME or has_control_characters(name):
        raise ConfigError(f"{_where(given)}: a tag has 1 to {LONGEST_NAME} characters, got {name[:40]!r}")
    return name


def _where(given: str) -> str:
    return given if len(given) <= 60 else given[:60] + "..."


def _first_double(words: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for word in words:
        if word in seen:
            return word
        seen.add(word)
    return None
