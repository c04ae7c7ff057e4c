"""The report of a training: curves and tables for a person to look at."""

from __future__ import annotations

from pathlib import Path

from vectortag.evaluation import Report
from vectortag.train.engine import Trained
from vectortag.types import ByteArray, FloatArray


def write_report(
    folder: Path, trained: Trained, reports: list[Report], scores: FloatArray, targets: ByteArray, logits: FloatArray
) -> None:
    """stub"""
