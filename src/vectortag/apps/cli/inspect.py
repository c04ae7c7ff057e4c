"""vectortag inspect"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from vectortag.apps.cli.output import stdout
from vectortag.hierarchy import Hierarchy
from vectortag.model_folder import MANIFEST, find_model_folder
from vectortag.thresholds import PROFILES


def inspect(
    model: Annotated[str | None, typer.Argument(help="A model's name or folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The manifest as it is.")] = False,
) -> int:
    """Show what a model folder holds: its tags with their parents and thresholds, its data, its figures.

    **Example**

    `vectortag inspect resnet18`
    """
    folder = find_model_folder(model)
    manifest, console = folder.manifest, stdout()
    if as_json:
        console.print((folder.path / MANIFEST).read_text("utf-8"), end="")
        return 0
    point = manifest.operating_points[0]
    console.print(f"{folder.id}: {len(manifest.tags)} tags, {manifest.backbone.architecture}, {point.size} pixels")
    console.print(f"folder  {folder.path}  (all files verified)")
    for info in manifest.data_sets:
        console.print(
            f"data    {info.name}: {info.train_photos:,} training photos, {len(info.validation):,} kept for validation"
        )
    parents = Hierarchy.of(manifest.tags, manifest.taxonomy).descendants
    table = Table("tag", *PROFILES, "parents", box=None, header_style="bold")
    for place, tag in enumerate(manifest.tags):
        thresholds = (point.thresholds[profile][place] for profile in PROFILES)
        above = [manifest.tags[parent] for parent, below in parents.items() if place in below]
        table.add_row(tag, *("-" if t is None else f"{t:.2f}" for t in thresholds), ", ".join(above))
    console.print(table)
    return 0
