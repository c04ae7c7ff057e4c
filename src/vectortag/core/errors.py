"""Every error that VectorTag raises on purpose.

    VectorTagError
    ├── PhotoError            a photo cannot be read, or is refused before decoding
    ├── DataError             a data set is wrong: file, row, column
    ├── TaxonomyError         a taxonomy file is wrong: unknown key, cycle
    ├── LanguageError         no names of tags in this language, or its file is wrong
    ├── ConfigError           a training configuration is wrong
    ├── TrainingError         a training cannot go on
    ├── NewTagError           a new tag cannot be made of these examples, or under this name
    ├── WordsError            words that cannot be understood: another language, or too far from all known words
    ├── CorrectionError       a correction contradicts itself, or cannot be stored
    ├── QueryError            a search cannot be read, or names what is not there
    ├── UnknownTagError       a model does not have this tag
    ├── UnknownModelError     no model folder under this name
    ├── ModelFolderError      a model folder is incomplete, changed or too new
    ├── ShapeError            arrays that should fit together do not
    ├── LibraryError          a photo library cannot be used: damaged, too new, or its folders do not fit
    ├── OutputError           a file cannot be written
    ├── OverwriteError        an output is an input, a photo, or a file of another kind: it is not replaced
    ├── ServiceError          a VectorTag service refused, or could not be reached
    └── MissingExtraError     an optional dependency is not installed

A message says where, what was expected, what came and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VectorTagError(Exception):
    """The root of all errors that VectorTag raises on purpose."""


class PhotoError(VectorTagError):
    """A photo cannot be read, or is refused before decoding."""


class DataError(VectorTagError):
    """A data set is wrong; the message names file, row and column."""


class TaxonomyError(VectorTagError):
    """A taxonomy is wrong: an unknown key, a cycle, two names for one word."""


class LanguageError(VectorTagError):
    """There are no names of tags in a language, or its file is wrong."""


class ConfigError(VectorTagError):
    """A training configuration is wrong."""


class TrainingError(VectorTagError):
    """A training cannot go on, or its result cannot be used."""


class NewTagError(VectorTagError):
    """A new tag cannot be made from these examples or with this name."""


class WordsError(VectorTagError):
    """Words are too far from what a model knows, or the model knows no words."""


class CorrectionError(VectorTagError):
    """A correction contradicts itself, or cannot be stored."""


class QueryError(VectorTagError):
    """A search cannot be read, or names what is not there.

    Attributes:
        column: of the character where the error is, from 1.
    """

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"query, column {column}: {message}")
        self.column = column


class UnknownTagError(VectorTagError):
    """A model does not have this tag."""


class UnknownModelError(VectorTagError):
    """No model has this name or path."""


class ModelFolderError(VectorTagError):
    """A model folder is incomplete, changed, or written by a newer VectorTag."""


class ShapeError(VectorTagError):
    """Arrays that should fit together do not."""


class LibraryError(VectorTagError):
    """A photo library cannot be used: its file is damaged, of a newer version, or its folders do not fit."""


class OutputError(VectorTagError):
    """A file cannot be written."""


class OverwriteError(VectorTagError):
    """An output would replace an input, a photo, or a file of another kind."""


class ServiceError(VectorTagError):
    """A VectorTag service refused a request, or could not be reached.

    Attributes:
        status: the HTTP status; None if there was no answer.
        kind: the word for programs at the end of the problem's type, such as "too-large", or "".
    """

    def __init__(self, message: str, *, status: int | None = None, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class MissingExtraError(VectorTagError):
    """An optional dependency is not installed; the message gives the command that installs it."""

    def __init__(self, task: str, package: str, extra: str) -> None:
        super().__init__(f"{task} needs {package}. Install it with: pip install 'vectortag[{extra}]'")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean ...?" for the closest known word, or "" if none is close.

    >>> did_you_mean("beech", ["beach", "boat"])
    ' Did you mean "beach"?'
    """
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""
