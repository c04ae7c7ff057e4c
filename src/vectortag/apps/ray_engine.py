"""Tags photos on a Ray cluster: Ray Data hands partitions to a pool of Taggers, and each writes a Parquet file of it.

A Tagger reads the photos of its partition itself, as the local engine does: their bytes never pass through Ray's
object store, and the rows are those of the local engine. What waits is a number for each partition, so the pool takes
work only as fast as it is done. If a machine dies, its partitions are done again elsewhere; the module `partitions`
says why nothing is written twice.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from vectortag.apps.content_hashes import ContentHashes
from vectortag.apps.formats import ENGLISH
from vectortag.apps.parquet_output import write_parquet
from vectortag.apps.partitions import PartitionedJob, open_photos, part_name, photos_of
from vectortag.core.errors import ConfigError, MissingExtraError, ModelFolderError
from vectortag.core.types import Arithmetic, Tagging
from vectortag.data.output_folder import OutputFolder
from vectortag.data.sources import photos_at
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import Profile
from vectortag.model.language import Language
from vectortag.model.precision import Precision, open_model
from vectortag.model.registry import find_model_folder
from vectortag.personal.added_tags import NO_ADDITIONS, Additions
from vectortag.personal.corrected_rows import Refit
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.session import Runtime

THREADS = 2
"""Cores per Tagger, unless the smallest machine has fewer."""

STORE = 128 << 20
"""Bytes of the object store of a cluster that is started here: only numbers pass through it."""

IN_FLIGHT = 2
"""Partitions that a Tagger has been given: it begins the next one without waiting for the driver."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Ray reports its use to its makers unless it is told not to."""

ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""A cluster that is started here opens its ports on 127.0.0.1, as Ray does on Windows and macOS."""


@dataclass(frozen=True)
class TaggerOptions:
    """All that a Tagger on another machine needs to give the scores of this one.

    Attributes:
        model: a name of `vectortag models`, or the path of a model folder; each machine must have it.
        digest: of the model folder here; another one there is refused.
        precision: what the network computes in here.
        threads: cores per Tagger; None is `THREADS`, or as many as the smallest machine has.
        additions, refits: the user's own tags and corrections.
        select: as for `Tagging.select`.
        embeddings: write embeddings and hashes of contents, too.
    """

    model: str | None
    digest: str
    profile: Profile
    size: int
    runtime: Runtime
    precision: Arithmetic
    max_pixels: int | None
    threads: int | None = None
    additions: Additions = NO_ADDITIONS
    refits: Sequence[Refit] = ()
    select: dict[str, Any] = field(default_factory=dict)
    language: Language = ENGLISH
    embeddings: bool = False

    def load(self) -> Tagger:
        """Load the Tagger.

        Raises:
            ModelFolderError: this machine has another model under the name.
        """
        folder = find_model_folder(self.model)
        if folder.digest != self.digest:
            raise ModelFolderError(
                f"{folder.path}: is not the model of the machine where the job was started. Install the same one"
            )
        precision: Precision = "exact" if self.precision == "f32" else self.precision
        session = open_model(folder, runtime=self.runtime, precision=precision, threads=self.threads)
        embedder = Embedder(session, folder.manifest.pixels, self.size, self.max_pixels)
        return Tagger(folder, embedder, profile=self.profile, additions=self.additions, refits=self.refits)


class PartitionTagger:
    """A Tagger that writes partitions; an actor of Ray Data's pool."""

    def __init__(self, folder: OutputFolder, options: TaggerOptions) -> None:
        self.folder, self.options, self.tagger = folder, options, options.load()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Write partitions.

        Args:
            batch: `partition`, their numbers.

        Returns:
            With them, for each how many `photos` it has, and how many `failed`.
        """
        counts = np.array([self.write(int(number)) for number in batch["partition"]])  # (N, 2)
        return {"partition": batch["partition"], "photos": counts[:, 0], "failed": counts[:, 1]}

    def write(self, number: int) -> tuple[int, int]:
        """Write a partition. Returns how many photos it has, and how many of them could not be tagged."""
        with open_photos(self.folder) as listed:
            photos: Any = photos_at(photos_of(listed, number))
        options, file = self.options, io.BytesIO()
        hashes = ContentHashes(photos) if options.embeddings else None
        counts = write_parquet(
            file,
            self.tagger.tag_many(photos if hashes is None else hashes),
            partial(Tagging.select, **options.select),
            options.language,
            hashes=hashes,
            width=self.tagger.folder.manifest.backbone.width if options.embeddings else None,
        )
        self.folder.write(part_name(number), file.getvalue())
        return counts


def tag_on_ray(
    job: PartitionedJob,
    options: TaggerOptions,
    *,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the partitions of a job that are left. Returns how many photos of the job could not be tagged.

    Args:
        address: of a running cluster, as `ray.init` takes it; None starts one on this machine, for this call.
        progress: called with the photos that are done and all of the job.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: no cluster answers at the address, or none starts.
    """
    left, failed = job.left(), job.failed()
    if not left:
        return failed
    total = sum(job.sizes)
    done = total - sum(job.sizes[number] for number in left)
    with cluster(address) as ray:
        options = replace(options, threads=options.threads or _threads(ray))
        data = importlib.import_module("ray.data")
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        pool = data.ActorPoolStrategy(min_size=1, max_size=len(left), max_tasks_in_flight_per_actor=IN_FLIGHT)
        written = data.from_items(
            [{"partition": number} for number in left], override_num_blocks=len(left)
        ).map_batches(
            PartitionTagger,
            fn_constructor_args=(job.folder, options),
            batch_size=1,
            compute=pool,
            num_cpus=options.threads,
            num_gpus=1 if options.runtime == "cuda" else 0,
        )
        for row in written.iter_rows():
            done, failed = done + int(row["photos"]), failed + int(row["failed"])
            if progress is not None:
                progress(done, total)
    return failed


def require_ray() -> None:
    """Ask for Ray without importing it: it reads its settings from the environment at import.

    Raises:
        MissingExtraError: it is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("--engine ray", "Ray", "ray")


def _threads(ray: Any) -> int:
    cores = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    return min([THREADS, *(count for count in cores if count)])


@contextmanager
def cluster(address: str | None) -> Iterator[Any]:
    """Connect to a cluster, or start one that ends with the block; yields the module `ray`.

    Raises:
        ConfigError: none answers, or none starts; Ray waits 30 seconds for its processes.
        MissingExtraError: Ray is not installed.
    """
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # else Ray keeps one in the home folder
    local = {"include_dashboard": False, "num_cpus": usable_cores(), "object_store_memory": STORE}
    variables = QUIET if address else QUIET | ON_LOOPBACK | token
    with environment(variables), redirect_stdout(sys.stderr):  # Ray prints what befalls a cluster; stdout is for data
        require_ray()
        import ray

        options = {} if address else local
        try:
            ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **options)
        except Exception as error:  # Ray has no class of its own for a start that takes too long
            ray.shutdown()
            what = f"{address}: no Ray cluster answers" if address else "Ray did not start on this machine"
            raise ConfigError(f"{what}: {str(error).rstrip('.')}. The same command tries again") from error
        try:
            yield ray
        finally:
            ray.shutdown()


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables that are not set, until the end of the block."""
    ours = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
