"""Which keywords each property of a sidecar gets: VectorTag's beside a person's.

Three rules decide.

- What a person wrote stays, and is never taken for VectorTag's. A tag that the person has as a keyword already is not
  written a second time.
- What VectorTag wrote and is not there any more was deleted by hand, and stays out.
- A property that VectorTag begins repeats the person's keywords: programs that read it alone would lose them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from vectortag.core.text import normalise
from vectortag.data.keywords import NOT_KEYWORDS
from vectortag.data.xmp import KeywordPath
from vectortag.library.keyword_fields import (
    KEYWORD_FIELDS,
    SUBJECT,
    TREES,
    KeywordField,
    Record,
    TagRecord,
    WantedTag,
)

Lists = Mapping[str, Sequence[str]]
"""Keywords by the local name of the property. A property that is not there has no key."""

DIGITS = 2
"""Decimals of a score in a sidecar: less than runtimes and processors differ by would write files anew for nothing."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Attributes: `add` and `remove` are keywords by the local name of the property; `record` is the new record."""

    add: dict[str, list[str]]
    remove: dict[str, list[str]]
    record: Record


@dataclass(frozen=True, slots=True)
class There:
    """What a sidecar has, by the local name of the property.

    Attributes:
        before: the record of what VectorTag wrote last.
        ours, theirs: the keywords of VectorTag, and the person's.
        gone: keywords of VectorTag that were deleted by hand.
        deleted: tags that were deleted by hand since the record was made.
        own_paths: the person's keywords, each once, whichever property has them.
    """

    before: Record
    ours: dict[str, list[str]]
    theirs: dict[str, list[str]]
    gone: dict[str, list[str]]
    deleted: set[str]
    own_paths: list[KeywordPath]


def read_lists(present: Lists, before: Record | None, *, noted: bool, embedded: Sequence[KeywordPath] = ()) -> There:
    """Tell VectorTag's keywords from the person's, and what was deleted by hand.

    Args:
        present: the keywords of a sidecar.
        before: what VectorTag wrote last; None if it never did.
        noted: whether `before` was read from the sidecar. If not, another program has rewritten it, and a property that
            is missing altogether says nothing about single tags.
        embedded: the person's keywords inside the photo.
    """
    before = before or Record()
    speaks = _evidence(present, before, noted=noted)
    ours, theirs, gone = {}, {}, {}
    for field in KEYWORD_FIELDS:
        name, entries = field.local, list(present.get(field.local, ()))
        noted_here = before.wrote.get(name, ())
        wrote = noted_here or _copies(field, before)
        ours[name] = [entry for entry in entries if entry in wrote]
        theirs[name] = [entry for entry in entries if entry not in wrote]
        lost = noted_here if field in speaks else ()
        gone[name] = [entry for entry in dict.fromkeys((*before.gone.get(name, ()), *lost)) if entry not in entries]
    own_paths = _paths_of(theirs, embedded)
    words = _words(own_paths)
    deleted = {
        one.tag
        for one in before.tags
        if (_is_deleted(one, before, present, speaks) if one.was_written else normalise(one.path[-1]) not in words)
    }
    return There(before, ours, theirs, gone, deleted, own_paths)


def plan(there: There, wanted: Sequence[WantedTag], *, refused: Collection[str] = ()) -> Planned:
    """Decide what is added to a sidecar and removed from it.

    Args:
        there: what it has.
        wanted: the tags that the photo is to have, best first.
        refused: tags that a person rejected.
    """
    said = {one.tag for one in wanted if one.by == "person"} - there.deleted
    deleted = there.deleted | (set(there.before.deleted) - said)
    live = [one for one in wanted if one.tag not in deleted and one.tag not in refused]
    dropped = {one.name for one in wanted} - {one.name for one in live}
    own = _words(there.own_paths)
    mine = [
        tuple(level for level in one.path if level not in dropped) for one in live if normalise(one.name) not in own
    ]
    again = [one.path for one in live if one.tag in said]
    add, wrote, gone = {}, {}, {}
    for field in KEYWORD_FIELDS:
        name = field.local
        back = {entry for path in again for entry in field.entries(path)}
        gone[name] = [entry for entry in there.gone[name] if entry not in back]
        kept = there.ours[name] or there.theirs[name]
        desired = _desired(field, mine, there) if field.always or kept else []
        wrote[name] = [entry for entry in desired if entry not in gone[name]]
        add[name] = [entry for entry in wrote[name] if entry not in there.ours[name]]
    record = Record(tags=tuple(_noted(one, own) for one in live), wrote=_full(wrote), gone=_full(gone))
    return Planned(add, _leaving(there, wrote), replace(record, deleted=tuple(sorted(deleted))))


def plan_nothing(there: There) -> Planned:
    """Decide what is removed from a sidecar so that nothing of VectorTag's is left."""
    return Planned({}, _leaving(there, {}), Record())


def _leaving(there: There, wrote: Lists) -> dict[str, list[str]]:
    return {
        field.local: [
            entry
            for entry in there.ours[field.local]
            if entry not in wrote.get(field.local, ()) and not _is_moved(field, entry, there)
        ]
        for field in KEYWORD_FIELDS
    }


def _full(lists: Lists) -> dict[str, tuple[str, ...]]:
    return {name: tuple(entries) for name, entries in lists.items() if entries}


def _noted(one: WantedTag, own: set[str]) -> TagRecord:
    by = "keyword" if normalise(one.name) in own else one.by
    return TagRecord(one.tag, one.path, None if one.score is None else round(float(one.score), DIGITS), by)


def _words(paths: Iterable[KeywordPath]) -> set[str]:
    return {normalise(level) for path in paths for level in path}


def _copies(field: KeywordField, before: Record) -> set[str]:
    """What another program writes where it copies VectorTag's tags to a property that VectorTag has not begun."""
    return {entry for one in before.tags if one.was_written for entry in field.entries(one.path)}


def _evidence(present: Lists, before: Record, *, noted: bool) -> list[KeywordField]:
    """The properties whose missing keywords were deleted by hand."""
    written = [field for field in KEYWORD_FIELDS if before.wrote.get(field.local)]
    still_there = [field for field in written if field.local in present]
    return written if noted or not still_there else still_there


def _is_deleted(one: TagRecord, before: Record, present: Lists, speaks: Sequence[KeywordField]) -> bool:
    """Whether a person deleted a tag.

    A tag that is above another one in a tree may be missing in the flat list alone: digiKam lists only the last levels
    there.
    """
    name = one.path[-1]
    for field in speaks:
        wrote, there = before.wrote[field.local], present.get(field.local, ())
        if field is SUBJECT:
            above = {
                level for tree in TREES for entry in present.get(tree.local, ()) for level in tree.path(entry)[:-1]
            }
            if name in wrote and name not in there and name not in above:
                return True
        elif any(entry in wrote and entry not in there for entry in field.entries(one.path)):
            return True
    return False


def _paths_of(theirs: Lists, embedded: Sequence[KeywordPath]) -> list[KeywordPath]:
    """A person's keywords: the paths of the first tree that has any, and what else is a word."""
    tree = next((field for field in TREES if theirs[field.local]), None)
    paths = [tree.path(entry) for entry in theirs[tree.local]] if tree else []
    others = [field.path(entry) for field in KEYWORD_FIELDS if field is not tree for entry in theirs[field.local]]
    known = _words(paths)
    for path in (*others, *embedded):
        if not _words([path]) <= known:
            paths.append(list(path))
            known |= _words([path])
    return [path for path in paths if path[0] not in NOT_KEYWORDS and all(path)]


def _desired(field: KeywordField, mine: Sequence[tuple[str, ...]], there: There) -> list[str]:
    """VectorTag's keywords in one property: those of its tags, then the repeated ones of the person."""
    theirs, ours = there.theirs[field.local], there.ours[field.local]
    words = set(map(normalise, theirs)) if field is SUBJECT else set()
    entries = [
        entry
        for path in _longest(mine, field)
        for entry in field.entries(path)
        if entry not in theirs and normalise(entry) not in words
    ]
    repeated = [entry for path in there.own_paths for entry in field.entries(path) if entry not in theirs]
    if theirs:
        repeated = [entry for entry in repeated if entry in ours]
    return list(dict.fromkeys((*entries, *repeated))) if theirs or entries else []


def _longest(paths: Sequence[tuple[str, ...]], field: KeywordField) -> Iterator[tuple[str, ...]]:
    """In a tree, a path that is the beginning of another one is contained in it."""
    for path in paths:
        if not field.separator or not any(other[: len(path)] == path and other != path for other in paths):
            yield path


def _is_moved(field: KeywordField, entry: str, there: There) -> bool:
    """Whether a person has moved a tag of VectorTag's to another branch of a tree: then its word is theirs."""
    if field is not SUBJECT or not any(entry in one.path for one in there.before.tags if one.was_written):
        return False
    return any(entry in tree.path(kept) for tree in TREES for kept in there.theirs[tree.local])
