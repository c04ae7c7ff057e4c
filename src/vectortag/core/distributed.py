"""Several processes that train together, as torchrun starts them; one process alone is the first of one."""

from __future__ import annotations

import os
import time
from pathlib import Path


def rank() -> int:
    """This process's number; the first is 0, and it alone writes."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """How many processes there are on all machines."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def count_here() -> int:
    """How many processes there are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def wait_for(file: Path) -> None:
    """Wait until the first process has written a file; where it fails, torchrun ends this process too."""
    while not file.is_file():
        time.sleep(0.2)
