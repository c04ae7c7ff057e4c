"""The commit that the working folder is at, where it is in a git repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

SECONDS = 10
"""After which git is not waited for: a huge repository on a slow disk."""


def git_commit(folder: Path) -> str | None:
    """The commit of a folder's repository, as 40 hex digits, and "-dirty" where files differ from it.

    None where there is no repository, no commit or no git.
    """
    # A repository of strangers may name programs in its configuration; fsmonitor is one that this would run.
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(
            [*command, "--exclude=*"], capture_output=True, text=True, timeout=SECONDS, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = done.stdout.strip()
    return found if re.fullmatch(r"[0-9a-f]{40,64}(-dirty)?", found) else None
