"""`vectortag tag --engine ray`: the job, its progress and its outcome."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vectortag.apps.cli.named_photos import NamedPhotos, say_left_out
from vectortag.apps.cli.output import notes, progress_of
from vectortag.apps.partitions import PARTITION, JobFolder, PartitionedJob
from vectortag.apps.ray_engine import TaggerOptions, tag_on_ray
from vectortag.core.errors import ConfigError
from vectortag.data.object_store import is_url
from vectortag.data.sources import Source
from vectortag.inference.many_photos import SCORED_TOGETHER
from vectortag.model.calibration import Profile
from vectortag.model.language import Language
from vectortag.model.precision import Precision, choose
from vectortag.model.registry import find_model_folder
from vectortag.personal.added_tags import NO_ADDITIONS, read_additions
from vectortag.personal.corrected_rows import read_refits
from vectortag.runtime.session import Runtime


def tag_by_ray(
    sources: Sequence[Source],
    output: str,
    options: TaggerOptions,
    *,
    exclude: Sequence[str],
    address: str | None,
    partition: int | None,
) -> int:
    """Run the job of an output folder to its end, or go on with it. Returns the exit status."""
    if partition is not None and (partition < 1 or partition % SCORED_TOGETHER):
        raise ConfigError(f"--partition {partition}: expected a multiple of {SCORED_TOGETHER}")
    photos = NamedPhotos(list(map(absolute, sources)), exclude)
    folder = JobFolder(output.rstrip("/") if is_url(output) else Path(os.path.abspath(output)))  # noqa: PTH100
    named = {"sources": [str(source) for source in photos.paths], "exclude": list(exclude)}
    found = photos.references(counted=True)
    job = PartitionedJob.begin(folder, {**job_options(options), **named}, found, partition or PARTITION)
    left, total = job.left(), sum(job.sizes)
    if len(left) < len(job.sizes):
        notes.progress(f"going on: {len(job.sizes) - len(left):,} of {len(job.sizes):,} partitions are done")
    with progress_of("tagging") as progress:
        failed = tag_on_ray(job, options, address=address, progress=progress)
    say_left_out(photos.paths, total, photos.left_out)
    if failed:
        notes.print(f"{failed} photos could not be tagged", style="yellow")
    return 1 if failed else 0


def absolute(source: Source) -> Source:
    """The source by a name that holds on every machine; their working folders differ."""
    return source if isinstance(source, str) else Path(os.path.abspath(source))  # noqa: PTH100


def tagger_options(
    model: str | None,
    select: Mapping[str, Any],
    language: Language,
    *,
    profile: Profile,
    size: int | None,
    runtime: Runtime,
    precision: Precision,
    threads: int | None,
    additions: bool,
    max_pixels: int | None,
    embeddings: bool,
) -> TaggerOptions:
    """What the Taggers of a job are; this machine decides what is "auto".

    Raises:
        UnknownModelError, ModelFolderError, ShapeError: as `Tagger.load`.
    """
    folder = find_model_folder(model)
    manifest = folder.manifest
    point = manifest.point_for(profile) if size is None else manifest.operating_point(size)
    return TaggerOptions(
        model=str(Path(model).absolute()) if model and Path(model).is_dir() else model,
        digest=folder.digest,
        profile=profile,
        size=point.size,
        runtime=runtime,
        precision=choose(folder, runtime=runtime, precision=precision).precision,
        max_pixels=max_pixels,
        threads=threads,
        additions=read_additions(folder) if additions else NO_ADDITIONS,
        refits=tuple(read_refits(folder)) if additions else (),
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
