"""Options of several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from vectortag.model import calibration, precision
from vectortag.runtime import session

Model = Annotated[str | None, typer.Option("--model", "-m", help="A model's name or folder. See: vectortag models")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace any file at the output's path, but never a photo or an input."),
]
SkipBadRows = Annotated[
    bool,
    typer.Option(
        "--skip-bad-rows",
        help="Leave out rows that are bad or contradict each other, and photos that are missing or broken. "
        "Default: stop.",
    ),
]
LibraryFile = Annotated[
    Path | None, typer.Option("--library", help="The library's file. Default: library.sqlite in your data folder.")
]
DataName = Annotated[
    str | None, typer.Option("--dataset", help="The name of the data set. Default: the name of its folder.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Number of threads. Default: all cores that this process may use."),
]

Additions = Annotated[
    bool, typer.Option("--additions/--no-additions", help="With or without your added tags and corrections.")
]


Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude", help="Leave out files and folders by a rule as in a .gitignore: '*.png', 'private/'; repeatable."
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        min=1,
        help="Largest photo, in pixels. Default: 200000000, with 0.7 GB of memory for decoding. A larger number allows "
        "up to 16 bytes per pixel.",
    ),
]


Profile = Annotated[
    calibration.Profile,
    typer.Option("--profile", help="precise: few wrong tags; thorough: few missed tags; balanced: between the two."),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        help="Side of the network's input in pixels, one of the model's sizes. Default: by the profile.",
    ),
]
Fine = Annotated[
    bool | None,
    typer.Option(
        "--fine/--coarse",
        help="Fine heat maps have more cells and take longer. Default: fine for one photo, coarse for several.",
    ),
]
Runtime = Annotated[session.Runtime, typer.Option("--runtime", help="The library that runs the network.")]
Precision = Annotated[
    precision.Precision,
    typer.Option(
        "--precision", help="auto: the fastest that loses at most 0.5 points of mAP; exact: float32; bf16; int8."
    ),
]
Encoder = Annotated[
    Path | None,
    typer.Option("--encoder", help="Read the sentence with your own image-text encoder: a folder in Immich's layout."),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        envvar="VECTORTAG_LANGUAGE",
        help="The language of tag names, in output and input: de, fr, ja, ..., or a language file. Default: en.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing; print what would change, as a unified diff.")]
Parent = Annotated[
    str | None, typer.Option("--parent", help="Put all tags below one branch of the tag tree, such as auto.")
]
MinScore = Annotated[
    float | None,
    typer.Option(
        "--min-score",
        min=0,
        max=1,
        help="Leave out tags with a lower score. The thresholds of the tags apply, too.",
    ),
]
Only = Annotated[
    str | None, typer.Option("--only", help="Only these tags: a text file with one per line, or a list with commas.")
]
Not = Annotated[str | None, typer.Option("--not", help="All tags but these: a file or a list, as for --only.")]
Rename = Annotated[
    str | None,
    typer.Option(
        "--rename",
        help="Other names for tags, such as 'dog: Hund': a text file with one per line, or a list with commas.",
    ),
]
Embed = Annotated[
    bool,
    typer.Option("--embed", help="Also write into JPEG files, with exiftool; their pictures do not change."),
]
Stem = Annotated[
    bool | None,
    typer.Option(
        "--stem/--full-name",
        help="--stem: new sidecars are called boat.xmp, unless another photo is called boat. Default: boat.jpg.xmp.",
        show_default=False,
    ),
]


class SidecarOptions(NamedTuple):
    """What is given of these options; None: not given."""

    parent: str | None = None
    min_score: float | None = None
    only: str | None = None
    hidden: str | None = None
    rename: str | None = None
    stem: bool | None = None
    language: str | None = None

    @property
    def lists(self) -> tuple[str | None, str | None, str | None, str | None]:
        """Those of tags: only these, not those, other names, and their language."""
        return self.only, self.hidden, self.rename, self.language
