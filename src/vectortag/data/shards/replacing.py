"""The folder that shards are written into: what is in it, what may be replaced, and what goes on.

A new set lies beside the old one, under other names, until its index replaces the old index. So a process that is
killed at any moment leaves the old set or the new one, and never a mixture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from vectortag.core.errors import OverwriteError
from vectortag.core.file_names import is_folder, is_there
from vectortag.core.schema import SchemaError, from_json, to_json
from vectortag.core.writing import TEMPORARY
from vectortag.data.output_folder import OutputFolder
from vectortag.data.shards.layout import INDEX, PLAN, Index, Plan, generation_of
from vectortag.data.shards.reading import is_ours

Kind = TypeVar("Kind", Index, Plan)

OURS = re.compile(r"photos-([0-9]+-)?[0-9]{5,}\.(tar|jsonl)|index\.json|plan\.json")
"""The names in a folder of shards; one that has others is not replaced. Temporary files do not count."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a folder holds.

    Attributes:
        names: of all files.
        index: of complete shards; None where there are none, or where the index is damaged.
        plan: of shards that are being written.
    """

    names: frozenset[str]
    index: Index | None
    plan: Plan | None

    @property
    def are_complete(self) -> bool:
        return INDEX in self.names

    @property
    def kept(self) -> set[str]:
        """The files of the complete shards; of a damaged index, all that may be."""
        if self.index is not None:
            return {INDEX, *(name for shard in self.index.shards for name in (shard.tar, shard.rows))}
        return set(self.names) if self.are_complete else set()


def begin(folder: OutputFolder, plan: Plan, *, overwrite: bool) -> tuple[Plan, dict[str, int]]:
    """Write the plan into a new or empty folder, or go on with the same plan.

    Returns:
        the plan with its generation, and the bytes of each file that is there.

    Raises:
        OverwriteError: the folder holds something else, or other shards without `overwrite`.
        OutputError: it cannot be read or written.
    """
    if not isinstance(folder.place, str) and is_there(folder.place) and not is_folder(folder.place):
        raise OverwriteError(f"{folder.name}: is a file. Choose another --output")
    sizes = {name: size for name, size in folder.sizes().items() if not TEMPORARY.fullmatch(name)}
    found = _look(folder, frozenset(sizes))
    if found.plan is not None and replace(found.plan, generation=plan.generation) == plan:
        return found.plan, sizes
    if found.names and not overwrite:
        what = "complete shards" if found.are_complete else "shards that were begun with other photos or options"
        raise OverwriteError(
            f"{folder.name}: holds {what}. Choose another --output, or pass --overwrite to replace them"
        )
    kept = found.kept
    for name in sorted(found.names - kept - {PLAN}):
        folder.remove(name)
    generations = [generation_of(name) for name in kept if name.startswith("photos-")]
    plan = replace(plan, generation=1 + max(generations, default=-1))
    folder.write(PLAN, f"{to_json(plan)}\n".encode())
    return plan, {}


def publish(folder: OutputFolder, index: Index) -> None:
    """Write the index, which replaces that of older shards; then remove what it does not name.

    Raises:
        OutputError: a file cannot be written or removed.
    """
    folder.write(INDEX, f"{to_json(index)}\n".encode())
    named = {name for shard in index.shards for name in (shard.tar, shard.rows)}
    for name in sorted(folder.names() - named):
        if name != INDEX and OURS.fullmatch(name):
            folder.remove(name)


def _look(folder: OutputFolder, names: frozenset[str]) -> _Found:
    index, plan = (folder.read(name) if name in names else None for name in (INDEX, PLAN))
    foreign = {name for name in names if not OURS.fullmatch(name)}
    if names and (foreign or not any(content is not None and is_ours(content) for content in (index, plan))):
        raise OverwriteError(f"{folder.name}: holds something other than shards. Choose another --output")
    return _Found(names, _read(Index, index), _read(Plan, plan))


def _read(kind: type[Kind], content: bytes | None) -> Kind | None:
    try:
        return None if content is None else from_json(kind, content)
    except SchemaError:
        return None
