"""XMP sidecars: which file is a photo's sidecar, and what VectorTag changes in it.

Nothing here reads or writes a file. A sidecar is edited in place: what is not VectorTag's keeps its bytes.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_fields
from pathlib import Path

from msgspec.structs import replace

from vectortag.data.xmp import KeywordPath, XmpError
from vectortag.library.keyword_fields import Record, WantedTag
from vectortag.library.keyword_merge import Planned, plan, plan_nothing, read_lists
from vectortag.library.packet import EMPTY, Packet
from vectortag.runtime.decoding.photo_kinds import OTHER_KINDS, SUFFIXES


@dataclass(frozen=True, slots=True)
class ModelRun:
    """Whose scores are written: `model` is `name@digest`, `date` is in ISO 8601."""

    model: str
    date: str


def merge(
    existing: bytes | None,
    wanted: Sequence[WantedTag],
    *,
    run: ModelRun,
    last: Record | None = None,
    refused: Collection[str] = (),
    embedded: Sequence[KeywordPath] = (),
) -> bytes | None:
    """A sidecar with the wanted tags, and without those of VectorTag that are not wanted any more.

    Args:
        existing: the sidecar; None if there is none.
        wanted: the tags that the photo is to have, best first.
        run: the model run that gave the scores.
        last: what VectorTag wrote last, for a sidecar in which another program did not keep that.
        refused: tags that a person rejected.
        embedded: the person's keywords inside the photo. A new sidecar repeats them: programs that read it look no
            further.

    Returns:
        The new content; None if nothing changes; b"" if VectorTag made the sidecar and nothing is left in it.

    Raises:
        XmpError: the sidecar cannot be read, or has a layout that is not known. It is to be left alone.
    """
    packet = Packet(EMPTY if existing is None else existing)
    before = packet.record if packet.record is not None else (last if existing is not None else None)
    there = read_lists(packet.lists, before, noted=packet.record is not None, embedded=embedded)
    planned = plan(there, wanted, refused=refused)
    record = replace(
        planned.record,
        model=run.model,
        date=run.date,
        created=existing is None or (packet.record is not None and packet.record.created),
    )
    changes = [*planned.add.values(), *planned.remove.values()]
    if not any(changes) and (packet.record or Record()).says_the_same(record):
        return None
    content = packet.edited(with_fields(planned, record=record))
    if content:
        _check(content, packet, planned, record)
    return content


def _check(content: bytes, before: Packet, planned: Planned, record: Record) -> None:
    """Read what is about to be written: a sidecar that says anything but what was planned is not."""
    after = Packet(content)
    for name in {*before.lists, *planned.add}:
        kept = [entry for entry in before.lists.get(name, ()) if entry not in planned.remove.get(name, ())]
        if sorted(after.lists.get(name, ())) != sorted([*kept, *planned.add.get(name, ())]):
            raise XmpError(f"its keywords in {name} cannot be changed without losing others")
    if not record.says_nothing() and not (after.record or Record()).says_the_same(record):
        raise XmpError("what VectorTag notes in it cannot be read back")


def without_ours(existing: bytes, *, last: Record | None = None) -> bytes | None:
    """A sidecar without anything of VectorTag's.

    Returns:
        The new content; None if nothing of VectorTag's is in it; b"" if VectorTag made the sidecar and nothing is left.

    Raises:
        XmpError: as `merge`.
    """
    packet = Packet(existing)
    before = packet.record if packet.record is not None else last
    if before is None:
        return None
    planned = plan_nothing(read_lists(packet.lists, before, noted=packet.record is not None))
    if packet.record is None and not any(planned.remove.values()):
        return None
    return packet.edited(planned)


def record_in(content: bytes) -> Record | None:
    """What VectorTag noted in a sidecar; None if it never wrote to it.

    Raises:
        XmpError: as `merge`.
    """
    return Packet(content).record


class SidecarNames:
    """The names of the sidecars of the photos in a folder; lists each folder once.

    Args:
        by_stem: a sidecar to make is called `boat.xmp` where that would be the photo's.
    """

    def __init__(self, *, by_stem: bool = False) -> None:
        self._by_stem = by_stem
        self._listed = functools.lru_cache(maxsize=8)(_Folder.of)

    def of(self, photo: Path) -> tuple[Path, ...]:
        """The sidecars of a photo: those that exist, else the one to make.

        `boat.jpg.xmp` is one (digiKam, darktable, Immich). `boat.xmp` (Lightroom) is one if no other photo, RAW file or
        video is called boat. If both exist, both are: each program reads its own.
        """
        folder = self._listed(photo.parent)
        stem = photo.stem.casefold()
        found = [photo.with_name(name) for name in folder.named(photo.name + ".xmp")]
        is_only_one = folder.stems[stem] <= 1
        if is_only_one:
            found += [photo.with_name(name) for name in folder.named(photo.stem + ".xmp")]
        new = photo.stem if self._by_stem and is_only_one else photo.name
        return tuple(found) or (photo.with_name(new + ".xmp"),)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder: the names of its sidecars by what stands before .xmp, and the number of pictures with each stem."""

    sidecars: dict[str, list[str]]
    stems: Counter[str]

    @classmethod
    def of(cls, folder: Path) -> _Folder:
        names = os.listdir(folder)  # noqa: PTH208
        sidecars: dict[str, list[str]] = {}
        stems: Counter[str] = Counter()
        for name in names:
            stem, suffix = os.path.splitext(name)  # noqa: PTH122
            if suffix.lower() == ".xmp":
                sidecars.setdefault(stem, []).append(name)
            elif suffix.lower() in SUFFIXES or suffix.lower() in OTHER_KINDS:
                stems[stem.casefold()] += 1
        return cls(sidecars, stems)

    def named(self, name: str) -> list[str]:
        """The file of that name, whatever the case of its ".xmp"."""
        return sorted(self.sidecars.get(name[: -len(".xmp")], []))
