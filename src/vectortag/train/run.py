"""What a training keeps in its run folder."""

from __future__ import annotations

from dataclasses import dataclass

BEST = "best.ckpt"
LAST = "last.ckpt"
BACKBONE = "backbone.safetensors"
"""The backbone of the best epoch, which another training can start from."""
CONFIG = "config.json"
TAGS = "tags.json"
"""The tags that are learnt, in the order of the head's outputs."""
LOGS, METRICS = "logs", "metrics.csv"
TENSORBOARD = "tensorboard"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: epochs that are finished, and steps of the optimiser in them."""

    epochs: int = 0
    steps: int = 0
