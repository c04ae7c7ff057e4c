"""vectortag check"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path
from vectortag.core.writing import atomic_output
from vectortag.data.check import DataReport, check_data_set
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.outputs import DOUBTS_CSV, PAGE, InputFiles, check_output, check_outputs_differ
from vectortag.data.records import DataSet
from vectortag.model.taxonomy import Taxonomy, load_taxonomy

SHOWN = 20
"""Most lines shown per section; `--all` shows all."""

FOLDS = 5
"""As FOLDS of `vectortag.assembly.folds`, which takes time to import."""


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
    labels: Annotated[bool, typer.Option("--labels", help="Also list labels that look wrong; takes minutes.")] = False,
    folds: Annotated[
        int,
        typer.Option(min=2, help="With --labels: number of folds; a head that learns from the others judges each."),
    ] = FOLDS,
    model: options.Model = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="With --labels: write the labels that look wrong to this CSV file.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="With --labels: write a web page with the photos of labels that look wrong."),
    ] = None,
) -> int:
    """Check a data set before training: rows, photos, tags, and words that should be one tag.

    Every photo is decoded. The exit status is 1 if a row is bad, a photo is missing or broken, or two rows of one photo
    differ. `fit`, `train` and `evaluate` stop at these rows; with `--skip-bad-rows` they leave them out. `check
    --skip-bad-rows` lists them, but its exit status is 0.

    With `--labels`, heads are fitted on the embeddings of a model: each learns from all folds but one, and judges the
    labels of that fold. Labels that look wrong do not change the exit status.

    **Examples**

    `vectortag check photos/metadata.csv`

    `vectortag check photos/metadata.csv --labels --export doubted.csv --page doubted.html`
    """
    check_outputs_differ(export, page)
    for option, output, kind in (("--export", export, DOUBTS_CSV), ("--page", page, PAGE)):
        if output is not None:
            if not labels:
                raise DataError(f"{option} writes labels that look wrong. Pass --labels, too")
            check_output(output, kind, inputs=InputFiles([data], options=[taxonomy]))
    chosen = load_taxonomy(taxonomy)
    records = read_tagged_photos(data, name=dataset, skip_bad_rows=True)
    notes.progress(f"decoding {len(records.records):,} photos")
    report = check_data_set(records, chosen)
    limit = None if everything else SHOWN
    _print(report, limit)
    if labels:
        _check_labels(records, chosen, model, folds=folds, limit=limit, export=export, page=page)
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


def _check_labels(
    data: DataSet,
    taxonomy: Taxonomy,
    model: str | None,
    *,
    folds: int,
    limit: int | None,
    export: Path | None,
    page: Path | None,
) -> None:
    from vectortag.assembly.doubts import doubts_csv, doubts_page
    from vectortag.assembly.label_errors import find_label_errors
    from vectortag.inference.tagger import Tagger

    tagger = Tagger.load(model, additions=False)
    notes.progress(f"judging the labels of {len(data.records):,} photos by heads of {folds} folds")
    found = find_label_errors(data, tagger, taxonomy, folds=folds)
    rows = [(escape_path(found.records[one.row].path), found.tags[one.tag], one.has, one.score) for one in found.doubts]
    lines = [f"{photo}: {'' if has else 'not '}labelled {tag}, score {score:.2f}" for photo, tag, has, score in rows]
    _section(f"labels that look wrong, of {found.labels:,} of {len(found.tags)} tags", lines, limit)
    given = found.doubts, found.tags, found.records
    if export is not None:
        _write(export, doubts_csv(*given))
    if page is not None:
        _write(page, doubts_page(*given, labels=found.labels))


def _write(file: Path, content: bytes) -> None:
    with atomic_output(file) as stream:
        stream.write(content)
    notes.progress(f"wrote {escape_path(file)}")


def _section(title: str, lines: tuple[str, ...] | list[str], limit: int | None) -> None:
    console = stdout()
    console.print(f"{title}: {len(lines):,}")
    for line in lines[:limit]:
        console.print(f"  {line}")
    if limit is not None and len(lines) > limit:
        console.print(f"  ... and {len(lines) - limit:,} more (--all)")
