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
from vectortag.core.types import FailedTagging, Tagging, TagScore
from vectortag.data.outputs import JSON_LINES, TAGS_CSV, TAGS_TABLE, FileKind, InputFiles, check_output
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

if TYPE_CHECKING:
    from vectortag.apps.cli.tag_library import TagLibrary
    from vectortag.apps.cli.tag_sidecars import TagSidecars
    from vectortag.library.lists import TagNames
    from vectortag.library.stored_taggings import StoredTaggings

Format = Literal["table", "jsonl", "csv"]

ChosenFormat = Annotated[Format, typer.Option("--format", "-f", help="table for people; jsonl, csv for programs.")]
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
    paths: Annotated[list[Path], typer.Argument(help="Photos and folders of photos.", show_default=False)],
    model: options.Model = None,
    form: ChosenFormat = "table",
    threshold: Threshold = None,
    top_k: TopK = None,
    all_scores: AllScores = False,
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
    """
    spoken = Language.load(language)
    if resume and (output is None or form != "jsonl"):
        raise ConfigError("--resume needs --format jsonl and --output FILE")
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
    given = options.SidecarOptions(parent, min_score, only, hidden, rename, stem, language)
    known, names = _library(tagger, library, paths, given, use=not no_library)
    sidecars = _sidecars(tagger, given, known, write_xmp=write_xmp, dry_run=dry_run, embed=embed)
    select = partial(Tagging.select, threshold=threshold, top_k=top_k, all_scores=all_scores)
    source = tagger if known is None else known.source(tagger, select)
    spoken = names.language if names else spoken
    about = {**select.keywords, "profile": profile, **(names.in_words() if names else {})}
    about |= {"language": spoken.code} if spoken.tags else {}
    job = _job(tagger, output, about) if resume and output is not None else None
    photos = NamedPhotos(paths, exclude or ())
    total = photos.count()
    with open_output(output) if job is None else job.writing() as stream:
        writer = WRITERS[form](stream, spoken.renamed(names.renames) if names else spoken)
        failed = _tag_all(photos, total, job, source, names, sidecars, writer, select)
    _summarise(photos, total, failed, as_json=form == "jsonl")
    refused = sidecars.finish() if sidecars is not None else 0
    return 1 if failed or refused else 0


def _library(
    tagger: Tagger, file: Path | None, paths: Sequence[Path], given: options.SidecarOptions, *, use: bool
) -> tuple[TagLibrary | None, TagNames | None]:
    """The person's library, if there is one and it is to be used; and the lists of tags, if there are any."""
    use = use and (file is not None or is_there(library_file()))
    if not use and all(one is None for one in given.lists):
        return None, None
    from vectortag.apps.cli.tag_library import TagLibrary, names_for_output  # here, since few need it

    library = TagLibrary.open(file, paths) if use else None
    return library, names_for_output(tagger, library, given)


def _sidecars(
    tagger: Tagger,
    given: options.SidecarOptions,
    library: TagLibrary | None,
    *,
    write_xmp: bool,
    dry_run: bool,
    embed: bool,
) -> TagSidecars | None:
    """What writes sidecars, if that was asked for."""
    if write_xmp:
        from vectortag.apps.cli.tag_sidecars import TagSidecars  # here, since few need it

        file = None if library is None else library.file
        return TagSidecars(tagger, given, file, dry_run=dry_run, embed=embed)
    if dry_run or embed or any(one is not None for one in (given.parent, given.min_score, given.stem)):
        raise ConfigError("--dry-run, --parent, --min-score, --stem and --embed go with --write-xmp. Add it")
    return None


def _tag_all(
    photos: NamedPhotos,
    total: int,
    job: TagJob | None,
    source: Tagger | StoredTaggings,
    names: TagNames | None,
    sidecars: TagSidecars | None,
    writer: Writer,
    select: partial[Sequence[TagScore]],
) -> int:
    """Tag those of `total` photos that a job has not done yet, and write the results. Returns how many failed."""
    done, failed = (job.done, job.failed) if job else (set[str](), 0)
    taggings = source.tag_many(photo for photo in photos if escape_path(photo) not in done)
    if names is not None:
        taggings = (names.applied(one) if isinstance(one, Tagging) else one for one in taggings)
    if sidecars is not None:
        options = {name: value for name, value in select.keywords.items() if name != "all_scores"}
        taggings = sidecars.written(taggings, partial(Tagging.select, **options))
    results = progress_over(taggings, total=total - len(done), what="tagging")
    return failed + _write(writer, results, select)


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
WRITERS: dict[Format, type[TableWriter] | type[JsonLinesWriter] | type[CsvWriter]] = {
    "table": TableWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
}

FILE_KINDS: dict[Format, FileKind] = {"table": TAGS_TABLE, "jsonl": JSON_LINES, "csv": TAGS_CSV}
"""How an older output of each format is recognised."""
