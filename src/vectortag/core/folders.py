"""Where VectorTag's own files lie, and where it keeps the user's things.

Models and additions lie in a data folder, what can be rebuilt in a cache.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).parents[1]
"""Where what comes with VectorTag lies: models, taxonomies, words."""


def data_home() -> Path:
    """The user's data folder: `VECTORTAG_HOME`, else the platform's. It may not exist yet."""
    home = os.environ.get("VECTORTAG_HOME")
    return Path(home) if home else platformdirs.user_data_path("vectortag", appauthor=False)


def cache_home() -> Path:
    """The user's cache folder; whatever lies in it may be deleted at any time. It may not exist yet."""
    home = os.environ.get("VECTORTAG_HOME")
    return Path(home) / "cache" if home else platformdirs.user_cache_path("vectortag", appauthor=False)


def report_folder(name: str) -> Path:
    """Where the report of a fitted model lies."""
    return data_home() / "reports" / name
