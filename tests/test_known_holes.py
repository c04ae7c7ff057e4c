"""An audit without a network: minimum and installed versions are above all holes of known_holes.toml."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
HOLES: dict[str, dict[str, str]] = tomllib.loads((ROOT / "tests/known_holes.toml").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NEEDED = ("pillow", "pillow-heif", "rawpy", "imagecodecs", "onnx", "starlette", "python-multipart", "streamlit")
"""Packages that read what strangers send."""


def requirements() -> Iterator[tuple[str, Requirement]]:
    """Each requirement of pyproject.toml, with the extra that has it."""
    extras = {"the core": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    for extra, lines in extras.items():
        for line in lines:
            yield extra, Requirement(line)


@pytest.mark.parametrize("package", HOLES)
def test_the_minimum_version_is_above_every_hole(package):
    found = [(extra, one) for extra, one in requirements() if one.name == package]
    assert found, f"{package} is no requirement"

    for extra, one in found:
        least = [Version(part.version) for part in one.specifier if part.operator in {">=", "=="}]
        assert least, f"{extra}: {package} has no minimum version"
        for hole, mended in HOLES[package].items():
            assert max(least) >= Version(mended), f"{extra}: {one} allows {hole}, mended in {mended}"


@pytest.mark.parametrize("package", HOLES)
def test_the_installed_version_is_above_every_hole(package):
    try:
        installed = Version(importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")

    open_holes = [hole for hole, mended in HOLES[package].items() if installed < Version(mended)]

    assert open_holes == []


def test_the_table_names_the_packages_that_read_what_strangers_send():
    assert set(NEEDED) <= set(HOLES)
    for package, holes in HOLES.items():
        for hole in holes:
            assert re.fullmatch(r"CVE-\d{4}-\d{4,}|PYSEC-\d{4}-\d+|malicious .+", hole), f"{package}: {hole}"


def test_page_and_service_name_the_packages_below_them():
    """FastAPI and Streamlit allow older versions of these."""
    by_extra = {(extra, one.name) for extra, one in requirements()}

    for extra in ("serve", "ui"):
        assert {(extra, "starlette"), (extra, "python-multipart")} <= by_extra
