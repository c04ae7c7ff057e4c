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

from vectortag.core.errors import TaxonomyError
from vectortag.core.files import read_text
from vectortag.core.folders import PACKAGE
from vectortag.core.schema import Schema, SchemaError, from_plain

Names = tuple[str, ...]


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
        import tomllib  # not above: tagging reads no such file

        try:
            return from_plain(cls, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise TaxonomyError(f"{where}: not valid TOML: {error}") from error
        except SchemaError as error:
            raise TaxonomyError(f"{where}: {error}") from error

    def canonical(self, word: str, *, dataset: str | None = None) -> str | None:
        """Return the tag that a raw word stands for, or None if it is ignored.

        A word that the data set's own rules translate is final: the general synonyms and the general ignored words
        do not see it ("black" means black bear in corel5k, and is an ignored colour elsewhere).
        """
        word = normalise(word)
        rules = self.dataset.get(dataset or "")
        if rules is not None:
            if word in rules.ignored:
                return None
            own = _inverse(rules.synonyms, "").get(word)
            if own is not None:
                return own
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

        def climb(tag: str) -> frozenset[str]:
            if tag not in known:
                parents = self.implications.get(tag, ())
                known[tag] = frozenset(parents).union(*(climb(parent) for parent in parents))
            return known[tag]

        for child in self.implications:
            climb(child)
        return known

    @functools.cached_property
    def _general_synonyms(self) -> dict[str, str]:
        return _inverse(self.synonyms, "synonyms")

    @functools.cached_property
    def _ignored_words(self) -> frozenset[str]:
        return frozenset(self.ignored.tags)

    def parents_among(self, tags: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return child -> its ancestors, both restricted to `tags`, in their order; tags without one are left out."""
        ordered = list(tags)
        among = {tag: tuple(t for t in ordered if t in self.ancestors(tag)) for tag in ordered}
        return {tag: ancestors for tag, ancestors in among.items() if ancestors}


def load_taxonomy(name: str) -> Taxonomy:
    """The taxonomy of that name: "default" is the one that ships, "none" changes no word, else the path of a file.

    Raises:
        TaxonomyError: as `Taxonomy.load`.
    """
    if name == "none":
        return Taxonomy()
    return Taxonomy.load(None if name == "default" else name)


def normalise(word: str) -> str:
    """Lower case, single spaces, no blanks around: the form in which words are compared.

    >>> normalise("  Golden   Gate ")
    'golden gate'
    """
    return " ".join(word.lower().split())


def _inverse(synonyms: Mapping[str, Names], where: str) -> dict[str, str]:
    canonical: dict[str, str] = {}
    for tag, others in synonyms.items():
        for other in others:
            if canonical.setdefault(other, tag) != tag:
                raise ValueError(f'{where}: "{other}" stands under both "{canonical[other]}" and "{tag}"')
    return canonical


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
        for parent in implications.get(tag, ()):
            if cycle := visit(parent):
                return cycle
        finished.add(path.pop())
        return []

    for tag in implications:
        if cycle := visit(tag):
            return cycle
    return []
