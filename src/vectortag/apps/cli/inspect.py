"""vectortag inspect"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.output import stdout
from vectortag.model.calibration import PROFILES
from vectortag.model.folder import MANIFEST
from vectortag.model.hierarchy import Hierarchy
from vectortag.model.language import Language
from vectortag.model.precision import choose
from vectortag.model.registry import find_model_folder, model_folders
from vectortag.runtime.cpu import this_machine
from vectortag.runtime.session import installed_runtimes


def inspect(
    model: Annotated[str | None, typer.Argument(help="A model's name or folder.")] = None,
    machine: Annotated[
        bool,
        typer.Option("--machine", help="Show this machine instead: runtime and precision of each model, and why."),
    ] = False,
    language: options.Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest, as JSON.")] = False,
) -> int:
    """Show what is in a model: its data sets, and its tags with thresholds, parents and what taught them.

    **Examples**

    `vectortag inspect resnet18`

    `vectortag inspect --machine`
    """
    spoken = Language.load(language)
    if machine:
        return _machine(model)
    folder = find_model_folder(model)
    manifest, console = folder.manifest, stdout()
    if as_json:
        console.print((folder.path / MANIFEST).read_text("utf-8"), end="")
        return 0
    sizes = ", ".join(map(str, manifest.sizes))
    console.print(f"{folder.id}: {len(manifest.tags)} tags, {manifest.backbone.architecture}, {sizes} pixels")
    console.print(f"folder  {folder.path}  (all files verified)")
    for info in manifest.data_sets:
        console.print(
            f"data    {info.name}: {info.train_photos:,} training photos, {len(info.validation):,} kept for validation"
        )
    hierarchy = Hierarchy.of(manifest.tags, manifest.taxonomy)
    if untaught := manifest.label_sources.count("pretraining"):
        console.print(
            f"tags    {untaught} have no labels in these data sets: they are groups of the network's ImageNet classes"
        )
    table = Table("tag", *PROFILES, "taught by", "parents", box=None, header_style="bold")
    for i, (tag, teacher) in enumerate(zip(manifest.tags, manifest.label_sources, strict=True)):
        thresholds = (manifest.point_for(profile).thresholds[profile][i] for profile in PROFILES)
        above = [manifest.tags[parent] for parent in hierarchy.above(i)]
        row = map(spoken.name, (tag, *above))
        table.add_row(next(row), *("-" if t is None else f"{t:.2f}" for t in thresholds), teacher, ", ".join(row))
    console.print(table)
    return 0


def _machine(model: str | None) -> int:
    """Print the processor, the runtimes, and what "auto" chooses for one model or for all."""
    here, console = this_machine(), stdout()
    console.print(f"processor   {here.cpu}, {here.cores} cores for this process")
    console.print(f"extensions  {' '.join(here.extensions) or 'none that VectorTag uses'}")
    runtimes = installed_runtimes()
    named = ", ".join(f"{name} {version}" for name, version in runtimes.items())
    console.print(f"runtimes    {named or 'none is installed'}")
    for path in [model] if model else model_folders():
        folder = find_model_folder(path)
        choice = choose(folder)
        runtime = next(iter(runtimes), "no runtime") if choice.runtime == "auto" else choice.runtime
        console.print(f"{folder.manifest.name:11} {runtime}, {choice.precision}: {choice.why}")
    return 0
