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
        int, typer.Option("--size", min=32, max=2048, help="Pixels a side; `augment.resize` of the training.")
    ] = 256,
    copies: Annotated[
        list[int] | None,
        typer.Option(
            "--also", min=32, max=2048, help="Keep each photo in this size, too; `image_size` of the training."
        ),
    ] = None,
    lossless: Annotated[
        bool, typer.Option("--lossless", help="WebP without loss in the place of JPEG: 2.5 times the space.")
    ] = False,
    together: Annotated[int, typer.Option("--shard", min=1, max=100_000, help="Photos per shard.")] = TOGETHER,
    dataset: Annotated[str | None, typer.Option("--dataset", help="The set's name. Default: its folder's.")] = None,
    skip_bad_rows: options.SkipBadRows = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace older shards, once the new ones are complete.")
    ] = False,
) -> int:
    """Write resized photos as shards, for trainings that read them from a disk or a bucket.

    Shards are tar files, as WebDataset has them, with an index. A training reads them in the place of a metadata.csv:
    `csv = "shards"` or `csv = "s3://bucket/shards"`. A photo that cannot be read is named, counted and left out. After
    a break, the same command goes on. For a bucket, each shard is made in a temporary file and sent whole.

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
