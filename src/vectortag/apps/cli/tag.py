"""vectortag tag"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.named_photos import NamedPhotos, say_left_out
from vectortag.apps.cli.output import bar, cells, line_writer, notes, open_output, progress_over
from vectortag.apps.formats import ENGLISH, CsvWriter, JsonLinesWriter, name_in, summary_line
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import printable
from vectortag.core.types import FailedTagging, Tagging, TagScore
from vectortag.data.outputs import JSON_LINES, TAGS_CSV, TAGS_TABLE, FileKind, InputFiles, check_output
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

Format = Literal["table", "jsonl", "csv"]


def tag(
    paths: Annotated[list[Path], typer.Argument(help="Photos and folders of photos.", show_default=False)],
    model: options.Model = None,
    form: Annotated[
        Format, typer.Option("--format", "-f", help="table for people; jsonl, csv for programs.")
    ] = "table",
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="One threshold for all tags, in the place of each tag's own.")
    ] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", "-k", min=1, help="At most this many tags per photo.")] = None,
    all_scores: Annotated[
        bool, typer.Option("--all-scores", help="All tags of the model with their scores, in the model's order.")
    ] = False,
    language: options.Language = None,
    profile: options.Profile = "balanced",
    size: options.Size = None,
    output: options.Output = None,
    overwrite: options.Overwrite = False,
    exclude: options.Exclude = None,
    max_pixels: options.MaxPixels = None,
    runtime: options.Runtime = "auto",
    precision: options.Precision = "auto",
    additions: options.Additions = True,
    threads: options.Threads = None,
) -> int:
    """Find the tags of photos.

    A photo that cannot be read becomes an error in the output, and the others go on; the exit status is then 1.

    **Examples**

    `vectortag tag beach.jpg`

    `vectortag tag photos/ --format jsonl --output tags.jsonl`

    `vectortag tag photos/ --threshold 0 --top-k 5`

    `vectortag tag photos/ --language de`
    """
    names = Language.load(language)
    if output is not None:
        check_output(output, FILE_KINDS[form], inputs=InputFiles(paths), overwrite=overwrite)
    tagger = Tagger.load(
        model,
        profile=profile,
        size=size,
        runtime=runtime,
        precision=precision,
        threads=threads,
        additions=additions,
        max_pixels=max_pixels,
    )
    photos = NamedPhotos(paths, exclude or ())
    total, failed = photos.count(), 0
    with open_output(output) as stream:
        writer = WRITERS[form](stream, names)
        for result in progress_over(tagger.tag_many(photos), total=total, what="tagging"):
            if isinstance(result, FailedTagging):
                failed += 1
                writer.failed(result)
            else:
                writer.tagged(result, result.select(threshold=threshold, top_k=top_k, all_scores=all_scores))
    say_left_out(paths, total, photos.left_out)
    if failed:
        notes.print(f"{failed} of {total} photos could not be tagged", style="yellow")
    if form == "jsonl" and photos.left_out.counts:
        notes.print(summary_line(total, failed, photos.left_out))
    return 1 if failed else 0


class TableWriter:
    """For people: one block per photo, one bar per tag."""

    def __init__(self, stream: TextIO, language: Language = ENGLISH) -> None:
        self._write = line_writer(stream)
        self._name = language.name
        self._encoding = stream.encoding

    def tagged(self, tagging: Tagging, tags: Sequence[TagScore]) -> None:
        self._write((printable(name_in(tagging) or "photo"), "bold"))
        names = [printable(self._name(scored.tag)) for scored in tags]
        width = max(map(cells, names), default=0)
        for name, scored in zip(names, tags, strict=True):
            self._write(
                (f"  {name}{' ' * (width - cells(name))}  ", ""),
                (bar(scored.score, self._encoding), "green"),
                (f" {scored.score:.2f}", ""),
            )
        if tagging.implied:
            self._write((f"  and so: {', '.join(printable(self._name(tag)) for tag in tagging.implied)}", "dim"))
        if not tags:
            self._write(("  no tag reaches its threshold", "dim"))

    def failed(self, failure: FailedTagging) -> None:
        self._write((printable(escape_path(failure.path)), "bold"))
        self._write((f"  error: {failure.error}", "red"))


WRITERS: dict[Format, type[TableWriter] | type[JsonLinesWriter] | type[CsvWriter]] = {
    "table": TableWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
}

FILE_KINDS: dict[Format, FileKind] = {"table": TAGS_TABLE, "jsonl": JSON_LINES, "csv": TAGS_CSV}
"""How an older output of each format is recognised."""
