"""Constants of a network in files beside it, as ONNX needs them from 2 GB on: only in its own folder, within bounds.

A network from a stranger could name any file of the machine, or one that never ends. Here a name is a plain one, the
file a regular one that lies in the network's folder itself, no link, and the part that is named lies inside of it.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path

from vectortag.core.files import open_regular
from vectortag.core.text import has_control_characters
from vectortag.runtime.protobuf import Budget, WireError, fields, text

MOST_FILES = 4_000
"""An exporter may put each constant into a file of its own."""
KEYS = frozenset({"location", "offset", "length", "checksum"})


class ExternalData:
    """The files beside one network.

    Args:
        network: the ONNX file.
        most_bytes: of all of them together.
    """

    def __init__(self, network: Path, most_bytes: int) -> None:
        self._network, self._most_bytes = network, most_bytes
        self._maps: dict[str, memoryview] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that were named, in the order of their names."""
        return tuple(self._network.parent / name for name in sorted(self._maps))

    def part(self, entries: Mapping[str, str]) -> memoryview:
        """The bytes of one constant.

        Args:
            entries: location, and perhaps offset and length, as TensorProto.external_data has them.

        Raises:
            WireError: it names what is not a part of a file of the network's folder.
            OSError: the file cannot be read.
        """
        content = self._content(entries.get("location", ""))
        offset = _number(entries.get("offset", "0"))
        length = _number(entries.get("length", str(max(len(content) - offset, 0))))
        if offset + length > len(content):
            raise WireError(f"a tensor goes beyond the end of the file {entries['location']!r}")
        return content[offset : offset + length]

    def _content(self, name: str) -> memoryview:
        if name in self._maps:
            return self._maps[name]
        is_plain = name and not has_control_characters(name) and not {"/", "\\", ":"} & set(name)
        if not is_plain or name in {".", "..", self._network.name}:
            raise WireError(f"a tensor is in {name[:60]!r}, which is no other file of the network's folder")
        file = self._network.parent / name
        if file.is_symlink():
            raise WireError(f"a tensor is in {name[:60]!r}, which is a link. Copy the file itself into the folder")
        with open_regular(file) as opened:
            self._maps[name] = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        total = sum(map(len, self._maps.values()))
        if total > self._most_bytes or len(self._maps) > MOST_FILES:
            raise WireError(
                f"its tensors are in {len(self._maps):,} files of {total >> 20} MiB; the limit is {MOST_FILES:,} files "
                f"and {self._most_bytes >> 20} MiB"
            )
        return self._maps[name]


def add_entry(entries: dict[str, str], content: memoryview, budget: Budget) -> None:
    """Read a StringStringEntryProto into a dictionary.

    Raises:
        WireError: it is none, or says another thing than where a constant lies.
    """
    pair = {number: text(value) for number, value in fields(content, budget)}
    key = pair.get(1, "")
    if key not in KEYS or key in entries:
        raise WireError(f"a tensor in another file has the entry {key[:60]!r}")
    entries[key] = pair.get(2, "")


def _number(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise WireError(f"a tensor in another file is at {digits[:60]!r}")
    return int(digits)
