"""vectortag bench"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.core.errors import VectorTagError
from vectortag.core.file_names import escape_path


def bench(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Photos and folders of photos. Default: random noise.")
    ] = None,
    model: options.Model = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=60, help="Seconds per measurement.")] = 2.0,
    remember: Annotated[
        bool, typer.Option("--remember", help="From now on, use the fastest for this model in all commands.")
    ] = False,
) -> int:
    """Measure how fast each runtime and precision tags on this machine.

    Measures float32 (f32), and each lower precision that loses at most half a point of mAP. Each is measured twice, in
    its own process. Everything takes less than a minute. Other running programs make the figures worse.

    **Examples**

    `vectortag bench`

    `vectortag bench photos/ --model resnet18 --remember`
    """
    from vectortag.data.find import photos_of
    from vectortag.inference.benchmark import Measured
    from vectortag.inference.benchmark import bench as measure
    from vectortag.model.precision import Remembered
    from vectortag.model.precision import remember as keep
    from vectortag.model.registry import find_model_folder
    from vectortag.runtime.cpu import this_machine

    folder, machine = find_model_folder(model), this_machine()
    photos = list(photos_of(paths or []))
    if paths and not photos:
        raise VectorTagError(f"no photos in {', '.join(map(escape_path, paths))}")
    notes.progress(f"{folder.id} on {machine.cpu}, {machine.cores} cores, {' '.join(machine.extensions)}")
    results = list(measure(folder, photos, seconds=seconds))
    measured = [found for _, found in results if isinstance(found, Measured)]
    if not measured:
        raise VectorTagError(f"no measurement succeeded: {results[0][1]}")
    baseline = next((found.scores for found in measured if found.candidate.precision == "f32"), measured[0].scores)
    table = Table("runtime", "precision", box=None, header_style="bold")
    for heading in ("photos/s", "CPU ms/photo", "start, CPU s", "largest change of a score"):
        table.add_column(heading, justify="right")
    for candidate, found in results:
        if isinstance(found, Measured):
            change = f"{np.abs(found.scores - baseline).max():.4f}"
            numbers = [f"{found.photos_a_second:.1f}", f"{found.milliseconds:.1f}", f"{found.start:.2f}", change]
        else:
            numbers = [found]
        table.add_row(candidate.runtime, candidate.precision, *numbers)
    stdout().print(table)
    best = max(measured, key=lambda found: found.photos_a_second).candidate
    if remember:
        file = keep(folder, Remembered(cpu=machine.cpu, runtime=best.runtime, precision=best.precision))
        notes.progress(f"{best.runtime} in {best.precision} is used from now on; saved in {file}")
    return 0
