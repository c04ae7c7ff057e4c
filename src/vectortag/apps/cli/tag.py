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
from vectortag.data.sources import Source, are_files, source_of
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

if TYPE_CHECKING:
    from vectortag.apps.cli.tag_library import TagLibrary
    from vectortag.apps.cli.tag_sidecars import TagSidecars
    from vectortag.apps.content_hashes import ContentHashes
    from vectortag.library.lists import TagNames

TextFormat = Literal["table", "jsonl", "csv"]
Format = Literal[TextFormat, "parquet"]
Engine = Literal["local", "ray"]

ChosenFormat = Annotated[
    Format, typer.Option("--format", "-f", help="table for people; jsonl, csv, parquet for programs.")
]
Threshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="One threshold for all tags, in the place of each tag's own.")
]
TopK = Annotated[int | None, typer.Option("--top-k", "-k", min=1, help="At most this many tags per photo.")]
AllScores = Annotated[
    bool, typer.Option("--all-scores", help="All tags of the model with their scores, in the model's order.")
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on with this --output where it was broken off. Keeps FILE.part until then."),
]
LibraryFile = Annotated[
    Path | None, typer.Option("--library", help="Take what this library knows. Default: your photo library.")
]
NoLibrary = Annotated[bool, typer.Option("--no-library", help="Look at every photo again.")]
WriteXmp = Annotated[bool, typer.Option("--write-xmp", help="Also write the tags into XMP sidecars beside the photos.")]


def tag(
    paths: Annotated[
        list[str],
        typer.Argument(help="Photos, folders, Parquet files with photos, s3://, gs:// or az://.", show_default=False),
    ],
    model: options.Model = None,
    form: ChosenFormat = "table",
    threshold: Threshold = None,
    top_k: TopK = None,
    all_scores: AllScores = False,
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
    resume: Resume = False,
    library: LibraryFile = None,
    no_library: NoLibrary = False,
    write_xmp: WriteXmp = False,
    dry_run: options.DryRun = False,
    parent: options.Parent = None,
    min_score: options.MinScore = None,
    only: options.Only = None,
    hidden: options.Not = None,
    rename: options.Rename = None,
    stem: options.Stem = None,
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
    your photo library knows by the same model is taken from there, for photos that have not changed. If all photos
    are in your library, its lists hold. `--only`, `--not` and `--rename` replace them, in output and sidecars.

    **Examples**

    `vectortag tag beach.jpg`

    `vectortag tag photos/ --format jsonl --output tags.jsonl`

    `vectortag tag photos/ --threshold 0 --top-k 5`

    `vectortag tag photos/ --write-xmp --parent auto --not person`

    `vectortag tag photos/ --language de`

    `vectortag tag s3://bucket/photos --format parquet --output tags.parquet`
    """
    spoken, sources = Language.load(language), [source_of(path) for path in paths]
    _check_options(form, to, resume=resume, embeddings=embeddings)
    given = options.SidecarOptions(parent, min_score, only, hidden, rename, stem, language)
    if not write_xmp:
        _refuse_sidecar_options(given, dry_run=dry_run, embed=embed)
    elif not are_files(sources):
        raise ConfigError("--write-xmp writes beside photos, so it takes files and folders only")
    select = partial(Tagging.select, threshold=threshold, top_k=top_k, all_scores=all_scores)
    loading: dict[str, Any] = {
        "profile": profile,
        "size": size,
        "runtime": runtime,
        "precision": precision,
        "threads": threads,
        "additions": additions,
        "max_pixels": max_pixels,
    }
    if engine == "ray":
        given_lists = any(one is not None for one in (only, hidden, rename))
        if form != "parquet" or to is None or write_xmp or library or given_lists:
            raise ConfigError(
                "--engine ray needs --format parquet. --write-xmp, --library, --only, --not and --rename do not go "
                "with it"
            )
        from vectortag.apps.cli.tag_ray import tag_by_ray, tagger_options  # here, since few have a cluster

        chosen = tagger_options(model, select.keywords, spoken, embeddings=embeddings, **loading)
        return tag_by_ray(sources, to, chosen, exclude=exclude or (), address=ray_address, partition=partition)
    if ray_address is not None or partition is not None:
        raise ConfigError("--ray-address and --partition go with --engine ray. Add it")
    output = None if to is None else Path(to)
    if output is not None:
        files = [source for source in sources if isinstance(source, Path)]
        check_output(
            output,
            FILE_KINDS[form],
            inputs=InputFiles(files, options=(language, only, hidden, rename)),
            overwrite=overwrite,
        )
    tagger = Tagger.load(model, **loading)
    known, names = _library(tagger, library, sources, given, use=not no_library)
    sidecars = _sidecars(tagger, given, known, dry_run=dry_run, embed=embed) if write_xmp else None
    source = tagger if known is None or embeddings else known.source(tagger, select)
    spoken = names.language if names else spoken
    about = {**select.keywords, "profile": profile, **(names.in_words() if names else {})}
    about |= {"language": spoken.code} if spoken.tags else {}
    job = _job(tagger, output, about) if resume and output is not None else None
    photos = NamedPhotos(sources, exclude or ())
    total, done = photos.count(), job.done if job else set[str]()
    read = photos.read(done=done)
    hashes = _hashes(read) if embeddings else None
    taggings = _with_names(source.tag_many(read if hashes is None else hashes), names, sidecars, select)
    results = progress_over(taggings, total=total - len(done), what="tagging")
    said = spoken.renamed(names.renames) if names else spoken
    if form == "parquet":
        assert output is not None
        failed = _write_parquet(output, results, select, said, hashes, tagger)
    else:
        with open_output(output) if job is None else job.writing() as stream:
            failed = _write(WRITERS[form](stream, said), results, select) + (job.failed if job else 0)
    _summarise(photos, total, failed, as_json=form == "jsonl")
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


def _library(
    tagger: Tagger, file: Path | None, sources: Sequence[Source], given: options.SidecarOptions, *, use: bool
) -> tuple[TagLibrary | None, TagNames | None]:
    """The person's library, if there is one and it is to be used; and the lists of tags, if there are any."""
    use = use and (file is not None or is_there(library_file()))
    if not use and all(one is None for one in given.lists):
        return None, None
    from vectortag.apps.cli.tag_library import TagLibrary, names_for_output  # here, since few need it

    library = TagLibrary.open(file, sources) if use else None
    return library, names_for_output(tagger, library, given)


def _sidecars(
    tagger: Tagger, given: options.SidecarOptions, library: TagLibrary | None, *, dry_run: bool, embed: bool
) -> TagSidecars:
    from vectortag.apps.cli.tag_sidecars import TagSidecars  # here, since few need it

    return TagSidecars(tagger, given, None if library is None else library.file, dry_run=dry_run, embed=embed)


def _refuse_sidecar_options(given: options.SidecarOptions, *, dry_run: bool, embed: bool) -> None:
    if dry_run or embed or any(one is not None for one in (given.parent, given.min_score, given.stem)):
        raise ConfigError("--dry-run, --parent, --min-score, --stem and --embed go with --write-xmp. Add it")


def _with_names(
    taggings: Iterable[Tagging | FailedTagging],
    names: TagNames | None,
    sidecars: TagSidecars | None,
    select: partial[Sequence[TagScore]],
) -> Iterable[Tagging | FailedTagging]:
    """The taggings as the lists have them; the sidecar of each is written as it goes by."""
    if names is not None:
        taggings = (names.applied(one) if isinstance(one, Tagging) else one for one in taggings)
    if sidecars is not None:
        options = {name: value for name, value in select.keywords.items() if name != "all_scores"}
        taggings = sidecars.written(taggings, partial(Tagging.select, **options))
    return taggings


def _summarise(photos: NamedPhotos, total: int, failed: int, *, as_json: bool) -> None:
    """Say on stderr what was left out and what failed; for programs also as a line of JSON."""
    say_left_out(photos.paths, total, photos.left_out)
    if failed:
        notes.print(f"{failed} of {total} photos could not be tagged", style="yellow")
    if as_json and photos.left_out.counts:
        notes.print(summary_line(total, failed, photos.left_out))


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
