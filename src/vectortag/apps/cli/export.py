"""vectortag export"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.core.errors import ConfigError, MissingExtraError
from vectortag.core.file_names import escape_path
from vectortag.data.outputs import check_outputs_differ


def export(
    model: Annotated[str, typer.Argument(help="A model's name or folder.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The ONNX file: pixels in, scores out.", show_default=False)
    ] = None,
    maps: Annotated[bool, typer.Option("--maps", help="The ONNX file also gives the heat maps of all tags.")] = False,
    maps_of: Annotated[
        list[str] | None, typer.Option("--map", help="The ONNX file also gives the heat map of this tag; repeatable.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights", help="Write the network's weights for timm, to this safetensors file.", show_default=False
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option("--size", help="Side of the input in pixels, one of the model's sizes. Default: its first."),
    ] = None,
    additions: options.Additions = True,
    overwrite: options.Overwrite = False,
) -> int:
    """Write a model for programs without VectorTag: an ONNX file, or the network's weights for timm.

    The ONNX file takes pixels and gives the scores of `vectortag tag` in float32. Its metadata has the tags, the
    thresholds and the recipe for pixels. Needs `pip install 'vectortag[quantise]'`; `--weights` needs
    `pip install 'vectortag[train]'`.

    **Examples**

    `vectortag export lite2 --output lite2.onnx --map dog --map sky`

    `vectortag export lite0 --weights lite0.safetensors`
    """
    if output is None and weights is None:
        raise ConfigError(
            "nothing to export. Name an ONNX file, --output model.onnx, or --weights backbone.safetensors"
        )
    if output is None and (maps or maps_of):
        raise ConfigError("--maps and --map need an ONNX file. Name it: --output model.onnx")
    check_outputs_differ(output, weights)
    if output is not None:
        from vectortag.assembly.onnx_export import export_onnx

        done = export_onnx(
            model, output, size=size, maps=maps or maps_of or (), additions=additions, overwrite=overwrite
        )
        notes.progress(
            f"{done.tags} tags, {done.maps} heat maps, {done.size} x {done.size} pixels, ONNX opset {done.opset}; "
            f"scores within {done.difference:.1g} of the Tagger's"
        )
        stdout().print(escape_path(done.path))
    if weights is not None:
        file, metadata = _weights().export_weights(model, weights, overwrite=overwrite)
        notes.progress(f'timm.create_model("{metadata["architecture"]}", **{metadata["options"]})')
        stdout().print(escape_path(file))
    return 0


def _weights() -> Any:
    try:
        return importlib.import_module("vectortag.train.export_weights")
    except ModuleNotFoundError as error:
        raise MissingExtraError("--weights", error.name or "timm", "train") from error
