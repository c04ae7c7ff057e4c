"""A `tag` job that can be broken off: its lines are in FILE.part until all photos are done.

The first line of FILE.part says with which model and options the job was started, so that no file mixes two.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from vectortag.core.errors import ConfigError, OverwriteError
from vectortag.core.file_names import ESCAPING, escape_path
from vectortag.core.files import open_regular
from vectortag.core.writing import atomic_output, cannot_write

JOB = "vectortag tag"


class TagJob:
    """The lines of a job that are done, and a stream for those that follow.

    Attributes:
        file: FILE.part.
        done: the paths of the photos that have a line, as JSON Lines writes them.
        failed: how many of them could not be tagged.
    """

    def __init__(self, output: Path, options: Mapping[str, Any]) -> None:
        self.output, self.file = output, output.with_name(f"{output.name}.part")
        self.header = {"job": JOB, **options}
        self.done: set[str] = set()
        self.failed = 0
        self.start = self.end = 0  # bytes: where the lines begin, and where the last whole one ends

    def read(self) -> None:
        """Read what is done; only whole lines count.

        Raises:
            ConfigError: the job has another model or other options.
            OverwriteError: the file is no job of VectorTag's.
        """
        try:
            with open_regular(self.file) as lines:
                for line in lines:
                    if not line.endswith(b"\n") or not self._take(line):
                        break
                    self.end += len(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise cannot_write(self.file, error) from error
        if self.end == 0 and self.file.stat().st_size > 0:
            self._refuse_strangers()

    def _take(self, line: bytes) -> bool:
        """Take a line; False if it is not whole."""
        try:
            content = json.loads(line)
        except ValueError:
            return False
        if self.end:
            self.done.add(content["path"])
            self.failed += "error" in content
        else:
            self._check(content)
            self.start = len(line)
        return True

    def _check(self, header: Any) -> None:
        if not isinstance(header, dict) or header.get("job") != JOB:
            raise OverwriteError(
                f"{escape_path(self.file)}: is not a job file of vectortag tag. Choose another --output"
            )
        expected = json.loads(json.dumps(self.header))
        for name in sorted(expected.keys() | header.keys()):
            if expected.get(name) != header.get(name):
                raise ConfigError(
                    f"{escape_path(self.file)}: was begun with {name} {header.get(name)}, and now it is "
                    f"{expected.get(name)}. Use the same options, or delete this file to start again"
                )

    def _refuse_strangers(self) -> None:
        """Only the beginning of a header may be lost."""
        with open_regular(self.file) as lines:
            if not json.dumps(self.header).encode().startswith(lines.read(1 << 16)):
                raise OverwriteError(
                    f"{escape_path(self.file)}: is not a job file of vectortag tag. Choose another --output"
                )

    @contextmanager
    def writing(self) -> Iterator[TextIO]:
        """Yield a stream that goes on behind the last whole line. At the end, the lines become the output.

        Raises:
            OutputError: a file cannot be written.
        """
        try:
            with self.file.open("ab") as file:
                file.truncate(self.end)
            with self.file.open("a", encoding="utf-8", errors=ESCAPING, newline="", buffering=1) as stream:
                if not self.end:
                    self.start = stream.write(json.dumps(self.header) + "\n")
                yield stream
        except OSError as error:
            raise cannot_write(self.file, error) from error
        with atomic_output(self.output) as output, open_regular(self.file) as lines:
            lines.seek(self.start)
            shutil.copyfileobj(lines, output)
        self.file.unlink(missing_ok=True)
