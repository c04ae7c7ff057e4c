"""The values of a search: what a query says, as a tree that `query_parser` reads and `str` writes.

Every node has `at`, the column of its first character, from 1. It is for errors and counts in no comparison. The text
that `str` gives is a query with the same meaning: it is read as an equal tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

Comparison = Literal[">", ">=", "<", "<="]

OPERATORS = frozenset({"and", "or", "not"})

_PLAIN_VALUE = re.compile(r"[^\s()\"“”„]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word without quotes: no blank, quote or parenthesis, no operator, no field."""

    text: str
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Words:
    """Words side by side, not empty. Those that are known as a name together are one name."""

    words: tuple[Word, ...]
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return " ".join(map(str, self.words))


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text in quotes: one name, or one sentence."""

    text: str
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return quoted(self.text)


@dataclass(frozen=True, slots=True)
class Named:
    """`field:text`: what has this tag, keyword, path, file name, model or likeness."""

    name: Literal["tag", "keyword", "path", "file", "model", "near"]
    text: str
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return f"{self.name}:{_value(self.text)}"


@dataclass(frozen=True, slots=True)
class Scored:
    """`score:tag>0.8`: the score of a tag, in [0, 1], compared with a number."""

    tag: str
    comparison: Comparison
    number: float
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return f"score:{quoted(self.tag)}{self.comparison}{np.format_float_positional(self.number, trim='-')}"


@dataclass(frozen=True, slots=True)
class Rated:
    """`rating:>=4`: the stars that a person gave, compared with a number; "=" is exactly that many."""

    comparison: Comparison | Literal["="]
    stars: int
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return f"rating:{'' if self.comparison == '=' else self.comparison}{self.stars}"


@dataclass(frozen=True, slots=True)
class Dated:
    """`date:2024-07..2024-09`: taken from the first year, month or day to the last, both included; None is open."""

    first: str | None
    last: str | None
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        if self.first is not None and self.first == self.last:
            return f"date:{self.first}"
        return f"date:{self.first or ''}..{self.last or ''}"


@dataclass(frozen=True, slots=True)
class Placed:
    """`place:48.14,11.58,5`: taken within so many kilometres of a latitude and a longitude in degrees."""

    latitude: float
    longitude: float
    kilometres: float
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return f"place:{self.latitude!r},{self.longitude!r},{self.kilometres!r}"


@dataclass(frozen=True, slots=True)
class Not:
    """What its part does not find."""

    part: Node
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        is_run = isinstance(self.part, Words) and len(self.part.words) > 1
        return f"not ({self.part})" if is_run else f"not {_within(self.part)}"


@dataclass(frozen=True, slots=True)
class And:
    """What all of its parts find; two at least."""

    parts: tuple[Node, ...]
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return " and ".join(map(_within, self.parts))


@dataclass(frozen=True, slots=True)
class Or:
    """What one of its parts finds; two at least."""

    parts: tuple[Node, ...]
    at: int = field(default=1, compare=False)

    def __str__(self) -> str:
        return " or ".join(map(_within, self.parts))


Leaf: TypeAlias = Words | Phrase | Named | Scored | Rated | Dated | Placed
Node: TypeAlias = Leaf | Not | And | Or


def quoted(text: str) -> str:
    r"""Text between quotes, with those inside of it behind a backslash.

    >>> print(quoted('5" nails'))
    "5\" nails"
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield all leaves of a tree, from left to right."""
    if isinstance(node, Not):
        yield from leaves(node.part)
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from leaves(part)
    else:
        yield node


def _value(text: str) -> str:
    return text if _PLAIN_VALUE.fullmatch(text) else quoted(text)


def _within(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)
