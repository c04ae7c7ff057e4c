"""A library of a few photos under the tiny model, and libraries of photos that never were."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from synthetic_library import MadePhoto, write_library

from vectortag.library.library import Library
from vectortag.library.update import Updated
from vectortag.model.folder import ModelFolder

_WATCHED: list[list[Path]] = []
"""The lists that take the names of files that are opened; an audit hook stays for good, so there is one."""


def _note_opened(event: str, arguments: tuple[Any, ...]) -> None:
    if _WATCHED and event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        _WATCHED[-1].append(Path(os.fsdecode(arguments[0])))


sys.addaudithook(_note_opened)


@pytest.fixture
def opened_photos(photos: Path) -> Iterator[Callable[[], list[Path]]]:
    """opened_photos(): the photos of the folder that this process has opened since the last call."""
    names: list[Path] = []

    def since() -> list[Path]:
        found = [name for name in names if photos in name.parents and name.suffix in {".jpg", ".png"}]
        names.clear()
        return found

    _WATCHED.append(names)
    yield since
    _WATCHED.remove(names)


@pytest.fixture
def photos(make_photo: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder: a.jpg, b.jpg, in/c.jpg, in/deep/d.png."""
    for seed, name in enumerate(("a.jpg", "b.jpg", "in/c.jpg", "in/deep/d.png")):
        make_photo(f"photos/{name}", seed=seed)
    return tmp_path / "photos"


@pytest.fixture
def library(tmp_path: Path, photos: Path) -> Iterator[Library]:
    """A library of the folder, not yet updated."""
    with Library.open(tmp_path / "library.sqlite") as opened:
        opened.add(photos)
        yield opened


@pytest.fixture
def update(library: Library, tiny_model: Path) -> Callable[..., Updated]:
    """update(prune=True): an update of the library with the tiny model."""

    def run(**options: Any) -> Updated:
        return library.update(**{"model": tiny_model, **options})

    return run


@pytest.fixture
def rows(library: Library) -> Callable[..., list[Any]]:
    """rows("SELECT path FROM photos"): what a query finds; of one column, the values themselves."""

    def ask(query: str, *values: object) -> list[Any]:
        found = library.database.execute(query, values).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    return ask


@pytest.fixture
def updated(
    library: Library, update: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Library:
    """The library after an update, with a home of its own for corrections."""
    monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path / "home"))
    update()
    return library


@pytest.fixture
def make(tmp_path: Path, worded: ModelFolder) -> Iterator[Callable[..., Library]]:
    """make(photos...): a library of photos that never were, as made_photos.py has them."""
    opened: list[Library] = []

    def write(*photos: MadePhoto, **options: Any) -> Library:
        file = tmp_path / f"library{len(opened)}.sqlite"
        opened.append(write_library(file, worded, photos, **options))
        return opened[-1]

    yield write
    for library in opened:
        library.close()
