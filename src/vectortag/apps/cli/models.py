"""vectortag models"""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from vectortag.apps.cli.output import notes, stdout
from vectortag.core.errors import ConfigError, ModelFolderError
from vectortag.core.file_names import escape_path
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.model.registry import DEFAULT_MODEL, model_folders


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="NAME", help="Remove a model that you made.", show_default=False)
    ] = None,
    with_added_tags: Annotated[
        bool, typer.Option("--with-added-tags", help="With --remove: also the tags that you added to it.")
    ] = False,
) -> int:
    """List all models: the shipped ones and your own; or remove a model that you made.

    `--remove` deletes the model, its report, and what it learnt from corrections. The corrections stay, and so do tags
    that you added to it. Shipped models cannot be removed.

    **Examples**

    `vectortag models`

    `vectortag models --remove mine`
    """
    if remove is not None:
        return _remove(remove, added_tags=with_added_tags)
    if with_added_tags:
        raise ConfigError("--with-added-tags needs --remove")
    found, broken = [], 0
    for folder in model_folders():
        try:
            found.append(read_model_folder(folder))
        except ModelFolderError as error:
            broken += 1
            notes.print(str(error), style="yellow")
    if as_json:
        stdout().print(json.dumps([_describe(folder) for folder in found], indent=2))
    else:
        stdout().print(_table(found))
    return 1 if broken else 0


def _remove(name: str, *, added_tags: bool) -> int:
    from vectortag.personal.removed_models import remove_model

    done = remove_model(name, added_tags=added_tags)
    for path in done.removed:
        stdout().print(f"removed: {escape_path(path)}")
    if done.kept is not None:
        notes.progress(f"the tags that you added to it stay in {escape_path(done.kept)}")
    return 0


def _describe(folder: ModelFolder) -> dict[str, object]:
    manifest = folder.manifest
    return {
        "name": manifest.name,
        "id": folder.id,
        "default": manifest.name == DEFAULT_MODEL,
        "tags": len(manifest.tags),
        "architecture": manifest.backbone.architecture,
        "size": manifest.sizes[0],
        "sizes": list(manifest.sizes),
        "map": {info.name: manifest.metrics.get(info.name, {}).get("map") for info in manifest.data_sets},
        "megabytes": round(sum(file.stat().st_size for file in folder.path.iterdir()) / 1e6, 1),
        "path": str(folder.path),
    }


def _table(folders: list[ModelFolder]) -> Table:
    table = Table("model", "tags", "network", "pixels", "MB", "validation mAP", "folder", box=None, header_style="bold")
    for folder in folders:
        about = _describe(folder)
        figures = about["map"]
        assert isinstance(figures, dict)
        table.add_row(
            folder.id + (" (default)" if about["default"] else ""),
            str(about["tags"]),
            str(about["architecture"]),
            ", ".join(map(str, folder.manifest.sizes)),
            str(about["megabytes"]),
            ", ".join(f"{name} {100 * value:.1f}" for name, value in figures.items() if value is not None),
            str(about["path"]),
        )
    return table
