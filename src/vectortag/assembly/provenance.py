"""What a model folder remembers of how it came to be, whichever way it was fitted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vectortag.core.git_commit import git_commit
from vectortag.data.digest import data_digests
from vectortag.data.training import TrainingData


def data_provenance(data: TrainingData, started: float) -> dict[str, Any]:
    """The hash of each data set, the commit of the working folder where it is in a git repository, and seconds.

    Args:
        started: when the work began, by `time.monotonic`.

    Raises:
        DataError: a photo can no longer be read.
    """
    commit = git_commit(Path.cwd())
    found: dict[str, Any] = {"data": data_digests(data)}
    if commit is not None:
        found["git"] = commit
    return found | {"seconds": round(time.monotonic() - started)}
