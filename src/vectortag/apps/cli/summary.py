"""What `fit` and `train` say at the end."""

from __future__ import annotations

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
    notes.progress(f"report: {escape_path(report)}")
    notes.progress(f"use it: vectortag tag PHOTO --model {model}")


def _percent(what: str, value: float | None) -> str:
    return f"{what} -" if value is None else f"{what} {100 * value:.1f}"
