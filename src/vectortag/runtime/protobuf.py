"""The wire format of Protocol Buffers: as much of it as it takes to look into an ONNX file, without copying it.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

LONGEST_TEXT = 1 << 16
MOST_PACKED = 1 << 26
"""Bytes of numbers that are packed into one field."""

Value = int | memoryview
"""A number, or the bytes of a text, a message or packed numbers."""


class WireError(ValueError):
    """Bytes are no message; the text says why."""


@dataclass(slots=True)
class Budget:
    """How many fields may still be read: a file of 700 MB can have 350 million, each with nothing in it."""

    left: int = 1_000_000


def fields(message: memoryview, budget: Budget) -> Iterator[tuple[int, Value]]:
    """The fields of a message in their order: their numbers and values.

    Raises:
        WireError: the bytes are no message, or there are too many fields.
    """
    place, end = 0, len(message)
    while place < end:
        budget.left -= 1
        if budget.left < 0:
            raise WireError("it has too many fields")
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"a field has the number {number}")
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == LENGTH:
            size, place = _varint(message, place)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"a field is of the kind {kind}")
        if size > end - place:
            raise WireError("a field is longer than what holds it")
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number and where it ends; 64 bits at most."""
    value = shift = 0
    while True:
        if place >= len(message) or shift > 63:
            raise WireError("a number has no end")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, place
        shift += 7


def integers(value: Value, most: int) -> list[int]:
    """Signed numbers of a repeated field: one, or several that are packed.

    Raises:
        WireError: they are cut, or more than `most`.
    """
    if isinstance(value, int):
        return [signed(value)]
    if count_packed(value, 0) > most:
        raise WireError(f"more than {most:,} numbers")
    found, place = [], 0
    while place < len(value):
        number, place = _varint(value, place)
        found.append(signed(number))
    return found


def count_packed(value: Value, size: int) -> int:
    """How many numbers a repeated field adds: of `size` bytes each, or of any length where that is 0.

    Raises:
        WireError: they are cut, or have too many bytes.
    """
    if isinstance(value, int):
        return 1
    if len(value) > MOST_PACKED or (size and len(value) % size):
        raise WireError("packed numbers are cut, or too many")
    return len(value) // size if size else int((np.frombuffer(value, np.uint8) < 0x80).sum())


def signed(number: int) -> int:
    """64 bits as a number that may be negative."""
    return number - (1 << 64) if number >> 63 else number


def text(value: Value) -> str:
    """A text in UTF-8.

    Raises:
        WireError: it is none.
    """
    if isinstance(value, int) or len(value) > LONGEST_TEXT:
        raise WireError("a number or too long a text where a name is expected")
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        raise WireError("a text is not UTF-8") from error


def message(value: Value) -> memoryview:
    """The bytes of a message.

    Raises:
        WireError: it is a number.
    """
    if isinstance(value, int):
        raise WireError("a number where a message is expected")
    return value


def are_finite(value: Value) -> bool:
    """Whether numbers of 32 bits are: one, or several that are packed.

    Raises:
        WireError: they have other bits.
    """
    if isinstance(value, int) or len(value) % 4:
        raise WireError("a number does not have 32 bits")
    return bool(np.isfinite(np.frombuffer(value, "<f4")).all())
