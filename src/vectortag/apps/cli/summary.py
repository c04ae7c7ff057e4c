"""What `fit` and `train` say at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vectortag.apps.cli.output import notes
from vectortag.core.file_names import escape_path
from vectortag.model.folder import ModelFolder


def print_summary(folder: ModelFolder, *, report: Path, model: str) -> None:
    """Print the figures of a new model, where its report is, and how to use it.

    Args:
        model: what to pass to `--model`.
    """
    for info in folder.manifest.data_sets:
        found = folder.manifest.metrics[info.name]
        notes.progress(
            f"{len(folder.manifest.tags)} tags; on {found['photos']:,} validation photos of {info.name}: "
            f"{_percent('mAP', found['map'])}, {_percent('micro F1', found['micro_f1'])}"
        )
    if folds := folder.manifest.metrics.get("folds"):
        figures = ", ".join(f"{what} {_spread(folds[key])}" for what, key in (("mAP", "map"), ("micro F1", "micro_f1")))
        notes.progress(
            f"over {folds['folds']} folds: {figures}; {folds['doubted']:,} of {folds['labels']:,} labels look wrong"
        )
    notes.progress(f"report: {escape_path(report)}")
    notes.progress(f"use it: vectortag tag PHOTO --model {model}")


def _spread(of: Mapping[str, float | None]) -> str:
    """Mean and standard deviation in percent."""
    mean, deviation = of["mean"], of["deviation"]
    if mean is None:
        return "-"
    return f"{100 * mean:.1f}" + ("" if deviation is None else f" ± {100 * deviation:.1f}")


def _percent(what: str, value: float | None) -> str:
    return f"{what} -" if value is None else f"{what} {100 * value:.1f}"
