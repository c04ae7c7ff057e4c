"""What an output may replace: decided in one place, before any work is done.

An output is never an input, nor anything that begins as a photo does; pictures of our own carry a mark, by which they
are known. Any other file is replaced where it has the form that is about to be written, so that yesterday's command can
be repeated; else only where that was asked for.
"""

from __future__ import annotations

import functools
import io
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vectortag.core.errors import OutputError, OverwriteError
from vectortag.core.file_names import escape_path, is_folder
from vectortag.core.files import open_regular
from vectortag.core.writing import unwritable
from vectortag.runtime.photo_kinds import SUFFIXES, looks_like_photo

START = 1 << 16
"""Bytes of a file that say of what form it is."""

SOFTWARE = "VectorTag"
_TABLE_LINE = re.compile(r"  (no tag reaches |error: |and so: |.+  [ ▏▎▍▌▋▊▉█#]{20} [01]\.\d\d$)")
_MARK = b"tEXtSoftware\0" + SOFTWARE.encode()


@dataclass(frozen=True, slots=True)
class Form:
    """What a command writes: how it is called in an error, and whether a file begins like it."""

    name: str
    fits: Callable[[bytes], bool]


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(starts)


def _has_our_mark(start: bytes) -> bool:
    return start.startswith(b"\x89PNG") and _MARK in start[:1024]


def _is_maps(start: bytes) -> bool:
    return start[8:].startswith(b'{"__metadata__":{') and b'"maps":' in start and b'"scores":' in start


def _is_table(start: bytes) -> bool:
    """The table of `tag`: a path, and below it, indented, bars or what there is to say."""
    lines = start.decode("utf-8", "replace").splitlines()[1:2]
    return any(_TABLE_LINE.match(line) for line in lines)


PICTURE = Form("a picture of VectorTag's", _has_our_mark)
MAPS = Form("heat maps of VectorTag's", _is_maps)
JSON_LINES = Form("JSON Lines of VectorTag's", _begins(b'{"path": '))
REPORT_JSON = Form("a JSON report of VectorTag's", _begins(b'{\n  "model": '))
TAGS_CSV = Form("a CSV file of tags", _begins(b"path,tag,score,"))
TAGS_TABLE = Form("a table of tags", _is_table)
FOUND_TABLE = Form("a table of photos", _begins(b" similarity  photo", b"similarity  photo"))
PAGE = Form(
    "a page of VectorTag's",
    lambda start: start.startswith(b"<!doctype html>") and b"figcaption { font-size: .8rem;" in start,
)
LABELS = Form("a metadata.csv", lambda _: False)
"""A metadata.csv of VectorTag's looks like anybody's, and may be somebody's work: it is never taken for our own."""


def to_png(image: Image.Image, *, compress_level: int = 6) -> bytes:
    """The content of a PNG file that carries our mark."""
    from PIL import PngImagePlugin  # here, since tagging writes no picture

    about = PngImagePlugin.PngInfo()
    about.add_text("Software", SOFTWARE)
    content = io.BytesIO()
    image.save(content, "PNG", pnginfo=about, compress_level=compress_level)
    return content.getvalue()


class Inputs:
    """The files and folders that a command reads."""

    def __init__(self, paths: Iterable[str | Path] = ()) -> None:
        named = [Path(path) for path in paths]
        self._folders = [path for path in named if is_folder(path)]
        self._files = [path for path in named if not is_folder(path)]
        self._names = {os.path.abspath(path) for path in self._files}  # noqa: PTH100

    def hold(self, path: Path, found: os.stat_result | None) -> bool:
        """Whether a file is among them, by what it is and not by its name: links and other spellings count.

        Args:
            found: the state of `path`; None where there is nothing yet, so that its name alone can say.
        """
        if found is None:
            return os.path.abspath(path) in self._names  # noqa: PTH100
        if (found.st_dev, found.st_ino) in self._ids:
            return True
        return any(_is_photo_within(path, found, folder) for folder in self._folders)

    @functools.cached_property
    def _ids(self) -> set[tuple[int, int]]:
        return {(found.st_dev, found.st_ino) for path in self._files if (found := _known_state(path)) is not None}


def check_output(path: Path, form: Form, *, inputs: Inputs, overwrite: bool = False) -> None:
    """Refuse an output that must not be replaced, or that cannot be written. A place where nothing lies is free.

    Args:
        path: the file that is to be written.
        form: what it will be.
        inputs: what the command reads.
        overwrite: replace a file of another form; an input and a photo are never replaced.

    Raises:
        OverwriteError: the file is an input, a photo, or of another form.
        OutputError: it cannot be written: it is no ordinary file, or its name is too long.
    """
    name = escape_path(path)
    found = _state(path)
    if inputs.hold(path, found):
        raise OverwriteError(f"{name}: is an input, and would be replaced by the output. Name another file")
    if found is None:
        return
    if not stat.S_ISREG(found.st_mode):
        raise OutputError(f"{name}: cannot be written: it is there and is no ordinary file. Name a file")
    start, is_photo = _look(path)
    if is_photo and not _has_our_mark(start):
        raise OverwriteError(
            f"{name}: is a photo, or a picture that VectorTag did not make, and is never replaced. Name another file"
        )
    if start and not form.fits(start) and not overwrite:
        raise OverwriteError(
            f"{name}: is there already and is not {form.name}. Name another file, or pass --overwrite to replace it"
        )


def check_outputs_differ(*paths: Path | None) -> None:
    """Refuse two outputs of one command that are one file.

    Raises:
        OverwriteError: two are the same.
    """
    named = [Path(os.path.abspath(path)) for path in paths if path is not None]  # noqa: PTH100
    if len(set(named)) < len(named):
        raise OverwriteError(f"{escape_path(named[0])}: two outputs cannot be one file. Name another file for one")


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise unwritable(path, error if isinstance(error, OSError) else OSError(str(error))) from error


def _known_state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _is_photo_within(path: Path, found: os.stat_result, folder: Path) -> bool:
    """Whether a folder's photos include the file: by where it lies, or, where it has several names, by a look at all.

    What has no photo's name is not tagged from a folder, so it is no input.
    """
    if path.suffix.lower() in SUFFIXES and any(_is_same(above, folder) for above in path.resolve().parents):
        return True
    if found.st_nlink == 1:
        return False
    names = (Path(above, name) for above, _, files in os.walk(folder) for name in files)
    return any(name.suffix.lower() in SUFFIXES and _is_same(name, path) for name in names)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _look(path: Path) -> tuple[bytes, bool]:
    """How a file begins, and whether as a photo does."""
    try:
        with open_regular(path) as file:
            start = file.read(START)
            file.seek(0)
            return start, looks_like_photo(file)
    except OSError as error:  # what cannot be looked at is not replaced
        raise unwritable(path, error) from error
