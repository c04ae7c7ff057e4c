"""vectortag check"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.core.file_names import escape_path
from vectortag.data.check import DataReport, check_data_set
from vectortag.data.keywords import read_tagged_photos
from vectortag.model.taxonomy import load_taxonomy

SHOWN = 20
"""Most lines shown per section; `--all` shows all."""


def check(
    data: Annotated[Path, typer.Argument(help="A metadata.csv, or its folder.", show_default=False)],
    taxonomy: Annotated[
        str,
        typer.Option(help='"default", "none", or the path of a taxonomy file.'),
    ] = "default",
    dataset: options.DataName = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show all lines, not only the first 20 of each section.")
    ] = False,
    skip_bad_rows: options.SkipBadRows = False,
) -> int:
    """Check a data set before training: rows, photos, tags, and words that should be one tag.

    Every photo is decoded. The exit status is 1 if a row is bad, a photo is missing or broken, or two rows of one photo
    differ. `fit`, `train` and `evaluate` stop at these rows, and leave them out with `--skip-bad-rows`. With this
    option `check` lists them, too, but exits with 0.

    **Example**

    `vectortag check photos/metadata.csv`
    """
    chosen = load_taxonomy(taxonomy)
    records = read_tagged_photos(data, name=dataset, skip_bad_rows=True)
    notes.progress(f"decoding {len(records.records):,} photos")
    report = check_data_set(records, chosen)
    _print(report, None if everything else SHOWN)
    return 1 if report.has_problems and not skip_bad_rows else 0


def _print(report: DataReport, limit: int | None) -> None:
    data, console = report.data, stdout()
    console.print(f"{data.csv}: set {data.name}, {data.row_count:,} rows")
    repeated = [f"{data.where(record)}: {escape_path(record.path)}" for record in data.repeated]
    ranked = sorted(report.tag_counts.items(), key=lambda item: (-item[1], item[0]))
    counts = [f"{count:6,}  {tag}" for tag, count in ranked]
    pairs = [
        f'"{rarer}" ({report.tag_counts[rarer]}) and "{frequent}" ({report.tag_counts[frequent]})'
        for rarer, frequent in report.near_synonyms
    ]
    groups = [" = ".join(map(escape_path, group)) for group in report.duplicates]
    _section("bad rows", data.bad_rows, limit)
    _section("missing photos", data.missing_photos, limit)
    _section("unreadable photos", report.unreadable, limit)
    _section("photos whose rows contradict each other", data.contradictions, limit)
    _section("rows that say the same again", repeated, limit)
    _section("groups of photos that show one picture", groups, limit)
    console.print(f"photos without any tag: {report.untagged:,}")
    _section("tags after the taxonomy", counts, limit)
    _section("words that may be one tag; join them in the taxonomy's [synonyms]", pairs, limit)


def _section(title: str, lines: tuple[str, ...] | list[str], limit: int | None) -> None:
    console = stdout()
    console.print(f"{title}: {len(lines):,}")
    for line in lines[:limit]:
        console.print(f"  {line}")
    if limit is not None and len(lines) > limit:
        console.print(f"  ... and {len(lines) - limit:,} more (--all)")
