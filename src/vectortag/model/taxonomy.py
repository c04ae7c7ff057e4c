"""From the raw words of a data set to tags: synonyms, implications, ignored words.

A taxonomy file is TOML:

    version = 1
    careful = ["man", "woman"]      # tags that are better left out than wrong
    [synonyms]                      # canonical tag = the other names it replaces
    couch = ["sofa"]
    [implications]                  # child = its parents; a parent is never below its child
    boat = ["vehicle"]
    [ignored]
    tags = ["little"]
    [complete]                      # data set = the parents whose absence it knows
    coco = ["animal"]
    [groups]                        # tag = the classes of a pretrained classifier that show it
    guitar = ["acoustic guitar", "electric guitar"]
    [dataset.corel5k]               # rules for one set; they come before the general ones
    ignored = ["plane"]
    synonyms = { deer = ["mule"] }
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import field
from msgspec.structs import replace

from vectortag.core.errors import TaxonomyError
from vectortag.core.files import read_text
from vectortag.core.folders import PACKAGE
from vectortag.core.schema import Schema, SchemaError, from_plain
from vectortag.core.text import normalise
from vectortag.core.toml import TomlError, parse_toml

Names = tuple[str, ...]

MOST_LEVELS, MOST_ANCESTORS = 64, 2_000_000
"""Of implications, by levels and of all tags together; the shipped taxonomy has 5 levels and about 1,000 ancestors."""


class _Ignored(Schema, frozen=True, kw_only=True):
    tags: Names = ()


class DataSetRules(Schema, frozen=True, kw_only=True):
    """What a word means in one data set, where that differs from the general rules."""

    ignored: Names = ()
    synonyms: Mapping[str, Names] = field(default_factory=dict)


class Taxonomy(Schema, frozen=True, kw_only=True, dict=True):
    """Maps raw words to tags and knows which tags imply which.

    >>> taxonomy = Taxonomy(synonyms={"couch": ["sofa"]}, implications={"couch": ["furniture"]})
    >>> sorted(taxonomy.tags_of(["Sofa"]))
    ['couch', 'furniture']
    """

    version: int = 1
    careful: Names = ()
    synonyms: Mapping[str, Names] = field(default_factory=dict)
    implications: Mapping[str, Names] = field(default_factory=dict)
    ignored: _Ignored = _Ignored()
    complete: Mapping[str, Names] = field(default_factory=dict)
    groups: Mapping[str, Names] = field(default_factory=dict)
    dataset: Mapping[str, DataSetRules] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.version != 1:
            raise ValueError(f"version {self.version} is not known to this VectorTag, which reads version 1")
        _inverse(self.synonyms, "synonyms")
        for name, rules in self.dataset.items():
            _inverse(rules.synonyms, f"dataset.{name}.synonyms")
        cycle = _find_cycle(self.implications)
        if cycle:
            raise ValueError("the implications go in a circle: " + " -> ".join(cycle))

    @classmethod
    def load(cls, path: str | Path | None = None) -> Taxonomy:
        """Read a taxonomy file; without a path, the one that ships with VectorTag.

        Raises:
            TaxonomyError: the file is not TOML, has an unknown key, a circle, or one word under two tags.
        """
        if path is None:
            text = (PACKAGE / "model" / "taxonomies" / "default.toml").read_text("utf-8")
            return cls.parse(text, where="taxonomies/default.toml")
        try:
            text = read_text(path)
        except (OSError, UnicodeDecodeError) as error:
            raise TaxonomyError(f"{path}: cannot be read as a taxonomy file: {error}") from error
        return cls.parse(text, where=str(path))

    @classmethod
    def parse(cls, text: str, *, where: str = "taxonomy") -> Taxonomy:
        """Read a taxonomy from the text of its TOML file; `where` names it in errors."""
        try:
            return _in_normal_form(from_plain(cls, parse_toml(text)))
        except TomlError as error:
            raise TaxonomyError(f"{where}: not valid TOML: {error}") from error
        except SchemaError as error:
            raise TaxonomyError(f"{where}: {error}") from error

    def canonical(self, word: str, *, dataset: str | None = None) -> str | None:
        """Return the tag that a raw word stands for, or None if it is ignored.

        A word that the data set's own rules translate is final: the general synonyms and the general ignored words
        do not see it ("black" means black bear in corel5k, and is an ignored colour elsewhere).
        """
        word = normalise(word)
        if dataset in self._rules:
            ignored, synonyms = self._rules[dataset]
            if word in ignored:
                return None
            if word in synonyms:
                return synonyms[word]
        word = self._general_synonyms.get(word, word)
        return None if not word or word in self._ignored_words else word

    def expand(self, tags: Iterable[str]) -> set[str]:
        """Return the tags with all their ancestors."""
        expanded = set(tags)
        for tag in tuple(expanded):
            expanded |= self.ancestors(tag)
        return expanded

    def tags_of(self, words: Iterable[str], *, dataset: str | None = None) -> set[str]:
        """Return the tags of a photo from its raw words: translated, cleaned, with every parent."""
        named = (self.canonical(word, dataset=dataset) for word in words)
        return self.expand(tag for tag in named if tag is not None)

    def ancestors(self, tag: str) -> frozenset[str]:
        """Every tag that `tag` implies, over all generations, without `tag` itself."""
        return self._ancestors.get(tag, frozenset())

    @functools.cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        known: dict[str, frozenset[str]] = {}
        total = 0

        def climb(tag: str) -> frozenset[str]:
            nonlocal total
            if tag not in known:
                parents = self.implications.get(tag, ())
                above = [climb(parent) for parent in parents]
                total += len(parents) + sum(map(len, above))
                if total > MOST_ANCESTORS:
                    raise ValueError(f"the implications give tags more than {MOST_ANCESTORS:,} ancestors in all")
                known[tag] = frozenset(parents).union(*above)
            return known[tag]

        for child in self.implications:
            climb(child)
        return known

    @functools.cached_property
    def _general_synonyms(self) -> dict[str, str]:
        return _inverse(self.synonyms, "synonyms")

    @functools.cached_property
    def _ignored_words(self) -> frozenset[str]:
        return frozenset(map(normalise, self.ignored.tags))

    @functools.cached_property
    def _rules(self) -> dict[str | None, tuple[frozenset[str], dict[str, str]]]:
        """The ignored words and the synonyms of each data set."""
        return {
            name: (frozenset(map(normalise, rules.ignored)), _inverse(rules.synonyms, ""))
            for name, rules in self.dataset.items()
        }

    def parents_among(self, tags: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return child -> its ancestors, both restricted to `tags`, in their order; tags without one are left out."""
        ordered = list(tags)
        places = {tag: place for place, tag in enumerate(ordered)}
        among = {tag: tuple(sorted(self.ancestors(tag) & places.keys(), key=places.__getitem__)) for tag in ordered}
        return {tag: ancestors for tag, ancestors in among.items() if ancestors}


def load_taxonomy(name: str) -> Taxonomy:
    """The taxonomy of that name: "default" is the one that ships, "none" changes no word, else the path of a file.

    Raises:
        TaxonomyError: as `Taxonomy.load`.
    """
    if name == "none":
        return Taxonomy()
    return Taxonomy.load(None if name == "default" else name)


def _inverse(synonyms: Mapping[str, Names], where: str) -> dict[str, str]:
    canonical: dict[str, str] = {}
    for tag, others in synonyms.items():
        for other in others:
            if canonical.setdefault(normalise(other), tag) != tag:
                raise ValueError(f'{where}: "{other}" is listed under both "{canonical[normalise(other)]}" and "{tag}"')
    return canonical


def _in_normal_form(taxonomy: Taxonomy) -> Taxonomy:
    """The taxonomy with each tag as words are compared: a file may be written in another form of Unicode."""
    rules = {
        name: replace(one, synonyms=_joined(one.synonyms, tags_alone=True)) for name, one in taxonomy.dataset.items()
    }
    return replace(
        taxonomy,
        careful=_normal(taxonomy.careful),
        synonyms=_joined(taxonomy.synonyms, tags_alone=True),
        implications=_joined(taxonomy.implications),
        complete={name: _normal(tags) for name, tags in taxonomy.complete.items()},
        groups=_joined(taxonomy.groups, tags_alone=True),
        dataset=rules,
    )


def _joined(table: Mapping[str, Names], *, tags_alone: bool = False) -> dict[str, Names]:
    """A table with its keys in normal form; `tags_alone` leaves the names behind them as they are."""
    joined: dict[str, Names] = {}
    for tag, names in table.items():
        joined[normalise(tag)] = (*joined.get(normalise(tag), ()), *(names if tags_alone else _normal(names)))
    return joined


def _normal(names: Names) -> Names:
    return tuple(map(normalise, names))


def _find_cycle(implications: Mapping[str, Names]) -> list[str]:
    """Return one circle as [a, b, ..., a], or [] if there is none."""
    finished: set[str] = set()
    path: list[str] = []

    def visit(tag: str) -> list[str]:
        if tag in path:
            return [*path[path.index(tag) :], tag]
        if tag in finished:
            return []
        path.append(tag)
        if len(path) > MOST_LEVELS:
            raise ValueError(f"the implications are more than {MOST_LEVELS} levels deep: {path[0]} -> {path[1]} -> ...")
        for parent in implications.get(tag, ()):
            if cycle := visit(parent):
                return cycle
        finished.add(path.pop())
        return []

    for tag in implications:
        if cycle := visit(tag):
            return cycle
    return []
