"""Options of `vectortag tag` alone, and how they load a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from vectortag.apps.cli.options import SidecarOptions
from vectortag.core.errors import ConfigError
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import Profile
from vectortag.model.precision import Precision
from vectortag.runtime.session import Runtime

TextFormat = Literal["table", "jsonl", "csv"]
Format = Literal[TextFormat, "parquet"]
Engine = Literal["local", "ray"]

ChosenFormat = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        help="table for people; jsonl, csv or parquet for programs. Default: by the ending of --output, otherwise "
        "table.",
    ),
]
Threshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="One threshold for all tags. Default: each tag has its own.")
]
TopK = Annotated[int | None, typer.Option("--top-k", "-k", min=1, help="At most this many tags per photo.")]
AllScores = Annotated[
    bool, typer.Option("--all-scores", help="Print the scores of all tags of the model, in the model's order.")
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Continue a job that was stopped. Until it is finished, its lines are in FILE.part."),
]
LibraryFile = Annotated[
    Path | None,
    typer.Option("--library", help="Take the tags of unchanged photos from this library. Default: your photo library."),
]
NoLibrary = Annotated[bool, typer.Option("--no-library", help="Do not use a photo library: tag every photo again.")]
WriteXmp = Annotated[bool, typer.Option("--write-xmp", help="Also write the tags into XMP sidecars beside the photos.")]
Destination = Annotated[
    str | None,
    typer.Option("--output", "-o", help="Write to this file instead of stdout; with --engine ray: a folder."),
]
ChosenEngine = Annotated[
    Engine, typer.Option("--engine", help="local: tag on this machine; ray: tag on a Ray cluster.")
]
RayAddress = Annotated[
    str | None,
    typer.Option("--ray-address", help="The cluster: HOST:PORT or auto. Default: start one on this machine."),
]
Partition = Annotated[
    int | None,
    typer.Option("--partition", help="With --engine ray: photos per output file, a multiple of 16. Default: 512."),
]
Embeddings = Annotated[
    bool,
    typer.Option("--embeddings", help="With Parquet: also write embeddings, for `vectortag library import`."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Which model is loaded, and how; the fields are arguments of `Tagger.load`."""

    model: str | None = None
    profile: Profile = "balanced"
    size: int | None = None
    runtime: Runtime = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    additions: bool = True
    max_pixels: int | None = None

    def tagger(self) -> Tagger:
        """Load the Tagger of this machine.

        Raises:
            UnknownModelError, ModelFolderError, ShapeError: as `Tagger.load`.
        """
        return Tagger.load(
            self.model,
            profile=self.profile,
            size=self.size,
            runtime=self.runtime,
            precision=self.precision,
            threads=self.threads,
            additions=self.additions,
            max_pixels=self.max_pixels,
        )


def format_of(output: str | None) -> Format:
    """The format that the ending of an output says; "table" for other endings."""
    ending = "" if output is None else Path(output).suffix.lower().removeprefix(".")
    return next((form for form in get_args(Format) if form == ending), "table")


def check_format(form: Format, output: str | None, *, resume: bool, embeddings: bool) -> None:
    """Refuse what does not go with a format.

    Raises:
        ConfigError: options do not go together.
        MissingExtraError: pyarrow is not installed, and Parquet is to be written.
    """
    if resume and (output is None or form != "jsonl"):
        raise ConfigError("--resume needs --output FILE.jsonl, or --format jsonl and --output FILE")
    if embeddings and form != "parquet":
        raise ConfigError("--embeddings needs --format parquet")
    if form == "parquet":
        if output is None:
            raise ConfigError("--format parquet needs --output FILE")
        from vectortag.apps.parquet_output import require_pyarrow  # here, since few write Parquet

        require_pyarrow("--format parquet")


def check_sidecar_options(given: SidecarOptions, *, write_xmp: bool, dry_run: bool, embed: bool) -> None:
    """Refuse what goes with sidecars only, where none are written.

    Raises:
        ConfigError: one of them is given.
    """
    only_with_xmp = dry_run or embed or any(one is not None for one in (given.parent, given.min_score, given.stem))
    if only_with_xmp and not write_xmp:
        raise ConfigError("--dry-run, --parent, --min-score, --stem and --embed go with --write-xmp. Add it")
