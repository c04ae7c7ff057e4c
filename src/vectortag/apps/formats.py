"""How a tagging, a failed photo and a found photo become plain values: one place for command line, page and service.

The types are also the service's response models (`server/responses.py` puts them together). They are msgspec Structs:
making one for each tag of each photo costs a tenth of a dataclass, and no command waits for pydantic.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TextIO

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import printable
from vectortag.core.text import CsvLines
from vectortag.core.types import DIGITS, FailedTagging, Tagging, TagScore
from vectortag.data.find import KINDS, LeftOut
from vectortag.model.language import Language

ENGLISH = Language()

Score = Annotated[float, Meta(ge=0, le=1, description="Calibrated, in [0, 1].", examples=[0.91])]


class ScoredTag(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One tag of a photo, rounded to 6 decimals."""

    tag: Annotated[str, Meta(examples=["sea"])]
    score: Score
    threshold: Annotated[
        float | None, Meta(description="The tag's own; null where it is never predicted.", examples=[0.44])
    ]
    name: Annotated[
        str | UnsetType, Meta(description="In another language than English; `tag` stays English.", examples=["Meer"])
    ] = UNSET


class PhotoFault(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a photo has no tags."""

    type: Annotated[str, Meta(examples=["PhotoError"])]
    message: Annotated[str, Meta(examples=["photo: not a photo in a known format"])]


class ModelRun(Struct, frozen=True, forbid_unknown_fields=True):
    """Which model made the scores, and how it was run."""

    model: Annotated[str, Meta(description="`name@digest` of the model.", examples=["lite0@1a2b3c4d"])]
    runtime: Annotated[str, Meta(description="What ran the network.", examples=["openvino"])]
    precision: Annotated[str, Meta(description="What it computed in.", examples=["f32"])]
    size: Annotated[int, Meta(description="Side of the network's input in pixels.", examples=[224])]


class FoundPhoto(Struct, frozen=True):
    """A photo that a search found."""

    path: str
    similarity: float


def scored_tags(tags: Iterable[TagScore], language: Language = ENGLISH) -> list[ScoredTag]:
    """The tags with rounded numbers; with their names, unless the language is English."""
    if language.tags:
        return [
            ScoredTag(tag.tag, round(tag.score, DIGITS), rounded(tag.threshold), language.name(tag.tag)) for tag in tags
        ]
    return [ScoredTag(tag.tag, round(tag.score, DIGITS), rounded(tag.threshold)) for tag in tags]


def rounded(number: float | None) -> float | None:
    """A threshold as every output has it; None stays None."""
    return None if number is None else round(number, DIGITS)


def implied_among(tagging: Tagging, tags: Sequence[TagScore]) -> list[str]:
    """The names of those tags that are shown with their children only."""
    implied = set(tagging.implied)
    return [tag.tag for tag in tags if tag.tag in implied]


def guesses_for(tagging: Tagging, tags: Sequence[TagScore], language: Language = ENGLISH) -> list[ScoredTag]:
    """What is offered apart from the tags of a photo, and only where there are none."""
    return [] if tags else scored_tags(tagging.guesses, language)


def photo_fault(error: Exception) -> PhotoFault:
    """The kind of an error, and its message."""
    return PhotoFault(type(error).__name__, str(error))


def model_run(tagging: Tagging) -> ModelRun:
    """The model behind a tagging."""
    return ModelRun(tagging.model, tagging.runtime, tagging.precision, tagging.size)


def found_photo(path: str, similarity: float) -> FoundPhoto:
    """A found photo with a rounded similarity."""
    return FoundPhoto(path, round(similarity, DIGITS))


def json_line(content: object, stream: TextIO) -> str:
    """Plain values or a Struct as one line of JSON for a stream."""
    return to_json(to_builtins(content), stream) + "\n"


def to_json(value: Any, stream: TextIO, *, indent: int | None = None) -> str:
    """Plain values as JSON; a stream that is not Unicode gets ASCII, with JSON's own escapes."""
    is_unicode = (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    text = json.dumps(value, ensure_ascii=not is_unicode, indent=indent)
    return printable(text, lines=True)  # inside strings, where the escapes are those of JSON


def name_in(tagging: Tagging) -> str | None:
    """The path of a photo as every output writes it; None for a picture from memory."""
    return None if tagging.path is None else escape_path(tagging.path)


def summary_line(photos: int, failed: int, left_out: LeftOut) -> str:
    """What `tag --format jsonl` says on stderr where a folder held other things than photos."""
    counts = {kind.replace(" ", "_"): left_out.counts[kind] for kind in KINDS if left_out.counts[kind]}
    return json.dumps({"summary": {"photos": photos, "failed": failed, "left_out": counts}})


def tagged_line(tagging: Tagging, tags: Sequence[TagScore], language: Language = ENGLISH) -> dict[str, Any]:
    """What JSON Lines and Parquet say of a photo; `implied` and `guesses` only where there are some."""
    line: dict[str, Any] = {"path": name_in(tagging), **to_builtins(model_run(tagging))}
    line["tags"] = scored_tags(tags, language)
    if implied := implied_among(tagging, tags):
        line["implied"] = implied
    if guesses := guesses_for(tagging, tags, language):
        line["guesses"] = guesses
    return line


def failed_line(failure: FailedTagging) -> dict[str, Any]:
    """What JSON Lines and Parquet say of a photo that could not be tagged."""
    return {"path": escape_path(failure.path), "error": photo_fault(failure.error)}


class JsonLinesWriter:
    """For programs: one JSON object per line. `tag` is English in every language; `name` is the language's."""

    def __init__(self, stream: TextIO, language: Language = ENGLISH) -> None:
        self._stream = stream
        self._language = language

    def tagged(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        self._write(tagged_line(tagging, tags, self._language))

    def failed(self, failure: FailedTagging) -> None:
        self._write(failed_line(failure))

    def _write(self, line: dict[str, Any]) -> None:
        self._stream.write(json_line(line, self._stream))


class CsvWriter:
    """For spreadsheets: one row per tag, by its name. A photo without tags has one row with an empty tag, and the
    guesses."""

    def __init__(self, stream: TextIO, language: Language = ENGLISH) -> None:
        self._language = language
        self._rows = csv.writer(CsvLines(stream))
        self._text = printable if stream.isatty() else str  # a file keeps every character
        self._rows.writerow(["path", "tag", "score", "threshold", "model", "precision", "size", "error", "guesses"])

    def tagged(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        name = self._text(name_in(tagging) or "")
        run = [tagging.model, tagging.precision, tagging.size, "", ""]
        for tag in scored_tags(tags):
            self._rows.writerow([name, self._text(self._language.name(tag.tag)), tag.score, tag.threshold, *run])
        if not tags:
            guessed = ((self._language.name(guess.tag), guess.score) for guess in guesses_for(tagging, tags))
            guesses = "; ".join(f"{named} {score:.2f}" for named, score in guessed)
            self._rows.writerow([name, "", "", "", *run[:-1], self._text(guesses)])

    def failed(self, failure: FailedTagging) -> None:
        name, error = self._text(escape_path(failure.path)), self._text(str(failure.error))
        self._rows.writerow([name, "", "", "", "", "", "", error, ""])
