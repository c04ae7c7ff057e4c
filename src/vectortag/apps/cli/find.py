"""vectortag find"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.named_photos import say_left_out
from vectortag.apps.cli.named_tags import tags_named
from vectortag.apps.cli.output import console_on, notes, open_output
from vectortag.apps.formats import found_photo, json_line
from vectortag.core.file_names import escape_path
from vectortag.data.find import LeftOut, photos_of
from vectortag.data.outputs import FOUND_TABLE, JSON_LINES, PAGE, InputFiles, check_output, check_outputs_differ
from vectortag.inference.search import Found, PhotoIndex
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

Format = Literal["table", "jsonl"]


def find(
    sentence: Annotated[str, typer.Argument(help="What to find, in English.", show_default=False)],
    photos: Annotated[list[Path], typer.Argument(help="Photos and folders of photos.", show_default=False)],
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="At most this many photos.")] = 20,
    has: Annotated[list[str] | None, typer.Option("--has", help="Only photos with this tag; repeatable.")] = None,
    has_not: Annotated[
        list[str] | None, typer.Option("--not", help="Only photos without this tag; repeatable.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="table for people, jsonl for programs.")] = "table",
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a web page with thumbnails of the photos found.")
    ] = None,
    model: options.Model = None,
    language: options.Language = None,
    profile: options.Profile = "balanced",
    output: options.Output = None,
    overwrite: options.Overwrite = False,
    exclude: options.Exclude = None,
    max_pixels: options.MaxPixels = None,
    threads: options.Threads = None,
) -> int:
    """Find photos by a sentence, best match first.

    The first search of a folder runs the network on every photo and stores the embeddings in your cache; later searches
    take moments. Common nouns always work; sentences need `pip install 'vectortag[words]'`.

    **Examples**

    `vectortag find "a cat asleep on a sofa" ~/Pictures`

    `vectortag find "on the beach" photos/ --has dog --not person --html found.html`

    `vectortag find Strand photos/ --has Hund --language de`
    """
    spoken = Language.load(language)
    _check_outputs(output, form, html, InputFiles(photos), overwrite=overwrite)
    tagger = Tagger.load(model, profile=profile, threads=threads, max_pixels=max_pixels)
    # an unknown tag is an error before the long work starts
    with_tags, without_tags = (tags_named(words or (), tagger, spoken) for words in (has, has_not))
    left_out = LeftOut()
    index = PhotoIndex.of(tagger, list(photos_of(photos, exclude=exclude or (), left_out=left_out)))
    if left_out.counts:
        say_left_out(photos, len(index.photos) + len(index.failed), left_out)
    for error in index.failed:
        notes.print(f"left out: {error}", style="yellow")
    query = spoken.tag_of(sentence)  # the name of a tag is understood in the user's language, a sentence in English
    found = index.search(query, top=top, has=with_tags, has_not=without_tags)
    if doubt := index.doubt(query, found):
        notes.print(doubt, style="yellow")
    with open_output(output) as stream:
        (write_table if form == "table" else write_lines)(found, stream)
    if html is not None:
        from vectortag.inference.found_page import write_found_page

        with open_output(html) as stream:
            write_found_page(stream, sentence, found, max_pixels=tagger.embedder.pixel_limit)
    if not found:
        notes.print(f"no photo was found among {len(index.photos)}", style="yellow")
    return 1 if index.failed else 0


def _check_outputs(
    output: Path | None, form: Format, html: Path | None, inputs: InputFiles, *, overwrite: bool
) -> None:
    check_outputs_differ(output, html)
    if output is not None:
        kind = FOUND_TABLE if form == "table" else JSON_LINES
        check_output(output, kind, inputs=inputs, overwrite=overwrite)
    if html is not None:
        check_output(html, PAGE, inputs=inputs, overwrite=overwrite)


def write_table(found: Sequence[Found[Path]], stream: TextIO) -> None:
    table = Table("similarity", "photo", box=None, header_style="bold")
    for one in found:
        table.add_row(f"{one.similarity:.3f}", escape_path(one.photo))
    console_on(stream).print(table)


def write_lines(found: Sequence[Found[Path]], stream: TextIO) -> None:
    for one in found:
        stream.write(json_line(found_photo(escape_path(one.photo), one.similarity), stream))
