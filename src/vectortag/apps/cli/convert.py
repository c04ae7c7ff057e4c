"""vectortag convert"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.core.file_names import escape_path
from vectortag.data.formats.convert import Format
from vectortag.data.formats.convert import convert as convert_data_set


def convert(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Files or folders of a data set in another format.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The metadata.csv to write.")] = Path("metadata.csv"),
    format: Annotated[  # noqa: A002
        Format | None, typer.Option("--format", help="The format of the sources. Default: recognised by their content.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option("--photos", help="The folder that the photos' names are relative to.")
    ] = None,
    skip_bad_rows: options.SkipBadRows = False,
    overwrite: options.Overwrite = False,
) -> int:
    """Make a metadata.csv of a data set in another format. The photos stay where they are.

    Formats: `coco` (instances or captions), `one-hot` (a CSV file with a column for each word), `folders` (a folder for
    each word), `fiftyone`, `hugging-face` (an image folder with a metadata file, or what `datasets` saved).

    Several sources become one metadata.csv. If they are called train, val and test, it has a column `split`.

    **Examples**

    `vectortag convert annotations/instances_train2017.json annotations/instances_val2017.json -o coco/metadata.csv`

    `vectortag convert photos_by_class/ --output metadata.csv`
    """
    done = convert_data_set(
        *sources, output=output, format=format, photos=photos, skip_bad_rows=skip_bad_rows, overwrite=overwrite
    )
    parts = "".join(f", {count:,} {part}" for part, count in done.parts.items())
    notes.progress(f"{' + '.join(dict.fromkeys(done.format))}: {done.photos:,} photos, {done.words:,} words{parts}")
    stdout().print(escape_path(done.output))
    return 0
