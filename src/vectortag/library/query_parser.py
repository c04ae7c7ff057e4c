"""Reads a query, by recursive descent.

    query  = all ("or" all)*
    all    = one (["and"] one)*
    one    = ("not" | "-") one | "(" query ")" | words | "quoted phrase" | field:value
    words  = word+

`and`, `or` and `not` may be in any case; `not` takes one word. There is no library behind this: the language is the
lines above, and half of the code is its error messages, which a parser generator would not write.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from vectortag.core.errors import QueryError
from vectortag.library.query import OPERATORS, And, Leaf, Node, Not, Or, Phrase, Word, Words
from vectortag.library.query_fields import FIELDS, field_of

MOST_CHARACTERS, MOST_LEVELS = 10_000, 50
"""Of a query; of parentheses and `not` inside each other."""

_FIELD = re.compile(r"([^\W\d_]+):")
_WORD = re.compile(r"[^\s()\"“”„]+")
_OPTION = re.compile(r"--[^\W\d_][\w-]*")
_QUOTES = {'"': '"', "“": '”"', "„": '“”"'}
"""What opens a quoted text, and what may close it: editors and telephones write the curved ones by themselves."""


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
            return self._field()
        if token.kind == "word" and not token.operator:
            return self._words(most_words)
        raise self._unexpected()

    def _field(self) -> Leaf:
        token = self._take()
        return field_of(token.text, token.value, token.tail, token.at)

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
            raise QueryError(
                self._here.at, f'more than {MOST_LEVELS} "(" and "not" inside each other. Write a simpler query'
            )
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
        elif option := _OPTION.match(text, place):
            raise QueryError(place + 1, f'"{option[0]}" cannot be in a query. Put options before the query')
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
        raise QueryError(place + 1, f'"{name}:" has no value. Write {FIELDS[name]}, without a space after the colon')
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
