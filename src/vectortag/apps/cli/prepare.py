"""vectortag prepare"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.core.file_names import escape_path
from vectortag.data.shards.writing import TOGETHER, write_shards
from vectortag.data.sources import source_of
from vectortag.data.usable import read_usable


def prepare(
    data: Annotated[Path, typer.Argument(help="A metadata.csv, or its folder.", show_default=False)],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", help="The folder of shards to write, or its URL in a bucket.", show_default=False
        ),
    ],
    size: Annotated[
        int,
        typer.Option(
            "--size", min=32, max=2048, help="Side of the photos in pixels: `augment.resize` of the configuration."
        ),
    ] = 256,
    copies: Annotated[
        list[int] | None,
        typer.Option(
            "--also", min=32, max=2048, help="Also keep each photo in this size: `image_size` of the configuration."
        ),
    ] = None,
    lossless: Annotated[
        bool, typer.Option("--lossless", help="Lossless WebP instead of JPEG: 2.5 times the space.")
    ] = False,
    together: Annotated[int, typer.Option("--shard", min=1, max=100_000, help="Photos per shard.")] = TOGETHER,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="The name of the data set. Default: the name of its folder.")
    ] = None,
    skip_bad_rows: options.SkipBadRows = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace older shards when the new ones are complete.")
    ] = False,
) -> int:
    """Write resized photos as shards, for trainings that read them from a disk or a bucket.

    Shards are tar files in the format of WebDataset, with an index. A training reads them instead of a metadata.csv:
    `csv = "shards"` or `csv = "s3://bucket/shards"`. If a photo cannot be read, it is left out, and a warning names it.
    If the command is stopped, run it again: it continues. For a bucket, each shard is first written to a temporary
    file, and then uploaded as a whole.

    **Examples**

    `vectortag prepare photos/metadata.csv -o shards`

    `vectortag prepare photos/metadata.csv -o shards --size 256 --also 224 --lossless`

    `vectortag prepare photos/metadata.csv -o s3://bucket/shards`
    """
    place = source_of(output)
    photos = read_usable(data, name=dataset, skip_bad_rows=skip_bad_rows)
    index = write_shards(
        photos,
        place,
        size=size,
        copies=copies or (),
        lossless=lossless,
        together=together,
        overwrite=overwrite,
    )
    count = sum(shard.bytes for shard in index.shards)
    left_out = f", {len(index.left_out):,} left out" if index.left_out else ""
    notes.progress(f"{index.photos:,} photos in {len(index.shards):,} shards, {count / 1e6:,.1f} MB{left_out}")
    stdout().print(escape_path(place))
    return 0
