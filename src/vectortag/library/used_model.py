"""A model that analysed photos of a library: what its row in `models` says, and its folder if that is there."""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vectortag.core.errors import ModelFolderError, UnknownModelError
from vectortag.core.types import Arithmetic
from vectortag.model.folder import ModelFolder
from vectortag.model.hierarchy import Hierarchy
from vectortag.model.registry import find_model_folder
from vectortag.model.taxonomy import Taxonomy

COLUMNS = "id, name, digest, precision, size, tags, thresholds, parents"


@dataclass(frozen=True)
class UsedModel:
    """Attributes:

    row: in the table `models`.
    name, digest: of the model folder.
    tags: T names: the model's own, then the added ones.
    thresholds: of each tag; None: it is never shown.
    parents: each added tag, and the tags of the model that it implies.
    found_by: what the person calls the model, such as the path of its folder; None: its name.
    """

    row: int
    name: str
    digest: str
    precision: Arithmetic
    size: int
    tags: tuple[str, ...]
    thresholds: tuple[float | None, ...]
    parents: Mapping[str, Sequence[str]]
    found_by: str | None = None

    @classmethod
    def read(cls, database: sqlite3.Connection, row: int, *, found_by: str | None = None) -> UsedModel | None:
        """The model of a row; None if there is no such row."""
        found = database.execute(f"SELECT {COLUMNS} FROM models WHERE id = ?", (row,)).fetchone()
        if found is None:
            return None
        tags, thresholds, parents = map(json.loads, found[5:])
        number, name, digest, precision, size = found[:5]
        return cls(number, name, digest, precision, size, tuple(tags), tuple(thresholds), parents, found_by)

    @functools.cached_property
    def folder(self) -> ModelFolder | None:
        """The model's folder; None if it was removed or replaced by another."""
        for name in (self.found_by, self.name):
            try:
                folder = find_model_folder(name) if name else None
            except (UnknownModelError, ModelFolderError):
                continue
            if folder is not None and folder.digest == self.digest:
                return folder
        return None

    @property
    def taxonomy(self) -> Taxonomy:
        """Of the manifest; where the folder is gone, no synonym is known."""
        return Taxonomy() if self.folder is None else self.folder.manifest.taxonomy

    @functools.cached_property
    def descendants(self) -> dict[int, tuple[int, ...]]:
        """For each parent, the indexes of all tags that imply it, the added ones included."""
        below = {parent: set(tags) for parent, tags in Hierarchy.of(self.tags, self.taxonomy).descendants.items()}
        indexes = {tag: index for index, tag in enumerate(self.tags)}
        for child, parents in self.parents.items():
            for parent in self.taxonomy.expand(parents):
                if parent in indexes and child in indexes:
                    below.setdefault(indexes[parent], set()).add(indexes[child])
        return {parent: tuple(sorted(children)) for parent, children in below.items()}

    @functools.cached_property
    def added(self) -> frozenset[int]:
        """The indexes of the added tags: their scores raise no parent in the table `shown`."""
        return frozenset(index for index, tag in enumerate(self.tags) if tag in self.parents)

    def showing(self, tag: int) -> list[int]:
        """The indexes of a tag and of those that it is shown with, though its own score may be too low for it."""
        own = self.thresholds[tag]
        below = self.descendants.get(tag, ())
        return [tag, *(one for one in below if one in self.added or _is_lower(self.thresholds[one], own))]

    def ancestors(self, tag: int) -> list[int]:
        """The indexes of the tags that one implies."""
        return [parent for parent, below in self.descendants.items() if tag in below]


def _is_lower(threshold: float | None, other: float | None) -> bool:
    """Whether a score may reach the one and not the other."""
    return threshold is not None and (other is None or threshold < other)
