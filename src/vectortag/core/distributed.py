"""Several processes that train together, as torchrun starts them; a single process is rank 0 of 1."""

from __future__ import annotations

import os
import time
from pathlib import Path


def rank() -> int:
    """The number of this process; only rank 0 writes files."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """The number of processes on all machines."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def count_here() -> int:
    """The number of processes on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def wait_for(file: Path) -> None:
    """Wait until rank 0 has written a file; if rank 0 fails, torchrun ends this process, too."""
    while not file.is_file():
        time.sleep(0.2)
