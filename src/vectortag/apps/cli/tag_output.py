"""The outputs of `vectortag tag`: a writer for each format, and how an older output is recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vectortag.apps.cli.output import bar, cells, line_writer
from vectortag.apps.cli.tag_options import Format, TextFormat
from vectortag.apps.formats import ENGLISH, CsvWriter, JsonLinesWriter, guesses_for, implied_among, name_in
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import printable
from vectortag.core.types import FailedTagging, Tagging, TagScore
from vectortag.core.writing import atomic_output
from vectortag.data.outputs import JSON_LINES, PARQUET, TAGS_CSV, TAGS_TABLE, FileKind
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

if TYPE_CHECKING:
    from vectortag.apps.content_hashes import ContentHashes


class TableWriter:
    """For people: one block per photo, one bar per tag."""

    def __init__(self, stream: TextIO, language: Language = ENGLISH) -> None:
        self._write = line_writer(stream)
        self._name = language.name
        self._encoding = stream.encoding

    def tagged(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        self._write((printable(name_in(tagging) or "photo"), "bold"))
        names = [printable(self._name(scored.tag)) for scored in tags]
        width, implied = max(map(cells, names), default=0), set(implied_among(tagging, tags))
        for name, scored in zip(names, tags, strict=True):
            self._write(
                (f"  {name}{' ' * (width - cells(name))}  ", ""),
                (bar(scored.score, self._encoding), "green"),
                (f" {scored.score:.2f}", ""),
                ("  implied" if scored.tag in implied else "", "dim"),
            )
        if not tags:
            self._write(("  no tag reaches its threshold", "dim"))
        if guesses := guesses_for(tagging, tags):
            said = ", ".join(f"{printable(self._name(guess.tag))} {guess.score:.2f}" for guess in guesses)
            self._write((f"  best guesses: {said}", "dim"))

    def failed(self, failure: FailedTagging) -> None:
        self._write((printable(escape_path(failure.path)), "bold"))
        self._write((f"  error: {failure.error}", "red"))


Writer = TableWriter | JsonLinesWriter | CsvWriter
WRITERS: dict[TextFormat, type[TableWriter] | type[JsonLinesWriter] | type[CsvWriter]] = {
    "table": TableWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
}

FILE_KINDS: dict[Format, FileKind] = {
    "table": TAGS_TABLE,
    "jsonl": JSON_LINES,
    "csv": TAGS_CSV,
    "parquet": PARQUET,
}
"""How an older output of each format is recognised."""


def write_text(
    writer: Writer, results: Iterable[Tagging | FailedTagging], select: Callable[..., Sequence[TagScore]]
) -> int:
    """Write all results as text. Returns how many photos could not be tagged."""
    failed = 0
    for result in results:
        if isinstance(result, FailedTagging):
            failed += 1
            writer.failed(result)
        else:
            writer.tagged(result, select(result))
    return failed


def write_parquet_file(
    output: Path,
    results: Iterable[Tagging | FailedTagging],
    select: Callable[..., Sequence[TagScore]],
    language: Language,
    hashes: ContentHashes | None,
    tagger: Tagger,
) -> int:
    """Write all results into a Parquet file. Returns how many photos could not be tagged."""
    from vectortag.apps.parquet_output import write_parquet

    width = None if hashes is None else tagger.folder.manifest.backbone.width
    with atomic_output(output) as file:
        return write_parquet(file, results, select, language, hashes=hashes, width=width)[1]
