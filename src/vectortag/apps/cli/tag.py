"""vectortag tag"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.named_photos import NamedPhotos, say_left_out
from vectortag.apps.cli.output import bar, cells, line_writer, notes, open_output, progress_over
from vectortag.apps.cli.tag_job import TagJob
from vectortag.apps.formats import (
    ENGLISH,
    CsvWriter,
    JsonLinesWriter,
    guesses_for,
    implied_among,
    name_in,
    summary_line,
)
from vectortag.core.errors import ConfigError
from vectortag.core.file_names import escape_path, is_there
from vectortag.core.folders import library_file
from vectortag.core.plain_text import printable
from vectortag.core.types import FailedTagging, StoredPhoto, Tagging, TagScore
from vectortag.core.writing import atomic_output
from vectortag.data.outputs import JSON_LINES, PARQUET, TAGS_CSV, TAGS_TABLE, FileKind, InputFiles, check_output
from vectortag.data.parquet_photos import is_parquet
from vectortag.data.sources import source_of
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

if TYPE_CHECKING:
    from vectortag.apps.cli.tag_sidecars import TagSidecars
    from vectortag.apps.content_hashes import ContentHashes
    from vectortag.library.stored_taggings import StoredTaggings

TextFormat = Literal["table", "jsonl", "csv"]
Format = Literal[TextFormat, "parquet"]
Engine = Literal["local", "ray"]

LOWEST_STORED = 0.05
"""A library has scores from here on exactly; see `vectortag.library.library_model.ALWAYS_KEPT`."""


def tag(
    paths: Annotated[
        list[str],
        typer.Argument(help="Photos, folders, Parquet files with photos, s3://, gs:// or az://.", show_default=False),
    ],
    model: options.Model = None,
    form: Annotated[
        Format, typer.Option("--format", "-f", help="table for people; jsonl, csv, parquet for programs.")
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
    to: Annotated[
        str | None, typer.Option("--output", "-o", help="Write to this file instead of stdout; with Ray, a folder.")
    ] = None,
    overwrite: options.Overwrite = False,
    exclude: options.Exclude = None,
    max_pixels: options.MaxPixels = None,
    runtime: options.Runtime = "auto",
    precision: options.Precision = "auto",
    additions: options.Additions = True,
    threads: options.Threads = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with this --output where it was broken off. Keeps FILE.part until then."),
    ] = False,
    library: Annotated[
        Path | None, typer.Option("--library", help="Take what this library knows. Default: your photo library.")
    ] = None,
    no_library: Annotated[bool, typer.Option("--no-library", help="Look at every photo again.")] = False,
    write_xmp: Annotated[
        bool, typer.Option("--write-xmp", help="Also write the tags into XMP sidecars beside the photos.")
    ] = False,
    dry_run: options.DryRun = False,
    parent: options.Parent = None,
    min_score: options.MinScore = None,
    only: options.Only = None,
    hidden: options.Not = None,
    rename: options.Rename = None,
    embed: options.Embed = False,
    engine: Annotated[
        Engine, typer.Option("--engine", help="local: this machine; ray: a Ray cluster, --output is a folder of parts.")
    ] = "local",
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", help="The cluster, as HOST:PORT or auto. Default: one started here.")
    ] = None,
    partition: Annotated[
        int | None, typer.Option("--partition", help="Photos per part with Ray, a multiple of 16. Default: 512.")
    ] = None,
    embeddings: Annotated[
        bool,
        typer.Option("--embeddings", help="Parquet: also write what `vectortag library import` and other models need."),
    ] = False,
) -> int:
    """Find the tags of photos.

    A photo that cannot be read becomes an error in the output, and the others go on; the exit status is then 1. What
    your photo library knows by the same model is taken from there, for photos that have not changed.

    **Examples**

    `vectortag tag beach.jpg`

    `vectortag tag photos/ --format jsonl --output tags.jsonl`

    `vectortag tag photos/ --threshold 0 --top-k 5`

    `vectortag tag photos/ --write-xmp --parent auto --not person`

    `vectortag tag photos/ --language de`

    `vectortag tag s3://bucket/photos --format parquet --output tags.parquet`
    """
    names, sources = Language.load(language), [source_of(path) for path in paths]
    select = partial(Tagging.select, threshold=threshold, top_k=top_k, all_scores=all_scores)
    _check_options(form, to, resume=resume, embeddings=embeddings)
    if write_xmp and not all(isinstance(source, Path) and not is_parquet(source) for source in sources):
        raise ConfigError("--write-xmp writes beside photos, so it takes files and folders only")
    loading: dict[str, Any] = {
        "profile": profile,
        "size": size,
        "runtime": runtime,
        "precision": precision,
        "threads": threads,
        "additions": additions,
        "max_pixels": max_pixels,
    }
    given = (parent, min_score, only, hidden, rename)
    if engine == "ray":
        _refuse_sidecar_options(given, dry_run=dry_run, embed=embed)
        if form != "parquet" or to is None or resume or write_xmp or library:
            raise ConfigError(
                "--engine ray needs --format parquet; --resume, --write-xmp and --library do not go with it"
            )
        from vectortag.apps.cli.tag_ray import tag_by_ray, tagger_options  # here, since few have a cluster

        chosen = tagger_options(model, select.keywords, names, embeddings=embeddings, **loading)
        return tag_by_ray(sources, to, chosen, exclude=exclude or (), address=ray_address, partition=partition)
    if ray_address is not None or partition is not None:
        raise ConfigError("--ray-address and --partition go with --engine ray. Add it")
    output = None if to is None else Path(to)
    if output is not None:
        files = [source for source in sources if isinstance(source, Path)]
        check_output(output, FILE_KINDS[form], inputs=InputFiles(files), overwrite=overwrite)
    tagger = Tagger.load(model, **loading)
    sidecars = _sidecars(tagger, given, write_xmp=write_xmp, dry_run=dry_run, embed=embed)
    photos = NamedPhotos(sources, exclude or ())
    job = _job(tagger, output, {**select.keywords, "profile": profile}) if resume and output is not None else None
    source = tagger if no_library or embeddings else _source(tagger, library, select)
    total, failed = photos.count(), job.failed if job else 0
    done = job.done if job else set()
    read = photos.read(done=done)
    hashes = _hashes(read) if embeddings else None
    taggings = source.tag_many(read if hashes is None else hashes)
    if sidecars is not None:
        taggings = sidecars.written(taggings, partial(Tagging.select, threshold=threshold, top_k=top_k))
    taggings = progress_over(taggings, total=total - len(done), what="tagging")
    if form == "parquet":
        assert output is not None
        failed = _write_parquet(output, taggings, select, names, hashes, tagger)
    else:
        with open_output(output) if job is None else job.writing() as stream:
            failed += _write(WRITERS[form](stream, names), taggings, select)
    say_left_out(sources, total, photos.left_out)
    if failed:
        notes.print(f"{failed} of {total} photos could not be tagged", style="yellow")
    if form == "jsonl" and photos.left_out.counts:
        notes.print(summary_line(total, failed, photos.left_out))
    refused = sidecars.finish() if sidecars is not None else 0
    return 1 if failed or refused else 0


def _check_options(form: Format, output: str | None, *, resume: bool, embeddings: bool) -> None:
    if resume and (output is None or form != "jsonl"):
        raise ConfigError("--resume needs --format jsonl and --output FILE")
    if embeddings and form != "parquet":
        raise ConfigError("--embeddings needs --format parquet")
    if form == "parquet":
        if output is None:
            raise ConfigError("--format parquet needs --output FILE")
        from vectortag.apps.parquet_output import require_pyarrow  # here, since few write Parquet

        require_pyarrow("--format parquet")


def _hashes(photos: Iterable[Path | StoredPhoto]) -> ContentHashes:
    from vectortag.apps.content_hashes import ContentHashes  # here, since it imports the library

    return ContentHashes(photos)


def _write_parquet(
    output: Path,
    results: Iterable[Tagging | FailedTagging],
    select: Callable[..., Sequence[TagScore]],
    language: Language,
    hashes: ContentHashes | None,
    tagger: Tagger,
) -> int:
    """Write all results. Returns how many photos could not be tagged."""
    from vectortag.apps.parquet_output import write_parquet

    width = None if hashes is None else tagger.folder.manifest.backbone.width
    with atomic_output(output) as file:
        return write_parquet(file, results, select, language, hashes=hashes, width=width)[1]


def _sidecars(
    tagger: Tagger, given: options.SidecarOptions, *, write_xmp: bool, dry_run: bool, embed: bool
) -> TagSidecars | None:
    """What writes sidecars, if that was asked for."""
    if write_xmp:
        from vectortag.apps.cli.tag_sidecars import TagSidecars  # here, since few need it

        return TagSidecars(tagger, given, dry_run=dry_run, embed=embed)
    _refuse_sidecar_options(given, dry_run=dry_run, embed=embed)
    return None


def _refuse_sidecar_options(given: options.SidecarOptions, *, dry_run: bool, embed: bool) -> None:
    if dry_run or embed or any(option is not None for option in given):
        raise ConfigError(
            "--dry-run, --parent, --min-score, --only, --not, --rename and --embed go with --write-xmp. Add it"
        )


def _write(
    writer: Writer, results: Iterable[Tagging | FailedTagging], select: Callable[..., Sequence[TagScore]]
) -> int:
    """Write all results. Returns how many photos could not be tagged."""
    failed = 0
    for result in results:
        if isinstance(result, FailedTagging):
            failed += 1
            writer.failed(result)
        else:
            writer.tagged(result, select(result))
    return failed


def _source(tagger: Tagger, library: Path | None, select: partial[Sequence[TagScore]]) -> Tagger | StoredTaggings:
    """A library that has the scores that will be written, exactly; else the tagger."""
    lowest = select.keywords["threshold"]
    if select.keywords["all_scores"] or (lowest is not None and lowest < LOWEST_STORED):
        return tagger
    if library is None and not is_there(library_file()):
        return tagger
    from vectortag.library.stored_taggings import StoredTaggings  # here, since not everybody has a library

    return StoredTaggings.open(tagger, library) or tagger


def _job(tagger: Tagger, output: Path, chosen: Mapping[str, Any]) -> TagJob:
    """The job of an output: what of it is done already."""
    session = tagger.embedder.session
    about = {"model": tagger.id, "precision": session.precision, "size": tagger.embedder.size}
    added = [tag.name for tag in tagger.additions]
    job = TagJob(output, {**about, "additions": added, **chosen})
    job.read()
    if job.done:
        notes.progress(f"going on: {len(job.done):,} photos are done")
    return job


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
