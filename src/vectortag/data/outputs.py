"""What an output may replace. Commands check this before they do any work.

An output never replaces an input or a photo. VectorTag's own pictures carry a mark, and may be replaced. Any other file
is replaced if it is of the kind that is about to be written, so that a command can be repeated; else only with
`overwrite`.
"""

from __future__ import annotations

import functools
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.errors import OutputError, OverwriteError
from vectortag.core.file_names import escape_path, is_folder, is_there, real_path
from vectortag.core.files import open_regular
from vectortag.core.text import normalise
from vectortag.core.writing import cannot_write
from vectortag.data.ignore import IGNORE_FILE
from vectortag.data.records import KNOWN_TAGS
from vectortag.model.folder import FILES as MODEL_FILES
from vectortag.model.folder import MANIFEST
from vectortag.runtime.decoding.photo_kinds import SUFFIXES, looks_like_photo

START = 1 << 16
"""Bytes at the start of a file that are read to find out its kind."""

SOFTWARE = "VectorTag"
"""The value of "Software" in the PNG files that VectorTag writes; see `to_png` in inference/heatmap_drawing.py."""

ABOUT_PHOTOS = frozenset({"metadata.csv", KNOWN_TAGS, IGNORE_FILE})
"""Names of files in a folder of photos that are read with them."""
SIDECAR = ".xmp"

_TABLE_LINE = re.compile(r"  (no tag reaches |error: |and so: |.+  [ ▏▎▍▌▋▊▉█#]{20} [01]\.\d\d(  implied)?$)")
DEVICES = re.compile("/(dev|proc|sys)/(?!shm/)")
"""Folders in which no file can be made, and none should be replaced: /dev/stdout is a link there."""
_MARK = b"tEXtSoftware\0" + SOFTWARE.encode()


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a command writes.

    Attributes:
        name: for error messages.
        fits: whether a file with this start is of the kind.
    """

    name: str
    fits: Callable[[bytes], bool]


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(starts)


def _has_our_mark(start: bytes) -> bool:
    return start.startswith(b"\x89PNG") and _MARK in start[:1024]


def _is_maps(start: bytes) -> bool:
    return start[8:].startswith(b'{"__metadata__":{') and b'"maps":' in start and b'"scores":' in start


def _is_table(start: bytes) -> bool:
    """The table of `tag`: a path, and below it, indented, bars or a message."""
    lines = start.decode("utf-8", "replace").splitlines()[1:2]
    return any(_TABLE_LINE.match(line) for line in lines)


PICTURE = FileKind("a VectorTag picture", _has_our_mark)
MAPS = FileKind("VectorTag heat maps", _is_maps)
JSON_LINES = FileKind("VectorTag JSON Lines", _begins(b'{"path": '))
REPORT_JSON = FileKind("a VectorTag JSON report", _begins(b'{\n  "model": '))
TAGS_CSV = FileKind("a CSV file of tags", _begins(b"path,tag,score,"))
DOUBTS_CSV = FileKind("a CSV file of doubted labels", _begins(b"photo,tag,has,score"))
TAGS_TABLE = FileKind("a table of tags", _is_table)
FOUND_TABLE = FileKind("a table of photos", _begins(b" similarity  photo", b"similarity  photo"))
SEARCH_TABLE = FileKind("a table of found photos", _begins(b" score  photo", b"score  photo"))
SEARCH_CSV = FileKind("a CSV file of found photos", _begins(b"path,score,taken,"))
PAGE = FileKind(
    "a VectorTag page",
    lambda start: start.startswith(b"<!doctype html>") and b"figcaption { font-size: .8rem;" in start,
)
ONNX_FILE = FileKind("an ONNX file of VectorTag", lambda start: b"\x12\x09VectorTag" in start[:32])
"""Its second field is the name of the producer."""
WEIGHTS = FileKind("weights that VectorTag wrote", lambda start: b'"vectortag":' in start[8:1024])
PARQUET = FileKind("a file that may be replaced", lambda _: False)
"""The start of a Parquet file does not say whose it is: it may hold a user's photos."""
LABELS = FileKind("a metadata.csv", lambda _: False)
"""VectorTag's metadata.csv looks like any other, and may be somebody's work. So it never counts as our own."""


class InputFiles:
    """The files and folders that a command reads.

    `options` are values of options that may name a file: of a language, a list of tags. Other values do not count.
    """

    def __init__(self, paths: Iterable[str | Path] = (), *, options: Iterable[str | Path | None] = ()) -> None:
        given = [Path(path) for path in (*paths, *(option for option in options if option and is_there(option)))]
        self._folders = [path for path in given if is_folder(path)]
        self._files = [path for path in given if not is_folder(path)]
        self._names = {os.path.abspath(path) for path in self._files}  # noqa: PTH100

    def contains(self, path: Path, status: os.stat_result | None) -> bool:
        """Whether a file is one of them. Links to it and other spellings of its name count.

        Args:
            status: of `path`; None if the file does not exist yet. Then its name decides.
        """
        if status is None:
            return os.path.abspath(path) in self._names  # noqa: PTH100
        if (status.st_dev, status.st_ino) in self._ids:
            return True
        return any(_is_read_within(path, status, folder) for folder in self._folders)

    @functools.cached_property
    def _ids(self) -> set[tuple[int, int]]:
        statuses = map(_status_or_none, self._files)
        return {(status.st_dev, status.st_ino) for status in statuses if status is not None}


def check_output(path: Path, kind: FileKind, *, inputs: InputFiles, overwrite: bool = False) -> None:
    """Refuse an output that would replace a file of the user's, or that cannot be written. A new file is allowed.

    Args:
        path: the output file.
        kind: what will be written.
        inputs: what the command reads.
        overwrite: replace a file of another kind; an input or a photo is never replaced.

    Raises:
        OverwriteError: the file is an input, a photo, or of another kind.
        OutputError: it cannot be written: it is not a regular file, or its name is too long.
    """
    name = escape_path(path)
    _refuse_by_name(path)
    status = _status(path)
    if inputs.contains(path, status):
        raise OverwriteError(f"{name}: is an input, and would be replaced by the output. Choose another output file")
    if status is None:
        return
    if not stat.S_ISREG(status.st_mode):
        raise OutputError(f"{name}: cannot be written: it exists and is not a regular file. Choose another name")
    start, is_photo = _read_start(path)
    if is_photo and not _has_our_mark(start):
        raise OverwriteError(
            f"{name}: is a photo, or a picture that VectorTag did not make, and is never replaced. "
            "Choose another output file"
        )
    if start and not kind.fits(start) and not overwrite:
        raise OverwriteError(
            f"{name}: exists and is not {kind.name}. Choose another output file, or pass --overwrite to replace it"
        )


def check_outputs_differ(*paths: Path | None) -> None:
    """Refuse two outputs of one command that are the same file, or that a file system may take for the same.

    Raises:
        OverwriteError: two are the same.
    """
    outputs = [path for path in paths if path is not None]
    if len({normalise(os.path.realpath(path)) for path in outputs}) < len(outputs):
        raise OverwriteError(
            f"{escape_path(outputs[0])}: two outputs have the same name. Choose another output file for one of them"
        )


def _refuse_by_name(path: Path) -> None:
    name = escape_path(path)
    if path.suffix.lower() == SIDECAR:
        raise OverwriteError(f"{name}: is called like a sidecar, which programs read with a photo. Choose another name")
    if DEVICES.match(os.path.realpath(path.parent) + "/"):
        raise OutputError(f"{name}: cannot be written: it is in a folder of devices. To write to stdout, leave it out")
    if path.name in MODEL_FILES and is_there(path) and is_there(path.with_name(MANIFEST)):
        raise OverwriteError(
            f"{name}: is a part of a model folder, and would be replaced by the output. Choose another output file"
        )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise cannot_write(path, error if isinstance(error, OSError) else OSError(str(error))) from error


def _status_or_none(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _is_read_within(path: Path, status: os.stat_result, folder: Path) -> bool:
    """Whether a file is read from a folder: by its path or, if it has several hard links, by comparing files.

    Files that are neither photos nor something about photos are not read from a folder, so they are not inputs.
    """
    if _is_read(path) and any(_is_same(above, folder) for above in real_path(path).parents):
        return True
    if status.st_nlink == 1:
        return False
    names = (Path(above, name) for above, _, files in os.walk(folder) for name in files)
    return any(_is_read(name) and _is_same(name, path) for name in names)


def _is_read(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or path.name in ABOUT_PHOTOS


def _is_same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except (OSError, ValueError):
        return False


def _read_start(path: Path) -> tuple[bytes, bool]:
    """The first bytes of a file, and whether it begins like a photo."""
    try:
        with open_regular(path) as file:
            start = file.read(START)
            file.seek(0)
            return start, looks_like_photo(file)
    except OSError as error:  # a file that cannot be read is not replaced
        raise cannot_write(path, error) from error
