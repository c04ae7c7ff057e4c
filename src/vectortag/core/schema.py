"""Frozen values that are stored in files: checked by msgspec when they are read, and when they are made.

If a value is wrong, the error names the key, what was expected and what was given.
"""

from __future__ import annotations

import functools
import json
import re
import reprlib
import sys
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec

Positive = Annotated[int, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Finite = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]

Step = str | int
"""One step into a document: a key, or an index of a list."""

Value = TypeVar("Value")

_ERROR = r"(?s)(.*?)(?: - at `(key` in `)?\$([^`]*)`)?"
"""What msgspec says: the problem, whether it concerns a key, and its path."""

_STEP = r"\.(\w+)|\[(?:(\d+)|\.\.\.)\]"
"""One step of such a path, as in `.head[0].tags`. In a table with keys of any name it is `[...]`, whichever key."""


class SchemaError(ValueError):
    """A value does not match its schema. The message begins with its path.

    Attributes:
        unknown: the path of a key that the schema does not have; None where something else is wrong.
        allowed: the keys that it has there.
    """

    def __init__(self, message: str, *, unknown: str | None = None, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.unknown = unknown
        self.allowed = allowed


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value whose fields always have their declared types: lists become tuples.

    msgspec itself checks only what it reads. Calling the class with a wrong value raises SchemaError.
    """

    def __post_init__(self) -> None:
        for name, kind in _fields(type(self)):
            given = getattr(self, name)
            try:
                msgspec.structs.force_setattr(self, name, msgspec.convert(given, kind))
            except msgspec.ValidationError as error:
                raise _explained(error, kind, given, (name,)) from error


@functools.cache
def _fields(schema: type[Schema]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.type) for field in msgspec.structs.fields(schema))


def from_plain(kind: type[Value], content: Any) -> Value:
    """Make a value from the tables and lists of a parser.

    Raises:
        SchemaError: the content is wrong.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise _explained(error, kind, content) from error


def from_json(kind: type[Value], text: bytes | str) -> Value:
    """Read a value from JSON. NaN and infinity, which JSON does not have, are refused.

    Raises:
        SchemaError: the text is no JSON, or its content is wrong.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError as error:
        raise SchemaError("its lists and tables are nested too deeply") from error
    except msgspec.DecodeError as error:
        from_plain(kind, _loosely(text))  # most often that knows better what is wrong
        raise SchemaError(str(error)) from error


def _loosely(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"not JSON: {error}") from error


def to_json(value: Any) -> str:
    """JSON without blanks, the fields in their order; what is not a number becomes null."""
    return msgspec.json.encode(value, enc_hook=_without_subclass).decode()


def to_plain(value: Schema) -> dict[str, Any]:
    """The value as JSON has it: dictionaries, lists, text, numbers, None."""
    plain: dict[str, Any] = msgspec.json.decode(to_json(value))
    return plain


def _without_subclass(value: Any) -> Any:
    """Convert numpy's float64 and torch's version, which msgspec does not accept as a float and a text."""
    for plain in (str, float, int):
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _explained(error: msgspec.ValidationError, kind: Any, content: Any, above: tuple[Step, ...] = ()) -> SchemaError:
    """The same error with the names of all keys, and with the value that was given.

    Args:
        above: the path of the content in the whole document.
    """
    problem, of_key, path = re.fullmatch(_ERROR, str(error)).groups()  # type: ignore[union-attr]  # it matches any text
    steps: tuple[Step, ...] = ()
    for name, index in re.findall(_STEP, path or ""):
        steps += (name or (int(index) if index else _wrong_key(kind, content, steps, str(error))),)
    if key := re.fullmatch("(?s)Object contains unknown field `(.+)`", problem):
        unknown, allowed = _dotted((*above, *steps, key[1])), _names(_type_at(kind, steps))
        message = f'unknown key "{unknown}". Keys allowed there: {", ".join(allowed)}'
        return SchemaError(message, unknown=unknown, allowed=allowed)
    if key := re.fullmatch("Object missing required field `(.+)`", problem):
        return SchemaError(f"{_dotted((*above, *steps, key[1]))}: expected a value, got none")
    found = _type_at(kind, steps)
    came = re.sub(".*(value|got) ", "", problem) if of_key else reprlib.repr(_at(content, steps))
    what = _expected(problem, found.key_type if of_key else found)
    where = _dotted((*above, *steps))
    text = f"{what}, got {came}" if what else problem
    return SchemaError(f"{where}: {text}" if where else text)


def _expected(problem: str, found: Any) -> str:
    """What msgspec expected; "" if the error comes from our own check."""
    if problem.startswith("Invalid enum value"):
        return "expected " + " or ".join(map(repr, found.values))
    if str(sys.float_info.max) in problem:
        return "expected a finite number"
    return f"e{problem[1:].partition(', got ')[0]}" if problem.startswith("Expected `") else ""


def _wrong_key(kind: Any, content: Any, steps: tuple[Step, ...], error: str) -> str:
    """The key of the table at `steps` that causes the error: the first that gives the same error alone."""
    table = _at(content, steps)

    def alone(key: str) -> str:
        try:
            msgspec.convert(_with(content, steps, {key: table[key]}), kind)
        except msgspec.ValidationError as again:
            return str(again)
        return ""

    return next(key for key in table if alone(key) == error)


def _at(content: Any, steps: tuple[Step, ...]) -> Any:
    return functools.reduce(lambda inner, step: inner[step], steps, content)


def _with(content: Any, steps: tuple[Step, ...], inner: Any) -> Any:
    """The content with another value at that path."""
    if not steps:
        return inner
    changed = dict(content) if isinstance(content, Mapping) else dict(enumerate(content))
    changed[steps[0]] = _with(content[steps[0]], steps[1:], inner)
    return changed if isinstance(content, Mapping) else list(changed.values())


def _type_at(kind: Any, steps: tuple[Step, ...]) -> Any:
    """msgspec's description of the type at that path."""
    found: Any = msgspec.inspect.type_info(kind)
    for step in steps:
        if isinstance(found, msgspec.inspect.StructType):
            found = next(field.type for field in found.fields if field.name == step)
        else:
            found = found.value_type if isinstance(found, msgspec.inspect.DictType) else found.item_type
    return found


def _names(found: Any) -> tuple[str, ...]:
    return tuple(field.name for field in found.fields)


def _dotted(steps: tuple[Step, ...]) -> str:
    return ".".join(map(str, steps))
