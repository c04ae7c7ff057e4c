"""vectortag tag"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vectortag.apps.cli import options, tag_options
from vectortag.apps.cli.named_photos import NamedPhotos, say_left_out
from vectortag.apps.cli.output import notes, open_output, progress_over
from vectortag.apps.cli.tag_job import TagJob
from vectortag.apps.cli.tag_output import FILE_KINDS, WRITERS, write_parquet_file, write_text
from vectortag.apps.formats import summary_line
from vectortag.core.errors import ConfigError
from vectortag.core.file_names import is_there
from vectortag.core.folders import library_file
from vectortag.core.types import FailedTagging, StoredPhoto, Tagging, TagScore
from vectortag.data.outputs import InputFiles, check_output
from vectortag.data.sources import Source, are_files, source_of
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language

if TYPE_CHECKING:
    from vectortag.apps.cli.tag_library import TagLibrary
    from vectortag.apps.cli.tag_sidecars import TagSidecars
    from vectortag.apps.content_hashes import ContentHashes
    from vectortag.library.lists import TagNames


def tag(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Photos, folders, Parquet files with photos, or addresses: s3://, gs://, az://.", show_default=False
        ),
    ],
    model: options.Model = None,
    chosen_form: tag_options.ChosenFormat = None,
    threshold: tag_options.Threshold = None,
    top_k: tag_options.TopK = None,
    all_scores: tag_options.AllScores = False,
    language: options.Language = None,
    profile: options.Profile = "balanced",
    size: options.Size = None,
    to: tag_options.Destination = None,
    overwrite: options.Overwrite = False,
    exclude: options.Exclude = None,
    max_pixels: options.MaxPixels = None,
    runtime: options.Runtime = "auto",
    precision: options.Precision = "auto",
    additions: options.Additions = True,
    threads: options.Threads = None,
    resume: tag_options.Resume = False,
    library: tag_options.LibraryFile = None,
    no_library: tag_options.NoLibrary = False,
    write_xmp: tag_options.WriteXmp = False,
    dry_run: options.DryRun = False,
    parent: options.Parent = None,
    min_score: options.MinScore = None,
    only: options.Only = None,
    hidden: options.Not = None,
    rename: options.Rename = None,
    stem: options.Stem = None,
    embed: options.Embed = False,
    engine: tag_options.ChosenEngine = "local",
    ray_address: tag_options.RayAddress = None,
    partition: tag_options.Partition = None,
    embeddings: tag_options.Embeddings = False,
) -> int:
    """Find the tags of photos.

    If a photo cannot be read, the output has an error for it, the others are tagged, and the exit status is 1.

    If your photo library has tags of the same model for a photo that has not changed, they are taken from there. If all
    photos are in your library, its lists of tags apply. `--only`, `--not` and `--rename` replace these lists.

    **Examples**

    `vectortag tag beach.jpg`

    `vectortag tag photos/ --format jsonl --output tags.jsonl`

    `vectortag tag photos/ --threshold 0 --top-k 5`

    `vectortag tag photos/ --write-xmp --parent auto --not person`

    `vectortag tag photos/ --language de`

    `vectortag tag s3://bucket/photos --format parquet --output tags.parquet`
    """
    form, sources = chosen_form or tag_options.format_of(to), [source_of(path) for path in paths]
    tag_options.check_format(form, to, resume=resume, embeddings=embeddings)
    given = options.SidecarOptions(parent, min_score, only, hidden, rename, stem, language)
    tag_options.check_sidecar_options(given, write_xmp=write_xmp, dry_run=dry_run, embed=embed)
    if write_xmp and not are_files(sources):
        raise ConfigError("--write-xmp writes beside photos, so it takes files and folders only")
    loading = tag_options.Loading(
        model=model,
        profile=profile,
        size=size,
        runtime=runtime,
        precision=precision,
        threads=threads,
        additions=additions,
        max_pixels=max_pixels,
    )
    select = partial(Tagging.select, threshold=threshold, top_k=top_k, all_scores=all_scores)
    spoken, photos = Language.load(language), NamedPhotos(sources, exclude or ())
    if engine == "ray":
        from vectortag.apps.cli import tag_ray  # here, since few have a cluster

        tag_ray.check_options(form, given, write_xmp=write_xmp, library=library)
        assert to is not None
        chosen = tag_ray.tagger_options(loading, select.keywords, spoken, embeddings=embeddings)
        return tag_ray.tag_by_ray(photos, to, chosen, address=ray_address, partition=partition)
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
    tagger = loading.tagger()
    known, names = _library(tagger, library, sources, given, use=not no_library)
    sidecars = _sidecars(tagger, given, known, dry_run=dry_run, embed=embed) if write_xmp else None
    source = tagger if known is None or embeddings else known.source(tagger, select)
    spoken = names.language if names else spoken
    about = {**select.keywords, "profile": profile, **(names.in_words() if names else {})}
    about |= {"language": spoken.code} if spoken.tags else {}
    job = _job(tagger, output, about) if resume and output is not None else None
    total, done = photos.count(), job.done if job else set[str]()
    read = photos.read(done=done)
    hashes = _hashes(read) if embeddings else None
    taggings = _with_names(source.tag_many(read if hashes is None else hashes), names, sidecars, select)
    results = progress_over(taggings, total=total - len(done), what="tagging")
    said = spoken.renamed(names.renames) if names else spoken
    if form == "parquet":
        assert output is not None
        failed = write_parquet_file(output, results, select, said, hashes, tagger)
    else:
        with open_output(output) if job is None else job.writing() as stream:
            failed = write_text(WRITERS[form](stream, said), results, select) + (job.failed if job else 0)
    _summarise(photos, total, failed, as_json=form == "jsonl")
    refused = sidecars.finish() if sidecars is not None else 0
    return 1 if failed or refused else 0


def _hashes(photos: Iterable[Path | StoredPhoto]) -> ContentHashes:
    from vectortag.apps.content_hashes import ContentHashes  # here, since it imports the library

    return ContentHashes(photos)


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


def _job(tagger: Tagger, output: Path, chosen: Mapping[str, Any]) -> TagJob:
    """The job of an output: what of it is done already."""
    session = tagger.embedder.session
    about = {"model": tagger.id, "precision": session.precision, "size": tagger.embedder.size}
    added = [tag.name for tag in tagger.additions]
    job = TagJob(output, {**about, "additions": added, **chosen})
    job.read()
    if job.done:
        notes.progress(f"continuing: {len(job.done):,} photos are done")
    return job
