"""A folder of files that appear whole or not at all: on a disk, or under a prefix of an object store."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast

from vectortag.core.errors import OutputError
from vectortag.core.file_names import escape_path
from vectortag.core.files import read_file
from vectortag.core.writing import ORDINARY, atomic_output, replace_file
from vectortag.data.object_store import persistently, plain, store_of
from vectortag.data.sources import Source

PIECE = 1 << 20
"""Bytes that are sent at a time."""

WRITTEN, READ, REMOVED = "written", "read", "removed"


@dataclass(frozen=True)
class OutputFolder:
    """A folder: a path, or a URL of an object store."""

    place: Source

    @property
    def name(self) -> str:
        """As messages have it."""
        return escape_path(self.place)

    def path_of(self, name: str) -> str:
        """The path or the URL of a file."""
        return f"{self.place}/{name}"

    def write(self, name: str, content: bytes) -> None:
        """Write a file, which appears whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        with self._explained(name, WRITTEN):
            if isinstance(self.place, str):
                persistently(lambda: self._upload(name, io.BytesIO(content)))
            else:
                self.place.mkdir(parents=True, exist_ok=True)
                replace_file(self.place / name, content, mode=ORDINARY)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Yield a file that appears under its name at the end of the block, and not at all where the block fails.

        What becomes an object is a temporary file of this machine until then.

        Raises:
            OutputError: it cannot be written.
        """
        if not isinstance(self.place, str):
            with atomic_output(self.place / name) as file:
                yield file
            return
        with tempfile.TemporaryFile() as temporary:
            yield cast(BinaryIO, temporary)
            with self._explained(name, WRITTEN):
                persistently(lambda: self._upload(name, temporary))

    def _upload(self, name: str, file: IO[bytes]) -> None:
        filesystem, path = store_of(self.path_of(name))
        file.seek(0)
        with filesystem.open_output_stream(path) as stream:
            shutil.copyfileobj(file, stream, PIECE)

    def read(self, name: str) -> bytes | None:
        """A file's content; None if there is none.

        Raises:
            OutputError: it cannot be read.
        """
        try:
            with self._explained(name, READ):
                if not isinstance(self.place, str):
                    return read_file(self.place / name)
                filesystem, path = store_of(self.path_of(name))
                return persistently(lambda: _content(filesystem, path))
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            OutputError: it cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError), self._explained(name, REMOVED):
            if not isinstance(self.place, str):
                (self.place / name).unlink()
                return
            filesystem, path = store_of(self.path_of(name))
            persistently(lambda: filesystem.delete_file(path))

    def names(self) -> set[str]:
        """The names of its files; none where it does not exist."""
        return set(self.sizes())

    def sizes(self) -> dict[str, int]:
        """The bytes of its files, by their names; none where it does not exist.

        Raises:
            OutputError: it cannot be listed.
        """
        if not isinstance(self.place, str):
            if not self.place.is_dir():
                return {}
            with self._explained("", READ):
                return {entry.name: entry.lstat().st_size for entry in self.place.iterdir()}
        from pyarrow.fs import FileSelector

        filesystem, path = store_of(self.place)
        with self._explained("", READ):
            found = persistently(lambda: filesystem.get_file_info(FileSelector(path, allow_not_found=True)))
        return {one.base_name: one.size or 0 for one in found}

    @contextlib.contextmanager
    def _explained(self, name: str, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and done != WRITTEN:
                raise
            where = escape_path(self.path_of(name).rstrip("/"))
            raise OutputError(f"{where}: cannot be {done}: {error.strerror or plain(error)}") from error


def _content(filesystem: Any, path: str) -> bytes:
    with filesystem.open_input_file(path) as file:
        content: bytes = file.read()
        size = file.size()
    if len(content) != size:
        raise OSError(f"the object ended after {len(content):,} of {size:,} bytes")
    return content
