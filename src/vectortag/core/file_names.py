"""Escapes file names, so that they can be written anywhere and read back.

A file name is bytes, and may not be UTF-8. In every output, a byte that is not UTF-8 is written as a backslash, `x` and
its two hexadecimal digits. A backslash before text that looks like such an escape is doubled. All other names are
unchanged.

`escape_path` and `unescape_path` are the two directions. A stream whose encoding lacks a character writes it as a
backslash, `u` and its four digits, or `U` and eight (`ESCAPING`), which `unescape_path` reads back as well.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
from pathlib import Path

ESCAPING = "vectortag.escape"
"""The name of the error handler for streams: `open(..., errors=ESCAPING)`."""

LONGEST_PART = 120
"""Bytes of a file's name that a tag may take: 40 characters of Chinese. File systems allow 255 in all."""

_SPECIAL = re.compile("[\\\\\ud800-\udfff]")
_CODE = r"x[89a-fA-F][0-9a-fA-F]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}"
_BEFORE_CODE = re.compile(rf"\\+(?={_CODE}|[{chr(0xD800)}-{chr(0xDFFF)}])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(rf"(\\+)({_CODE})")


def escape_path(path: str | Path) -> str:
    r"""The path as text that is valid Unicode; `unescape_path` gives the path back.

    >>> print(escape_path("caf\udce9.jpg"), escape_path("sea.jpg"))
    caf\xe9.jpg sea.jpg
    """
    text = str(path)
    if not _SPECIAL.search(text):
        return text
    doubled = _BEFORE_CODE.sub(lambda run: 2 * run[0], text)
    return _SURROGATE.sub(lambda found: _code(found[0]), doubled)


def unescape_path(text: str) -> Path:
    r"""The path that `escape_path` was given.

    >>> unescape_path(escape_path("caf\udce9.jpg")) == Path("caf\udce9.jpg")
    True
    """
    return Path(_ESCAPED.sub(_read_back, text))


def _code(character: str) -> str:
    """A byte that is not UTF-8 is given as U+DC80 to U+DCFF (PEP 383)."""
    point = ord(character)
    if 0xDC80 <= point <= 0xDCFF:
        return rf"\x{point - 0xDC00:02x}"
    return rf"\u{point:04x}" if point <= 0xFFFF else rf"\U{point:08x}"


def _read_back(found: re.Match[str]) -> str:
    backslashes, code = "\\" * (len(found[1]) // 2), found[2]
    point = int(code[1:], 16)
    if len(found[1]) % 2 == 0:
        return backslashes + code
    if code[0] == "x":
        return backslashes + chr(0xDC00 + point)
    return backslashes + chr(point) if point <= 0x10FFFF else found[0]


def _escape_unencodable(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_code, error.object[error.start : error.end])), error.end


codecs.register_error(ESCAPING, _escape_unencodable)


def name_for_file(tag: str) -> str:
    """A tag as a part of a file's name: letters and digits of every script; a hash tells apart what else would be one.

    >>> name_for_file("golden gate"), name_for_file("犬"), name_for_file("C++")
    ('golden_gate', '犬', 'C_-f1deb75f')
    """
    name = re.sub(r"[^\w-]+", "_", tag)
    if name == re.sub("[ /]", "_", tag) and "_" not in tag and len(name.encode()) <= LONGEST_PART:
        return name
    cut = name.encode()[:LONGEST_PART].decode(errors="ignore")
    return f"{cut}-{hashlib.sha256(tag.encode()).hexdigest()[:8]}"


def is_folder(path: str | Path) -> bool:
    """Whether this is a folder; also False if it cannot be checked, as when its name is too long."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def real_path(path: str | Path) -> Path:
    """The path without links. `Path.resolve` fails for a link that leads to itself; whoever opens it will say so."""
    return Path(os.path.realpath(path))


def is_there(path: str | Path) -> bool:
    """Whether the path certainly exists."""
    try:
        os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return False
    return True


def is_missing(path: str | Path) -> bool:
    """Whether the path certainly does not exist."""
    try:
        os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False
