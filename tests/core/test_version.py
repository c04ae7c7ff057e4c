"""The version is one for the package, its metadata and its build."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import vectortag
from vectortag.core.version import __version__

ROOT = Path(__file__).parents[2]


def test_the_package_has_the_version_of_its_build():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    source = (ROOT / settings["tool"]["hatch"]["version"]["path"]).read_text("utf-8")

    assert vectortag.__version__ == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert f'__version__ = "{__version__}"' in source
