"""`vectortag tag --engine ray`: the job, its progress and its outcome."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vectortag.apps.cli.named_photos import NamedPhotos, say_left_out
from vectortag.apps.cli.options import SidecarOptions
from vectortag.apps.cli.output import notes, progress_of
from vectortag.apps.cli.tag_options import Format, Loading
from vectortag.apps.partitions import PARTITION, PartitionedJob
from vectortag.apps.ray_engine import TaggerOptions, require_ray, tag_on_ray
from vectortag.core.errors import ConfigError
from vectortag.data.object_store import is_url
from vectortag.data.output_folder import OutputFolder
from vectortag.data.sources import Source
from vectortag.inference.many_photos import SCORED_TOGETHER
from vectortag.model.language import Language
from vectortag.model.precision import choose
from vectortag.model.registry import find_model_folder
from vectortag.personal.added_tags import NO_ADDITIONS, read_additions
from vectortag.personal.corrected_rows import read_refits


def check_options(form: Format, given: SidecarOptions, *, write_xmp: bool, library: Path | None) -> None:
    """Refuse what does not go with the engine.

    Raises:
        ConfigError: the format is not Parquet, or photos of this machine alone are meant.
    """
    given_lists = any(one is not None for one in (given.only, given.hidden, given.rename))
    if form != "parquet" or write_xmp or library or given_lists:
        raise ConfigError(
            "--engine ray needs --format parquet. --write-xmp, --library, --only, --not and --rename do not go with it"
        )


def tag_by_ray(
    named: NamedPhotos, output: str, options: TaggerOptions, *, address: str | None, partition: int | None
) -> int:
    """Run the job of an output folder to its end, or go on with it. Returns the exit status."""
    if partition is not None and (partition < 1 or partition % SCORED_TOGETHER):
        raise ConfigError(f"--partition {partition}: expected a multiple of {SCORED_TOGETHER}")
    require_ray()
    photos = NamedPhotos(list(map(absolute, named.paths)), named.exclude)
    folder = OutputFolder(output.rstrip("/") if is_url(output) else Path(os.path.abspath(output)))  # noqa: PTH100
    sources = {"sources": [str(source) for source in photos.paths], "exclude": list(photos.exclude)}
    found = photos.references(counted=True)
    job = PartitionedJob.begin(folder, {**job_options(options), **sources}, found, partition or PARTITION)
    left, total = job.left(), sum(job.sizes)
    if len(left) < len(job.sizes):
        notes.progress(f"continuing: {len(job.sizes) - len(left):,} of {len(job.sizes):,} partitions are done")
    with progress_of("tagging") as progress:
        failed = tag_on_ray(job, options, address=address, progress=progress)
    say_left_out(photos.paths, total, photos.left_out)
    if failed:
        notes.print(f"{failed} of {total} photos could not be tagged", style="yellow")
    return 1 if failed else 0


def absolute(source: Source) -> Source:
    """The source by a name that holds on every machine; their working folders differ."""
    return source if isinstance(source, str) else Path(os.path.abspath(source))  # noqa: PTH100


def tagger_options(
    loading: Loading, select: Mapping[str, Any], language: Language, *, embeddings: bool
) -> TaggerOptions:
    """What the Taggers of a job are; this machine decides what is "auto".

    Args:
        select: the arguments of `Tagging.select`.

    Raises:
        UnknownModelError, ModelFolderError, ShapeError: as `Tagger.load`.
    """
    model = loading.model
    folder = find_model_folder(model)
    manifest = folder.manifest
    point = manifest.point_for(loading.profile) if loading.size is None else manifest.operating_point(loading.size)
    return TaggerOptions(
        model=str(Path(model).absolute()) if model and Path(model).is_dir() else model,
        digest=folder.digest,
        profile=loading.profile,
        size=point.size,
        runtime=loading.runtime,
        precision=choose(folder, runtime=loading.runtime, precision=loading.precision).precision,
        max_pixels=loading.max_pixels,
        threads=loading.threads,
        additions=read_additions(folder) if loading.additions else NO_ADDITIONS,
        refits=tuple(read_refits(folder)) if loading.additions else (),
        select=dict(select),
        language=language,
        embeddings=embeddings,
    )


def job_options(options: TaggerOptions) -> dict[str, Any]:
    """What the rows of a job depend on."""
    return {
        "model": options.digest,
        "precision": options.precision,
        "size": options.size,
        "profile": options.profile,
        "additions": [tag.name for tag in options.additions.tags],
        "corrected": [refit.tag for refit in options.refits],
        "language": options.language.code,
        "embeddings": options.embeddings,
        "max_pixels": options.max_pixels,
        **options.select,
    }
