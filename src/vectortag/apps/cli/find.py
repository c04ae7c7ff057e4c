"""vectortag find"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.named_photos import say_left_out
from vectortag.apps.cli.named_tags import tags_named
from vectortag.apps.cli.output import console_on, notes, open_output
from vectortag.apps.formats import found_photo, json_line
from vectortag.core.errors import PhotoError, WordsError
from vectortag.core.file_names import escape_path
from vectortag.data.find import LeftOut, photos_of
from vectortag.data.outputs import FOUND_TABLE, JSON_LINES, PAGE, InputFiles, check_output, check_outputs_differ
from vectortag.inference.encoder_search import EncoderIndex
from vectortag.inference.search import Found, PhotoIndex
from vectortag.inference.tagged_photos import photos_with
from vectortag.inference.tagger import Tagger
from vectortag.model.encoder import Encoder
from vectortag.model.language import Language
from vectortag.model.names_in_text import tags_by_name
from vectortag.model.sentence import Reading, read_sentence

Format = Literal["table", "jsonl"]


Sentence = Annotated[str, typer.Argument(help='What to find, in English; "" to find by tags only.', show_default=False)]
Photos = Annotated[list[Path], typer.Argument(help="Photos and folders of photos.", show_default=False)]
Top = Annotated[int, typer.Option("--top", "-k", min=1, help="At most this many photos.")]
Has = Annotated[list[str] | None, typer.Option("--has", help="Only photos with this tag; repeatable.")]
HasNot = Annotated[list[str] | None, typer.Option("--not", help="Only photos without this tag; repeatable.")]
OutputFormat = Annotated[Format, typer.Option("--format", "-f", help="table for people, jsonl for programs.")]
Html = Annotated[Path | None, typer.Option("--html", help="Also write a web page with thumbnails of the photos found.")]


def find(
    sentence: Sentence,
    photos: Photos,
    top: Top = 20,
    has: Has = None,
    has_not: HasNot = None,
    form: OutputFormat = "table",
    html: Html = None,
    encoder: options.Encoder = None,
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
    are fast. Common nouns always work; sentences need `pip install 'vectortag[words]'`.

    **Examples**

    `vectortag find "a cat asleep on a sofa" ~/Pictures`

    `vectortag find "on the beach" photos/ --has dog --not person --html found.html`

    `vectortag find Strand photos/ --has Hund --language de`

    `vectortag find "" photos/ --has dog --not person`

    `vectortag find "two men without a dog" photos/ --encoder models/ViT-B-32__openai`
    """
    spoken = Language.load(language)
    _check_outputs(output, form, html, InputFiles(photos, options=[language]), overwrite=overwrite)
    own_encoder = None if encoder is None else Encoder.read(encoder)
    tagger = Tagger.load(model, profile=profile, threads=threads, max_pixels=max_pixels)
    # an unknown tag is an error before the long work starts
    with_tags, without_tags = (tags_named(words or (), tagger, spoken) for words in (has, has_not))
    reading = _read(sentence, tagger, spoken, translate=own_encoder is None)
    conditions: dict[str, Any] = {"top": top, "has": with_tags, "has_not": [*without_tags, *reading.without]}
    if not reading.text and not (with_tags or conditions["has_not"]):
        raise WordsError("nothing to find. Write what to find, or give tags with --has or --not")
    left_out = LeftOut()
    paths = list(photos_of(photos, exclude=exclude or (), left_out=left_out))
    result = _found(reading.text, paths, conditions, tagger, own_encoder)
    if left_out.counts:
        say_left_out(photos, result.count + len(result.failed), left_out)
    _print_doubts(result, reading)
    with open_output(output) as stream:
        value = "similarity" if reading.text else "score"
        write_table(result.found, stream, value) if form == "table" else write_lines(result.found, stream)
    if html is not None:
        _write_page(html, sentence, result.found, tagger)
    if not result.found:
        notes.print(f"no photo was found among {result.count}", style="yellow")
    return 1 if result.failed else 0


def _check_outputs(
    output: Path | None, form: Format, html: Path | None, inputs: InputFiles, *, overwrite: bool
) -> None:
    check_outputs_differ(output, html)
    if output is not None:
        kind = FOUND_TABLE if form == "table" else JSON_LINES
        check_output(output, kind, inputs=inputs, overwrite=overwrite)
    if html is not None:
        check_output(html, PAGE, inputs=inputs, overwrite=overwrite)


def _read(sentence: str, tagger: Tagger, spoken: Language, *, translate: bool) -> Reading:
    """Understand the sentence, and say how. The name of a tag is understood in the user's language."""
    tag_of = tags_by_name(tagger.tags, tagger.folder.manifest.taxonomy)
    named = spoken.tag_named(sentence)
    if named is not None and translate:
        return Reading(named)
    reading = read_sentence(sentence, tag_of, spoken, translate=translate)
    for note in reading.notes:
        notes.progress(note)
    return reading


@dataclass(frozen=True, slots=True)
class _Result:
    """What was found, among how many photos, what could not be read, and why the order may mean nothing."""

    found: list[Found[Path]]
    count: int
    failed: Sequence[PhotoError]
    doubt: str | None = None


def _found(
    text: str, paths: Sequence[Path], conditions: Mapping[str, Any], tagger: Tagger, encoder: Encoder | None
) -> _Result:
    """Search by the model's words, by an encoder, or without a text by the tags alone."""
    if not text:
        return _Result(*photos_with(tagger, paths, **conditions))
    if encoder is not None:
        threads, max_pixels = tagger.embedder.session.threads, tagger.embedder.max_pixels
        own = EncoderIndex(encoder, paths, tagger=tagger, threads=threads, max_pixels=max_pixels)
        return _Result(own.search(text, **conditions), len(own.photos), own.failed)
    index = PhotoIndex.of(tagger, paths)
    found = index.search(text, **conditions)
    return _Result(found, len(index.photos), index.failed, index.doubt(text, found))


def _print_doubts(result: _Result, reading: Reading) -> None:
    """Print which photos cannot be read, and why the order may mean nothing."""
    for error in result.failed:
        notes.print(f"left out: {error}", style="yellow")
    for doubt in (*reading.doubts, *([result.doubt] if result.doubt else [])):
        notes.print(doubt, style="yellow")


def write_table(found: Sequence[Found[Path]], stream: TextIO, value: str) -> None:
    table = Table(value, "photo", box=None, header_style="bold")
    for one in found:
        table.add_row(f"{one.similarity:.3f}", escape_path(one.photo))
    console_on(stream).print(table)


def write_lines(found: Sequence[Found[Path]], stream: TextIO) -> None:
    for one in found:
        stream.write(json_line(found_photo(escape_path(one.photo), one.similarity), stream))


def _write_page(file: Path, sentence: str, found: Sequence[Found[Path]], tagger: Tagger) -> None:
    from vectortag.inference.found_page import write_found_page

    with open_output(file) as stream:
        write_found_page(stream, sentence, found, max_pixels=tagger.embedder.pixel_limit)
