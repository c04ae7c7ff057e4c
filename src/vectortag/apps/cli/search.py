"""vectortag search, duplicates, stats"""

from __future__ import annotations

import csv
import dataclasses
import enum
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TextIO

import numpy as np
import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.output import console_on, line_writer, notes, open_output, stdout
from vectortag.apps.formats import json_line, to_json
from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import printable
from vectortag.core.types import DIGITS, FloatArray
from vectortag.data.outputs import (
    JSON_LINES,
    PAGE,
    SEARCH_CSV,
    SEARCH_TABLE,
    InputFiles,
    check_output,
    check_outputs_differ,
)
from vectortag.inference.found_page import ShownPhoto
from vectortag.inference.search import SentenceMaps
from vectortag.library.library import Library
from vectortag.library.link_folder import check_link_folder, write_links
from vectortag.library.search import Match, SearchResult
from vectortag.model.language import Language

Format = Literal["table", "jsonl", "csv"]
KINDS = {"table": SEARCH_TABLE, "jsonl": JSON_LINES, "csv": SEARCH_CSV}

KIND_NAMES = {"same": "same content", "alike": "one picture", "burst": "burst"}


class KindName(enum.Enum):
    """The kinds of duplicates, as typer takes them."""

    same = "same"
    alike = "alike"
    burst = "burst"


ORDERS = {
    "sentence": "by the sentence",
    "likeness": "by likeness",
    "score": "by score",
    "date": "newest first",
}


def search(
    query: Annotated[list[str], typer.Argument(help="What to find. Several words need no quotes.", show_default=False)],
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="At most this many photos.")] = 20,
    form: Annotated[
        Format, typer.Option("--format", "-f", help="table for people; jsonl or csv for programs.")
    ] = "table",
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a web page of the photos, with heat maps on hover.")
    ] = None,
    links: Annotated[
        Path | None, typer.Option("--links", help="Also fill this folder with symbolic links to the photos.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Also find photos in folders that are offline.")] = False,
    language: options.Language = None,
    file: options.LibraryFile = None,
    output: options.Output = None,
    overwrite: options.Overwrite = False,
    max_pixels: options.MaxPixels = None,
    threads: options.Threads = None,
) -> int:
    """Find photos of your library by tags, keywords, dates, names, similarity, or a sentence.

    Combine words with `and`, `or`, `not` and parentheses; words side by side mean `and`. If a word is not a tag,
    keyword, folder or file name, it is read as a part of a sentence, which orders the photos. docs/search.md has the
    whole query language.

    **Examples**

    `vectortag search 'dog and (beach or snow) not person'`

    `vectortag search 'animal date:2024-07..2024-09 rating:>=4' --html found.html`

    `vectortag search near:holiday/sea.jpg --links /tmp/like-this`

    `vectortag search 'Hund ohne Person' --language de`
    """
    spoken = None if language is None else Language.load(language)
    check_outputs_differ(output, html)
    with Library.open(file, create=False) as library:
        roots = [root.path for root in library.roots()]
        inputs = InputFiles([library.file, *roots], options=[language])
        if output is not None:
            check_output(output, KINDS[form], inputs=inputs, overwrite=overwrite)
        if html is not None:
            check_output(html, PAGE, inputs=inputs, overwrite=overwrite)
        if links is not None:
            check_link_folder(links, roots)
        text = " ".join(query)
        result = library.search(text, top=top, offline=offline, language=spoken)
        with open_output(output) as stream:
            _write(result, form, stream)
        _say(result)
        if html is not None:
            _write_page(library, text, result, html, max_pixels=max_pixels, threads=threads)
        if links is not None:
            count = write_links(links, [match.path for match in result.matches])
            notes.progress(f"{escape_path(links)}: {count} links")
    return 0


def _write(result: SearchResult, form: Format, stream: TextIO) -> None:
    if form == "table":
        if not result.matches:
            return
        table = Table("score", "photo", "why", box=None, header_style="bold")
        for match in result.matches:
            table.add_row(f"{match.score:.2f}", escape_path(match.path), ", ".join(match.why))
        console_on(stream).print(table)
    elif form == "jsonl":
        for match in result.matches:
            stream.write(json_line(_plain(match), stream))
    else:
        rows = csv.writer(stream, lineterminator="\n")
        text = printable if stream.isatty() else str
        rows.writerow(["path", "score", "taken", "why"])
        for match in result.matches:
            why = text("; ".join(match.why))
            rows.writerow([text(escape_path(match.path)), round(match.score, DIGITS), match.taken, why])


def _plain(match: Match) -> dict[str, object]:
    score = round(match.score, DIGITS)
    return {"path": escape_path(match.path), "score": score, "taken": match.taken, "why": list(match.why)}


def _say(result: SearchResult) -> None:
    for reading in result.readings:
        notes.progress(reading)
    if result.doubt:
        notes.print(result.doubt, style="yellow")
    if not result.matches:
        hint = (
            f'. To look for all of it as one sentence, put it in quotes: "{result.sentence}"' if result.sentence else ""
        )
        notes.print(f"no photo was found{hint}", style="yellow")
    else:
        notes.progress(f"{len(result.matches):,} of {result.count:,} photos, {ORDERS[result.order]}")


def _write_page(
    library: Library, title: str, result: SearchResult, file: Path, *, max_pixels: int | None, threads: int | None
) -> None:
    from vectortag.inference.found_page import write_page
    from vectortag.runtime.decoding.memory import DEFAULT_PIXELS

    heatmaps = _heatmaps(library, result, max_pixels=max_pixels, threads=threads)
    shown = (
        ShownPhoto(match.path, f"{match.score:.2f} {escape_path(match.path)} ({', '.join(match.why)})", heatmap)
        for match, heatmap in zip(result.matches, heatmaps, strict=True)
    )
    with open_output(file) as stream:
        write_page(stream, title, shown, max_pixels=max_pixels or DEFAULT_PIXELS)


def _heatmaps(
    library: Library, result: SearchResult, *, max_pixels: int | None, threads: int | None
) -> Iterator[FloatArray | None]:
    """For each photo, where the model sees what was asked for: the largest map of tags and sentence at each cell."""
    if not result.matches or not (result.tags or result.sentence):
        yield from [None] * len(result.matches)
        return
    tagger = library.tagger(threads=threads, max_pixels=max_pixels)
    tags = [tag for tag in result.tags if tag in tagger.tags]
    sentence = SentenceMaps.of(tagger.folder, result.sentence) if result.sentence else None
    for match in result.matches:
        try:
            analysis = tagger.analyse(match.path)
        except PhotoError:  # the page says it in the place of the picture
            yield None
            continue
        maps = [heatmap.values for heatmap in analysis.heatmaps(tags)]
        maps += [sentence.map(analysis.feature_map)] if sentence is not None else []
        yield np.maximum.reduce(maps) if maps else None


def duplicates(
    kinds: Annotated[
        list[KindName] | None,
        typer.Option("--kind", help="same: the same content; alike: a changed copy; burst: of one moment. Repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines, for programs.")] = False,
    file: options.LibraryFile = None,
) -> int:
    """Find photos of your library that show one picture. Nothing is changed or deleted.

    **Example**

    `vectortag duplicates --kind same --kind alike`
    """
    with Library.open(file, create=False) as library:
        found = library.duplicates([kind.value for kind in kinds or KindName])
    line = line_writer(sys.stdout)
    for group in found.groups:
        paths = [escape_path(photo) for photo in group.photos]
        if as_json:
            sys.stdout.write(json_line({"kind": group.kind, "photos": paths}, sys.stdout))
        else:
            line((f"{KIND_NAMES[group.kind]}, {len(paths)} photos", "bold"))
            for path in paths:
                line((f"  {path}", ""))
    for error in found.unread:
        notes.print(f"left out: {error}", style="yellow")
    if not found.groups:
        notes.print("no duplicates were found", style="yellow")
    return 1 if found.unread else 0


def stats(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="At most this many tags and keywords.")] = 30,
    language: options.Language = None,
    file: options.LibraryFile = None,
) -> int:
    """Count the photos of your library: by year, folder, tag, keyword and model.

    **Example**

    `vectortag stats`
    """
    with Library.open(file, create=False) as library:
        found = library.stats()
        spoken = library.names.language if language is None else Language.load(language)
    if as_json:
        sys.stdout.write(to_json(dataclasses.asdict(found), sys.stdout, indent=2) + "\n")
        return 0
    console = stdout()
    console.print(f"{found.photos:,} photos, {found.contents:,} of them different")
    console.print(f"{found.offline:,} in offline folders, {found.unreadable:,} unreadable")
    tables = {
        "year": found.years,
        "folder": found.folders,
        "tag": {spoken.name(tag): count for tag, count in found.tags.items()},
        "keyword": found.keywords,
        "model": found.models,
    }
    for name, counts in tables.items():
        if not counts:
            continue
        table = Table(name, "photos", box=None, header_style="bold")
        shown = list(counts.items())[: top if name in {"tag", "keyword"} else None]
        for key, count in shown:
            table.add_row(key, f"{count:,}")
        if len(shown) < len(counts):
            table.add_row(f"and {len(counts) - len(shown):,} more", "")
        console.print(table)
    return 0
