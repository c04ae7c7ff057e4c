"""TOML that anybody may have written. Python's parser ends with a RecursionError where it is nested deeply."""

from __future__ import annotations

from typing import Any

DEEPEST = 32
"""Levels of tables and lists. VectorTag's own files have up to 4."""


class TomlError(ValueError):
    """A text is not TOML, or it is nested too deeply; the message says why."""


def parse_toml(text: str) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        TomlError: it cannot be parsed.

    >>> parse_toml("a = [1]")
    {'a': [1]}
    >>> parse_toml("a = " + "[" * 100 + "]" * 100)
    Traceback (most recent call last):
    vectortag.core.toml.TomlError: it has more than 32 levels
    """
    import tomllib  # here, since tagging reads no such file

    try:
        content = tomllib.loads(text)
    except ValueError as error:  # also of numbers with thousands of digits
        raise TomlError(str(error)) from error
    except RecursionError as error:
        raise TomlError(f"it has more than {DEEPEST} levels") from error
    level: list[Any] = [content]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in level if isinstance(one, dict | list)]
    if level:
        raise TomlError(f"it has more than {DEEPEST} levels")
    return content
