"""Text as the numbers of its word pieces: what BERT's uncased English models read (Devlin et al. 2018, 1810.04805).

Lower case, no accents, punctuation by itself; then each word is the longest pieces of the vocabulary that it begins
with, one after the other (WordPiece, Wu et al. 2016, 1609.08144).
"""

from __future__ import annotations

import functools
import unicodedata

from vectortag.core.folders import PACKAGE

UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
LONGEST_WORD = 100
"""Characters; a longer word is unknown as a whole."""

CHINESE = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
"""Characters that are words by themselves."""


@functools.cache
def vocabulary() -> dict[str, int]:
    """The 30,522 pieces; one that begins with `##` goes on with a word."""
    text = (PACKAGE / "model" / "words" / "text" / "wordpieces.txt").read_text("utf-8")
    return {piece: number for number, piece in enumerate(text.splitlines())}


def word_pieces(text: str) -> list[int]:
    """The numbers of a text's pieces, between those of its start and its end.

    >>> [list(vocabulary())[number] for number in word_pieces("A Zebra's café")]
    ['[CLS]', 'a', 'zebra', "'", 's', 'cafe', '[SEP]']
    """
    known = vocabulary()
    inside = (piece for word in _words(text) for piece in _pieces(word, known))
    return [known[START], *inside, known[END]]


def is_known(text: str) -> bool:
    """Whether a text has pieces, and none of its words is unknown as a whole, as those of most other alphabets are."""
    pieces = word_pieces(text)[1:-1]
    return bool(pieces) and vocabulary()[UNKNOWN] not in pieces


def has_whole_word(text: str) -> bool:
    """Whether a text has a word, of more than one letter, that is a piece by itself, as common words are.

    >>> has_whole_word("the blorf"), has_whole_word("blorf asdfgh")
    (True, False)
    """
    known = vocabulary()
    return any(len(word) > 1 and word.isalpha() and word in known for word in _words(text))


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFD", "".join(map(_spaced, text)))
    lower = "".join(char for char in plain if unicodedata.category(char) != "Mn").lower()
    return "".join(f" {char} " if _is_punctuation(char) else char for char in lower).split()


def _spaced(char: str) -> str:
    """A character as it is read: no control characters, every kind of space the same."""
    if char in "\t\n\r" or unicodedata.category(char) == "Zs":
        return " "
    if char == "\ufffd" or unicodedata.category(char).startswith("C"):
        return ""
    code = ord(char)
    return f" {char} " if any(first <= code <= last for first, last in CHINESE) else char


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char).startswith("P") or (char.isascii() and char in "$+<=>^`|~")


def _pieces(word: str, known: dict[str, int]) -> list[int]:
    if len(word) > LONGEST_WORD:
        return [known[UNKNOWN]]
    pieces = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        end = next((end for end in range(len(word), start, -1) if mark + word[start:end] in known), None)
        if end is None:
            return [known[UNKNOWN]]
        pieces.append(known[mark + word[start:end]])
        start = end
    return pieces
