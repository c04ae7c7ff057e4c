"""The paths of VectorTag's own files and of the user's data and cache.

Models and added tags are in the data folder; what can be rebuilt is in the cache.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from vectortag.core.checked import write_checked

PACKAGE = Path(__file__).parents[1]
"""The folder of the installed package, with the shipped models, taxonomies and words."""


def data_home() -> Path:
    """The user's data folder: `VECTORTAG_HOME`, else the platform's. It may not exist yet."""
    home = os.environ.get("VECTORTAG_HOME")
    return Path(home) if home else platformdirs.user_data_path("vectortag", appauthor=False)


def cache_home() -> Path:
    """The user's cache folder; its files may be deleted at any time. It may not exist yet."""
    home = os.environ.get("VECTORTAG_HOME")
    return Path(home) / "cache" if home else platformdirs.user_cache_path("vectortag", appauthor=False)


def library_file() -> Path:
    """The path of the user's photo library; it may not exist yet."""
    return data_home() / "library.sqlite"


def report_folder(name: str) -> Path:
    """The path of the report of a fitted model."""
    return data_home() / "reports" / name


def write_cache_file(file: Path, content: bytes, *, most: int) -> bool:
    """Write a cache file, its hash at the end; delete the least recently used files of its kind in its folder.

    If the cache cannot be written, this does nothing: no command fails for its cache.

    Args:
        most: the number of files with this suffix to keep. Reading counts as use only if the reader touches the file.

    Returns:
        Whether it was written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_checked(file, content)
        by_use = sorted(file.parent.glob(f"*{file.suffix}"), key=lambda kept: kept.stat().st_mtime, reverse=True)
        for old in by_use[most:]:
            old.unlink(missing_ok=True)
    except OSError:
        return False
    return True
