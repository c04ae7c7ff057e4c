"""Reads a query, by recursive descent.

    query  = all ("or" all)*
    all    = one (["and"] one)*
    one    = ("not" | "-") one | "(" query ")" | words | "quoted phrase" | field:value
    words  = word+

`and`, `or` and `not` may be in any case; `not` takes one word. There is no library behind this: the language is the five
lines above, and half of the code is its error messages, which a parser generator would not write.
"""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from vectortag.core.errors import QueryError
from vectortag.library.query import (
    OPERATORS,
    And,
    Comparison,
    Dated,
    Leaf,
    Named,
    Node,
    Not,
    Or,
    Phrase,
    Placed,
    Rated,
    Scored,
    Word,
    Words,
)

MOST_CHARACTERS, MOST_LEVELS = 10_000, 50
"""Of a query; of parentheses and `not` inside each other."""

FIELDS = ("tag", "score", "keyword", "date", "place", "path", "file", "near", "rating", "model")

NEARBY = 10.0
"""Kilometres around a place that has no radius."""

_FIELD = re.compile(r"([^\W\d_]+):")
_WORD = re.compile(r"[^\s()\"“”„]+")
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_SCORED = re.compile(rf"(.*?)(>=|<=|≥|≤|>|<){_NUMBER}", re.DOTALL)
_RATED = re.compile(r"(>=|<=|≥|≤|>|<|=|)([0-5])")
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")
_QUOTES = {'"': '"', "“": '”"', "„": '“”"'}
"""What opens a quoted text, and what may close it: editors and telephones write the curved ones by themselves."""
_ASCII = {"≥": ">=", "≤": "<="}


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, a phrase, a parenthesis, or a field with its value; the query's end is a token, too."""

    kind: Literal["word", "phrase", "(", ")", "-", "field", "end"]
    text: str
    at: int
    value: str = ""
    tail: str = ""

    @property
    def operator(self) -> str:
        """ "and", "or", "not", or ""."""
        return self.text.lower() if self.kind == "word" and self.text.lower() in OPERATORS else ""


def parse_query(text: str) -> Node:
    """Read a query.

    >>> parse_query("dog -person")
    And(parts=(Words(words=(Word(text='dog', at=1),), at=1), Not(part=Words(words=(Word(text='person', at=6),), at=6),
    at=5)), at=1)

    Raises:
        QueryError: it cannot be read; the message names the column.
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(MOST_CHARACTERS, f"a query has at most {MOST_CHARACTERS:,} characters, this has {len(text):,}")
    if not text.strip():
        raise QueryError(1, "the query is empty. Say what to find, such as: dog and (beach or snow) not person")
    return _Parser(_tokens(text)).query()


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._level = 0

    def query(self) -> Node:
        node = self._either()
        if self._here.kind != "end":
            raise QueryError(self._here.at, 'a ")" without a "(" before it. Remove it, or add the "("')
        return node

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _either(self) -> Node:
        parts = [self._all()]
        while self._here.operator == "or":
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts), parts[0].at)

    def _all(self) -> Node:
        parts = [self._one()]
        while self._here.kind not in {"end", ")"} and self._here.operator != "or":
            if self._here.operator == "and":
                self._take()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(tuple(parts), parts[0].at)

    def _one(self, *, most_words: int = MOST_CHARACTERS) -> Node:
        token = self._here
        if token.kind == "-" or token.operator == "not":
            return self._nested(self._negation)
        if token.kind == "(":
            return self._nested(self._group)
        if token.kind == "phrase":
            return Phrase(self._take().text, token.at)
        if token.kind == "field":
            return _leaf_of(self._take())
        if token.kind == "word" and not token.operator:
            return self._words(most_words)
        raise self._unexpected()

    def _words(self, most: int) -> Words:
        start, words = self._here.at, list[Word]()
        while len(words) < most and self._here.kind == "word" and not self._here.operator:
            token = self._take()
            words.append(Word(token.text, token.at))
        return Words(tuple(words), start)

    def _negation(self) -> Node:
        at = self._take().at
        return Not(self._one(most_words=1), at)

    def _group(self) -> Node:
        opened = self._take()
        node = self._either()
        if self._here.kind != ")":
            raise QueryError(opened.at, 'this "(" is never closed. Add a ")"')
        self._take()
        return node

    def _nested(self, read: Callable[[], Node]) -> Node:
        self._level += 1
        if self._level > MOST_LEVELS:
            raise QueryError(self._here.at, f'more than {MOST_LEVELS} "(" and "not" inside each other. Say it simpler')
        node = read()
        self._level -= 1
        return node

    def _unexpected(self) -> QueryError:
        token = self._here
        before = self._tokens[self._next - 1] if self._next else None
        after = f' after "{before.text}"' if before is not None else ""
        got = "the query ends" if token.kind == "end" else f'here is "{token.text}"'
        return QueryError(
            token.at,
            f"expected a word, a field or a parenthesis{after}, but {got}. "
            f'To find the word "{token.operator or "and"}" itself, put it in quotes',
        )


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while place < len(text):
        character = text[place]
        if character.isspace():
            place += 1
            continue
        if character in "()":
            token, place = _Token(cast(Literal["(", ")"], character), character, place + 1), place + 1
        elif character == "-" and text[place + 1 : place + 2].strip() and text[place + 1] not in "-)":
            token, place = _Token("-", "-", place + 1), place + 1
        elif character in _QUOTES:
            inside, end = _read_quoted(text, place)
            token, place = _Token("phrase", inside, place + 1), end
        elif field := _FIELD.match(text, place):
            token, place = _read_field(text, place, field)
        elif character == "”":
            raise QueryError(place + 1, "a closing quote without an opening one. Remove it, or add the other")
        else:
            end = _end_of_word(text, place)
            token, place = _Token("word", text[place:end], place + 1), end
        found.append(token)
    return [*found, _Token("end", "", len(text.rstrip()) + 1)]


def _end_of_word(text: str, start: int) -> int:
    found = _WORD.match(text, start)
    return found.end() if found else start


def _read_quoted(text: str, start: int) -> tuple[str, int]:
    """The text inside of quotes that open at `start`, and the place behind the closing one."""
    closing, characters, place = _QUOTES[text[start]], [], start + 1
    while place < len(text) and text[place] not in closing:
        if text[place] == "\\" and text[place + 1 : place + 2] in {"\\", *_QUOTES, "”"}:
            place += 1
        characters.append(text[place])
        place += 1
    if place == len(text):
        raise QueryError(start + 1, 'this quote is never closed. Add a second "')
    if not (inside := "".join(characters)).strip():
        raise QueryError(start + 1, "there is nothing between these quotes. Write a name or a sentence into them")
    return inside, place + 1


def _read_field(text: str, start: int, found: re.Match[str]) -> tuple[_Token, int]:
    name = found[1].lower()
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, n=1)
        hint = f' Did you mean "{near[0]}:"?' if near else ""
        raise QueryError(
            start + 1,
            f'no field "{found[1]}:".{hint} The fields are {": ".join(FIELDS)}:. To find the text itself, quote it',
        )
    place = found.end()
    if place < len(text) and text[place] in _QUOTES:
        value, end = _read_quoted(text, place)
        last = _end_of_word(text, end)
        return _Token("field", name, start + 1, value, text[end:last]), last
    end = _end_of_value(text, place)
    if end == place:
        raise QueryError(
            place + 1, f'"{name}:" has no value. Write {_EXAMPLES[name]}, without a blank behind the colon'
        )
    return _Token("field", name, start + 1, text[place:end]), end


def _end_of_value(text: str, start: int) -> int:
    """A value goes on to the next blank or quote; a ")" is part of it only if its "(" is, too."""
    depth = 0
    for place in range(start, len(text)):
        character = text[place]
        if character.isspace() or character in '"“”„' or (character == ")" and depth == 0):
            return place
        depth += (character == "(") - (character == ")")
    return len(text)


_EXAMPLES = {
    "tag": "tag:dog",
    "score": "score:dog>0.8",
    "keyword": "keyword:Anna",
    "date": "date:2024-07 or date:2024-07..2024-09",
    "place": "place:48.14,11.58 or, within 5 km, place:48.14,11.58,5",
    "path": "path:holiday/",
    "file": "file:IMG_12",
    "near": "near:holiday/sea.jpg",
    "rating": "rating:>=4, from 0 to 5",
    "model": "model:lite2",
}


def _leaf_of(token: _Token) -> Leaf:
    name, value, at = token.text, token.value, token.at
    if name == "score":
        return _scored(token)
    if token.tail:
        raise QueryError(at, f'"{token.tail}" follows the closing quote of "{name}:". Put a blank between them')
    if name == "date":
        first, dots, last = value.partition("..")
        return _dated(token, first, last if dots else first)
    if name == "rating":
        if (found := _RATED.fullmatch(value)) is None:
            raise _wrong_value(token)
        comparison = _ASCII.get(found[1], found[1]) or "="
        return Rated(cast(Comparison, comparison), int(found[2]), at)
    if name == "place":
        return _placed(token)
    return Named(cast(Literal["tag"], name), value, at)


def _scored(token: _Token) -> Scored:
    found = _SCORED.fullmatch(token.tail if token.tail else token.value)
    if found is None or bool(found[1]) == bool(token.tail) or not 0 <= float(found[3]) <= 1:
        raise QueryError(
            token.at,
            f'"score:{token.value}{token.tail}": expected a tag, then >, >=, < or <=, then a number from 0 to 1,'
            f" such as {_EXAMPLES['score']}",
        )
    tag = token.value if token.tail else found[1]
    return Scored(tag, cast(Comparison, _ASCII.get(found[2], found[2])), float(found[3]), token.at)


def _dated(token: _Token, first: str, last: str) -> Dated:
    if not first and not last:
        raise _wrong_value(token)
    start, end = (_day(token, text) if text else None for text in (first, last))
    if start is not None and end is not None and start[: len(end)] > end:
        raise QueryError(token.at, f'"date:{token.value}" ends before it begins. Write the earlier date first')
    return Dated(start, end, token.at)


def _day(token: _Token, text: str) -> str:
    """A year, month or day as ISO 8601 writes it."""
    found = _DAY.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise _wrong_value(token)
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise QueryError(token.at, f'"{text}" is no day of the calendar. Write year, month and day, as in 2024-07-31')
    return "-".join([found[1], *(f"{int(part):02d}" for part in found.groups()[1:] if part)])


def _placed(token: _Token) -> Placed:
    try:
        numbers = [float(number) for number in token.value.removesuffix("km").split(",")]
        latitude, longitude, kilometres = numbers if len(numbers) == 3 else (*numbers, NEARBY)
    except ValueError as error:
        raise _wrong_value(token) from error
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 < kilometres <= 20_040):
        raise _wrong_value(token)
    return Placed(latitude, longitude, kilometres, token.at)


def _wrong_value(token: _Token) -> QueryError:
    return QueryError(token.at, f'"{token.text}:{token.value}" cannot be read. Write {_EXAMPLES[token.text]}')
