"""What may stand at the end of a query that is being typed: tags, keywords, folders, and the fields of the language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from vectortag.core.text import normalise
from vectortag.library.query import OPERATORS, quoted
from vectortag.library.query_fields import FIELDS

MOST_WORDS = 3
"""Of a name that is typed without quotes."""

RATINGS = {">=1": 0, ">=2": 0, ">=3": 0, ">=4": 0, "5": 0}

_FIELD = re.compile(r"([^\W\d_]+):$")
_TOKEN = re.compile(r"-?(?:([^\W\d_]+):)?([^\s()\"“”„]*)$")
_PLAIN = re.compile(r"[^\s()\"“”„:-][^\s()\"“”„:]*")

Kind = Literal["tag", "keyword", "folder", "year", "model", "rating", "field"]
ORDER: tuple[Kind, ...] = ("tag", "keyword", "folder", "year", "model", "rating", "field")


@dataclass(frozen=True)
class Names:
    """What a query can name, and how many photos have each.

    Attributes:
        tags: those that no photo shows may be among them, with 0.
        folders: the beginnings of paths.
        years: of four digits.
        models: as `model:` names them.
    """

    tags: Mapping[str, int] = field(default_factory=dict)
    keywords: Mapping[str, int] = field(default_factory=dict)
    folders: Mapping[str, int] = field(default_factory=dict)
    years: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Attributes:

    text: to be put in the place of the query's characters from `start` up to `end`.
    shown: what it is called.
    kind: what it is.
    count: of the photos that have it; 0 if that is not known.
    """

    text: str
    shown: str
    kind: Kind
    count: int
    start: int
    end: int


def suggest(query: str, at: int, names: Names, *, most: int = 8) -> list[Suggestion]:
    """What could be meant where the caret is, the likeliest first.

    Args:
        at: the number of characters before the caret.

    >>> [one.text for one in suggest("dog and be", 10, Names(tags={"beach": 7, "bear": 9, "sea": 3}))]
    ['bear ', 'beach ']
    """
    found: dict[str, tuple[tuple[int, int, int, int, str], Suggestion]] = {}
    for name, typed, start in _readings(query[:at]):
        end = at + (query[at : at + 1] == '"' and query[start:at].count('"') % 2)
        for kind, known, count in _candidates(name, names):
            rank = _rank(normalise(typed), normalise(known))
            if rank is None or (" " in typed.strip() and rank):
                continue
            one = Suggestion(_written(name, kind, known), known, kind, count, start, end)
            key = (rank, start, -count if kind != "field" else 1, ORDER.index(kind), known)
            if one.text not in found or key < found[one.text][0]:
                found[one.text] = key, one
    return [one for _, one in sorted(found.values(), key=lambda pair: pair[0])[:most]]


def _readings(before: str) -> Iterator[tuple[str, str, int]]:
    """The ways to read the end of what was typed: the field or "", what is typed of a name, and where both begin."""
    if before.count('"') % 2:
        quote = before.rindex('"')
        named = _FIELD.search(before[:quote])
        yield (named[1], before[quote + 1 :], named.start()) if named else ("", before[quote + 1 :], quote)
        return
    token = _TOKEN.search(before)
    assert token is not None  # it can be empty
    start = token.start() + token[0].startswith("-")
    yield token[1] or "", token[2], start
    words = list(re.finditer(r"[^\s()\"“”„:]+", before))
    for count in range(2, MOST_WORDS + 1):  # "hot d" of "hot dog"
        if token[1] or not token[2] or len(words) < count or words[-count].group().lower() in OPERATORS:
            return
        first = words[-count].start()
        if re.search(r"[()\"“”„:]", before[first:]):
            return
        yield "", before[first:], first


def _candidates(name: str, names: Names) -> Iterator[tuple[Kind, str, int]]:
    groups: dict[str, list[tuple[Kind, Mapping[str, int]]]] = {
        "": [("tag", names.tags), ("keyword", names.keywords), ("folder", names.folders)],
        "tag": [("tag", names.tags)],
        "score": [("tag", names.tags)],
        "keyword": [("keyword", names.keywords)],
        "path": [("folder", names.folders)],
        "date": [("year", names.years)],
        "model": [("model", names.models)],
        "rating": [("rating", RATINGS)],
    }
    for kind, known in groups.get(name, ()):
        for one, count in known.items():
            yield kind, one, count
    if not name:
        for one in FIELDS:
            yield "field", one, 0


def _rank(typed: str, known: str) -> int | None:
    """0: it begins so; 1: one of its words does; 2: it is inside; None: it is something else."""
    if known.startswith(typed):
        return 0
    if re.search(rf"(?<!\w){re.escape(typed)}", known):
        return 1
    return 2 if len(typed) > 2 and typed in known else None


def _written(name: str, kind: Kind, known: str) -> str:
    """As the query language has it; a blank stands behind what is complete."""
    value = known if _PLAIN.fullmatch(known) and known.lower() not in OPERATORS else quoted(known)
    if kind == "field":
        return f"{known}:"
    if name == "score":
        return f"score:{value}>"
    if kind == "rating":
        value = known
    field_name = name or {"folder": "path", "keyword": ""}.get(kind, "")
    return f"{field_name}:{value} " if field_name else f"{value} "
