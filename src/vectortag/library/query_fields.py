"""The fields of a query, such as `date:2024-07`: how each is written, and what its value becomes."""

from __future__ import annotations

import calendar
import re
from typing import Literal, cast

from vectortag.core.errors import QueryError
from vectortag.library.query import Comparison, Dated, Leaf, Named, Placed, Rated, Scored

FIELDS = {
    "tag": "tag:dog",
    "score": "score:dog>0.8",
    "keyword": "keyword:Anna",
    "date": "date:2024-07 or date:2024-07..2024-09",
    "place": "place:48.14,11.58 or, within 5 km, place:48.14,11.58,5",
    "path": "path:holiday/",
    "file": "file:IMG_12",
    "near": "near:holiday/sea.jpg",
    "rating": "rating:>=4, from -1 (rejected) to 5",
    "model": "model:lite2",
}
"""The fields of a query, and how each is written."""


NEARBY = 10.0
"""Kilometres around a place that has no radius."""

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_SCORED = re.compile(rf"(.*?)(>=|<=|≥|≤|>|<){_NUMBER}", re.DOTALL)
_RATED = re.compile(r"(>=|<=|≥|≤|>|<|=|)(-1|[0-5])")
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")
_ASCII = {"≥": ">=", "≤": "<="}


def field_of(name: str, value: str, tail: str, at: int) -> Leaf:
    """Read the value of a field.

    Args:
        name: a key of FIELDS.
        value: what is behind the colon, without quotes.
        tail: what follows the closing quote; "" if the value has no quotes.
        at: the column of the field.

    Raises:
        QueryError: the field has no such value.
    """
    if name == "score":
        return _scored(value, tail, at)
    if tail:
        raise QueryError(at, f'"{tail}" follows the closing quote of "{name}:". Put a space between them')
    match name:
        case "date":
            return _dated(value, at)
        case "rating":
            return _rated(value, at)
        case "place":
            return _placed(value, at)
    return Named(cast(Literal["tag"], name), value, at)


def _scored(value: str, tail: str, at: int) -> Scored:
    found = _SCORED.fullmatch(tail or value)
    if found is None or bool(found[1]) == bool(tail) or not 0 <= float(found[3]) <= 1:
        raise QueryError(
            at,
            f'"score:{value}{tail}": expected a tag, then >, >=, < or <=, then a number from 0 to 1, '
            f"such as {FIELDS['score']}",
        )
    return Scored(value if tail else found[1], cast(Comparison, _ASCII.get(found[2], found[2])), float(found[3]), at)


def _rated(value: str, at: int) -> Rated:
    if (found := _RATED.fullmatch(value)) is None:
        raise _wrong_value("rating", value, at)
    return Rated(cast(Comparison, _ASCII.get(found[1], found[1]) or "="), int(found[2]), at)


def _dated(value: str, at: int) -> Dated:
    first, dots, last = value.partition("..")
    if not first and not last:
        raise _wrong_value("date", value, at)
    start, end = (_day(text, value, at) if text else None for text in (first, last if dots else first))
    if start is not None and end is not None and start[: len(end)] > end:
        raise QueryError(at, f'"date:{value}" ends before it begins. Write the earlier date first')
    return Dated(start, end, at)


def _day(text: str, value: str, at: int) -> str:
    """A year, month or day as ISO 8601 writes it."""
    found = _DAY.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise _wrong_value("date", value, at)
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise QueryError(at, f'"{text}" is not a date. Write year, month and day, as in 2024-07-31')
    return "-".join([found[1], *(f"{int(part):02d}" for part in found.groups()[1:] if part)])


def _placed(value: str, at: int) -> Placed:
    try:
        numbers = [float(number) for number in value.removesuffix("km").split(",")]
        latitude, longitude, kilometres = numbers if len(numbers) == 3 else (*numbers, NEARBY)
    except ValueError as error:
        raise _wrong_value("place", value, at) from error
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 < kilometres <= 20_040):
        raise _wrong_value("place", value, at)
    return Placed(latitude, longitude, kilometres, at)


def _wrong_value(name: str, value: str, at: int) -> QueryError:
    return QueryError(at, f'"{name}:{value}" cannot be read. Write {FIELDS[name]}')
