"""The tree in which other programs show a model's tags: each tag has one path.

In the taxonomy a tag may have several parents. In a tree it is below the first one; the others stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from vectortag.model.taxonomy import Taxonomy


class TagPaths:
    """The path of each tag of a model.

    >>> paths = TagPaths(Taxonomy(implications={"dog": ["animal", "pet"]}), ["dog", "animal", "pet"])
    >>> paths.of("dog"), paths.of("pet"), sorted(paths.above("dog"))
    (('animal', 'dog'), ('pet',), ['animal', 'pet'])
    """

    def __init__(
        self, taxonomy: Taxonomy, tags: Iterable[str], added: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._taxonomy = taxonomy
        self._tags = set(tags)
        self._added = added or {}

    def of(self, tag: str) -> tuple[str, ...]:
        """The tags from the top level to this one."""
        path = [tag]
        while (parent := self._parent(path[0])) is not None and parent not in path:
            path.insert(0, parent)
        return tuple(path)

    def above(self, tag: str) -> frozenset[str]:
        """All tags that a tag implies, on every branch."""
        return frozenset(self._taxonomy.expand(self._added.get(tag, ())) | self._taxonomy.ancestors(tag)) - {tag}

    def _parent(self, tag: str) -> str | None:
        """The first parent that is a tag of the model; of an added tag, the lowest of those that it implies."""
        if tag in self._added:
            implied = [parent for parent in self._added[tag] if parent in self._tags]
            above = {ancestor for parent in implied for ancestor in self._taxonomy.ancestors(parent)}
            return next((parent for parent in implied if parent not in above), None)
        parents = self._taxonomy.implications.get(tag, ())
        near = next((parent for parent in parents if parent in self._tags), None)
        if near is not None:
            return near
        return next((found for parent in parents if (found := self._parent(parent)) is not None), None)
