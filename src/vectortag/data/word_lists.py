"""The words in one cell of a table: as a list of Python, numpy or JSON, or as plain words with a separator.

What cannot be read for certain is an error that names what was found: a word that is read wrongly becomes a wrong tag,
and nobody notices.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterable

from vectortag.core.errors import DataError
from vectortag.core.text import LONGEST_NAME, has_control_characters

ADVICE = "Fix the row or pass --skip-bad-rows."

MISSING = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>", "#n/a"})
"""What programs write where a table has no value; a cell that says so has no words."""
DOUBTFUL = frozenset({"nan", "none", "null", "<na>", "#n/a"})
"""The same as a word of a list, as numpy's text of a list with a gap: a value was lost, so the row is bad."""

COMMAS, SEMICOLONS = ",、，،", ";；؛"
QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "‘": "’", "«": "»", "`": "`"}

LONGEST_CELL = 20_000
"""Characters; no photo has so many words."""

_STRING = r"""(?:[uUbB]?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))"""
_ITEM = re.compile(rf"(?:(?:np|numpy)\.str_\(\s*)?(?P<text>{_STRING})(?:\s*\))?|(?P<other>[^\s,;|]+)", re.DOTALL)
_BETWEEN = re.compile(r"\s*(?:[,;|]\s*)?", re.DOTALL)
_CALL = re.compile(
    r"(?:np\.|numpy\.|pd\.)?(?:array|set|frozenset|list|tuple|Index|Series)\((?P<inside>.*?)"
    r"(?:,\s*(?:dtype|name|length)=[^(),\[\]]*)*\)",
    re.DOTALL,
)
_ANY_CALL = re.compile(r"[\w.]+\(\s*(?P<inside>[\[({].*[\])}])\s*\)", re.DOTALL)
"""A list as a program prints it with the name of its type, whichever that is: deque(['cat', 'dog'])."""
_LIST_MARK = re.compile(r"""[\[({]\s*["']|["']\s*[\])}]|\bdtype: """)
"""What is in a list of words, and in no word."""
_STRINGS = re.compile(r"""[bu]?["']""", re.IGNORECASE)
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_HASH_TAGS = re.compile(r"#\w+(?:\s+#\w+)+")
_LOST_ENDS = re.compile(r"""(?<=\w)(?P<quote>["'])\s*[,;|]\s*(?P=quote)(?=\w)""")
"""Between two words of a list whose outer quotes and brackets were stripped: cat', 'dog."""
_BULLET = re.compile(r"\A[-*•]\s+")


def parse_tags(text: str, where: str = "tags") -> tuple[str, ...]:
    """Read the words of one cell, in whichever way they are written.

    Raises:
        DataError: it begins like a list and is none, or could be read in two ways.

    >>> parse_tags("['sea', 'sun']"), parse_tags("dog, snow ,"), parse_tags("['cat' 'pet']"), parse_tags("cat;pet")
    (('sea', 'sun'), ('dog', 'snow'), ('cat', 'pet'), ('cat', 'pet'))
    """
    cell = text.strip()
    if cell.lower() in MISSING:
        return ()
    try:
        if len(cell) > LONGEST_CELL:
            raise _Unreadable(f", with {len(cell):,} characters; the limit is {LONGEST_CELL:,}")
        words = _listed(cell)
        words = _plain(cell) if words is None else [word.strip() for word in words]
        found = tuple(word for word in words if word)
        _check(found)
    except _Unreadable as problem:
        got = cell if len(cell) <= 40 else cell[:40] + "..."
        raise DataError(
            f'{where}: column "tags" must be a list or comma-separated words, got "{got}"{problem}. {ADVICE}'
        ) from problem
    return found


def split_keyword(text: str) -> list[str]:
    """The words in a keyword of an old program, which may hold all words of a photo, for learning.

    >>> split_keyword("dog, cat; bird")
    ['dog', 'cat', 'bird']
    """
    return [part for one in re.split(f"[{COMMAS}{SEMICOLONS}\n\r]", text) if (part := one.strip())]


class _Unreadable(ValueError):
    """A cell cannot be read: the text goes on from what was got."""


def _listed(cell: str) -> Iterable[str] | None:
    """The strings of a list, in or without brackets; None where the cell is none."""
    if call := _CALL.fullmatch(cell) or _ANY_CALL.fullmatch(cell):
        cell = call["inside"].strip() or "[]"
    opening = cell[0]
    if opening in "[{" and (words := _json(cell)) is not None:
        return words
    if opening == "[" or (opening in "({" and _is_list(cell)):
        if not cell.endswith(_BRACKETS[opening]) or len(cell) < 2:
            raise _Unreadable(f' without "{_BRACKETS[opening]}" at its end')
        return _strings(cell[1:-1])
    if _STRINGS.match(cell) and len(cell) > 1:
        try:
            return _strings(cell)
        except _Unreadable:  # such as: 'tis the season
            return None
    return None


def _is_list(cell: str) -> bool:
    """Whether a cell that begins with ( or { is a list; "(old) house" is not."""
    inside = cell[1:].lstrip()
    closing = _BRACKETS[cell[0]]
    return (
        inside[:1] in {"'", '"', closing} or inside.startswith(("np.", "numpy.")) or cell.find(closing) == len(cell) - 1
    )


def _json(cell: str) -> list[str] | None:
    try:
        words = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    if not words:
        return []
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return words
    raise _Unreadable(", of which not every part is a word")


def _strings(inside: str) -> list[str]:
    """The quoted strings between two brackets: with commas between them, or with blanks, as numpy prints them."""
    words: list[str] = []
    place = len(inside) - len(inside.lstrip())
    while place < len(inside):
        item = _ITEM.match(inside, place)
        if item is None or item["text"] is None:
            other = item["other"] if item else inside[place]
            if other.startswith("..."):
                raise _Unreadable(', which a program has shortened to "...". Write all words')
            raise _Unreadable(f", with {other[:20]!r} where a word in quotes is expected")
        words.append(_unquoted(item["text"]))
        between = _BETWEEN.match(inside, item.end())
        place = between.end() if between else item.end()
        if place == item.end() and place < len(inside):
            raise _Unreadable(", with two words that nothing separates")
    return words


def _unquoted(literal: str) -> str:
    try:
        word = ast.literal_eval(literal.lstrip("bBuU"))
        word.encode()
    except (ValueError, SyntaxError, UnicodeError, MemoryError, RecursionError) as error:
        raise _Unreadable(f", with the broken word {literal[:20]}") from error
    return str(word)


def _plain(cell: str) -> list[str]:
    """Words without a list around them: one separator, or one between words and another between levels."""
    if mark := _LIST_MARK.search(cell):
        raise _Unreadable(f", with {mark[0]!r} of a list that is not whole or not known")
    has_commas = any(mark in cell for mark in COMMAS)
    has_semicolons = any(mark in cell for mark in SEMICOLONS)
    if has_commas and has_semicolons:
        raise _Unreadable(
            ', with commas and semicolons, either of which may separate. Write a list: ["Paris, France", "dog"]'
        )
    if mark := _LOST_ENDS.search(cell):
        raise _Unreadable(f", with {mark[0]!r} of a list that has lost its ends")
    if _HASH_TAGS.fullmatch(cell):
        raise _Unreadable(", with blanks between words. Put commas there")
    words = [_BULLET.sub("", word.strip()) for word in re.split(f"[{COMMAS}{SEMICOLONS}|\n\r\t]", cell)]
    for word in words:
        if word.count("[") != word.count("]") or word.count("{") != word.count("}"):
            raise _Unreadable(f", with one bracket of two: {word[:20]}")
        if word and all(unicodedata.category(one).startswith("P") for one in word):
            raise _Unreadable(
                f", with {word[:20]!r}, which is punctuation. Leave the cell empty for a photo without tags"
            )
    return [_without_quotes(word) for word in words]


def _without_quotes(word: str) -> str:
    closing = QUOTES.get(word[:1])
    if closing is None:
        return word
    if len(word) > 1 and word.endswith(closing) and closing not in word[1:-1]:
        return word[1:-1].strip()
    if word[0] in '"“„«':
        raise _Unreadable(f", with quotes that do not fit together: {word[:20]}")
    return word


def _check(words: tuple[str, ...]) -> None:
    if lost := next((word for word in words if word.lower() in DOUBTFUL), None):
        raise _Unreadable(f', with "{lost}" among its words, which programs write for a lost value. Remove it')
    for word in words:
        if has_control_characters(word):
            raise _Unreadable(f", with a control character in {word[:20]!r}")
        if len(word) > LONGEST_NAME:
            raise _Unreadable(f", with a word of {len(word)} characters; a tag has at most {LONGEST_NAME}")
