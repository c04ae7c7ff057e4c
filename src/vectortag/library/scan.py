"""Looks through the roots of a library: which photos are new, changed, back or gone. It opens no photo.

A photo whose size and time of change are those of its row costs one `stat`. New and changed photos become rows without
content: they are the work that is left, also for a later process if this one is killed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vectortag.core.file_names import escape_path
from vectortag.core.files import changed_ns
from vectortag.data.find import FolderContent, LeftOut, folders_of
from vectortag.library.folders import Root, lost_mounts, roots_of, why_offline
from vectortag.library.mounts import mount_of
from vectortag.library.schema import transaction

ROWS_TOGETHER = 2000
"""Rows per transaction; bounds memory, and how long others wait."""

Known = tuple[int, int, int, int, float | None]
"""Of a row: id, size, mtime_ns, sidecar_ns, gone."""

IN_FOLDER = """
SELECT substr(path, :start), id, size, mtime_ns, sidecar_ns, gone FROM photos
WHERE root = :root AND path >= :low AND path < :high AND instr(substr(path, :start), '/') = 0
"""
FOLDERS = "SELECT DISTINCT rtrim(path, replace(path, '/', '')) FROM photos WHERE root = ? AND gone IS NULL"
"""Each folder that has photos, relative, with "/" at its end: all characters but "/" are cut off on the right."""
INSERT = "INSERT INTO photos (root, path, size, mtime_ns, sidecar_ns, added) VALUES (?, ?, ?, ?, ?, ?)"
CHANGE = """
UPDATE photos SET size = ?, mtime_ns = ?, sidecar_ns = ?, content = NULL, error = NULL, gone = NULL WHERE id = ?
"""


@dataclass(slots=True)
class Seen:
    """What a scan found.

    Attributes:
        photos: that are there, in roots that are online.
        unchanged, new, changed: of them. A photo that is back as it was is unchanged.
        began: when the scan began.
        gone: photos that were there and are not, the moved ones among them.
        closed: folders that cannot be read or are not mounted. Their photos are kept.
        stale: rows of unchanged photos whose sidecars changed, with the time of that change.
        left_out: what is in the folders besides photos.
        stopped: the scan did not reach its end.
    """

    began: float = field(default_factory=time.time)
    photos: int = 0
    unchanged: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    closed: list[str] = field(default_factory=list)
    stale: list[tuple[int, int]] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    stopped: bool = False


def scan(database: sqlite3.Connection, *, stop: Callable[[], bool] = bool) -> Seen:
    """Look through all roots, and write into their rows and those of their photos what changed.

    Args:
        stop: asked before each folder; True ends the scan, and nothing becomes gone then.
    """
    seen = Seen()
    for root in roots_of(database):
        why = why_offline(database, root) or _RootScan(database, root, seen, stop).run()
        if seen.stopped:
            break
        with transaction(database):
            state = "online" if why is None else "offline"
            database.execute("UPDATE roots SET state = ?, why = ? WHERE id = ?", (state, why, root.id))
    return seen


class _RootScan:
    """The scan of one root."""

    def __init__(self, database: sqlite3.Connection, root: Root, seen: Seen, stop: Callable[[], bool]) -> None:
        self.database, self.root, self.seen, self.stop = database, root, seen, stop
        self.now = seen.began
        self.lost = lost_mounts(database, root)
        self.kept = [f"{folder}/" for folder in self.lost]
        self.visited: set[str] = set()
        self.devices: dict[str, int] = {}
        self.mounts = set(self.lost)
        self.new: list[tuple[int, str, int, int, int, float]] = []
        self.changed: list[tuple[int, int, int, int]] = []
        self.back: list[tuple[int]] = []
        self.gone: list[tuple[float, int]] = []
        seen.closed += [escape_path(root.path / folder) for folder in self.lost]

    def run(self) -> str | None:
        """Look through the root. Returns why it is offline after all, or None."""
        before = self.seen.photos
        for folder in folders_of(self.root.path, left_out=self.seen.left_out):
            if self.stop():
                self.seen.stopped = True
                break
            self._look_into(folder)
            if len(self.new) + len(self.changed) + len(self.back) >= ROWS_TOGETHER:
                self._write()
        self._write()
        if self.seen.stopped:
            return None
        if self.seen.photos == before and not self.kept and self._had_photos():
            return "it has no photos any more. If that is right, forget them with: vectortag library remove FOLDER"
        self._finish()
        return None

    def _look_into(self, folder: FolderContent) -> None:
        path = str(folder.path)
        relative = escape_path(path[len(str(self.root.path)) :].lstrip(os.sep).replace(os.sep, "/"))
        prefix = f"{relative}/" if relative else ""
        self.visited.add(prefix)
        self._note_device(path, relative)
        known = self._rows(prefix)
        times = _sidecar_times(folder) if folder.sidecars else {}
        photos = unchanged = 0
        for entry in folder.photos:
            name = escape_path(entry.name)
            row = known.pop(name, None)
            try:
                status = entry.stat()
            except FileNotFoundError:  # gone meanwhile, or a link to nothing
                if row is not None:
                    known[name] = row
                continue
            except OSError:
                continue  # its row stays
            latest = _latest(times, entry.name) if times else 0
            if row is None or row[1:] != (status.st_size, status.st_mtime_ns, latest, None):
                if stat.S_ISDIR(status.st_mode):
                    continue
                unchanged += self._note_difference(prefix + name, row, status, latest)
            else:
                unchanged += 1
            photos += 1
        self.seen.photos += photos
        self.seen.unchanged += unchanged
        if not folder.is_whole:
            self.seen.closed.append(escape_path(path))
            self.kept.append(prefix)
        elif not prefix.startswith(tuple(self.kept)):
            self.gone += [(self.now, row[0]) for row in known.values() if row[4] is None]

    def _rows(self, prefix: str) -> dict[str, Known]:
        """The rows of the photos directly in a folder, by name."""
        low, high = (prefix, prefix[:-1] + "0") if prefix else ("", "\U0010ffff")  # "0" comes after "/"
        values = {"root": self.root.id, "low": low, "high": high, "start": len(prefix) + 1}
        return {row[0]: row[1:] for row in self.database.execute(IN_FOLDER, values)}

    def _note_difference(self, path: str, row: Known | None, status: os.stat_result, latest: int) -> bool:
        """Note a photo that differs from its row. Returns whether its file does not."""
        size, changed = status.st_size, changed_ns(status)
        if row is None:
            self.new.append((self.root.id, path, size, changed, latest, self.now))
            self.seen.new += 1
            return False
        if row[1:3] != (size, changed):
            self.changed.append((size, changed, latest, row[0]))
            self.seen.changed += 1
            return False
        if row[4] is not None:
            self.back.append((row[0],))
        if row[3] != latest:
            self.seen.stale.append((row[0], latest))
        return True

    def _note_device(self, path: str, relative: str) -> None:
        """Note a folder that is a mount point: it is on another device than the folder above."""
        try:
            device = os.stat(path).st_dev  # noqa: PTH116
        except OSError:
            return
        self.devices[path] = device
        above = self.devices.get(os.path.dirname(path))  # noqa: PTH120
        if relative and above is not None and above != device:
            self.mounts.add(relative)

    def _write(self) -> None:
        with transaction(self.database):
            self.database.executemany(INSERT, self.new)
            self.database.executemany(CHANGE, self.changed)
            self.database.executemany("UPDATE photos SET gone = NULL WHERE id = ?", self.back)
        self.new.clear()
        self.changed.clear()
        self.back.clear()

    def _had_photos(self) -> bool:
        rows = self.database.execute("SELECT 1 FROM photos WHERE root = ? AND gone IS NULL LIMIT 1", (self.root.id,))
        return rows.fetchone() is not None

    def _finish(self) -> None:
        """Mark what is gone, also the photos of folders that are gone themselves."""
        kept = tuple(self.kept)
        folders = [row[0] for row in self.database.execute(FOLDERS, (self.root.id,))]
        for prefix in folders:
            if prefix not in self.visited and not prefix.startswith(kept):
                self.gone += [(self.now, row[0]) for row in self._rows(prefix).values() if row[4] is None]
        self.seen.gone += len(self.gone)
        mount, mounts = escape_path(mount_of(self.root.path).point), json.dumps(sorted(self.mounts))
        with transaction(self.database):
            self.database.executemany("UPDATE photos SET gone = ? WHERE id = ?", self.gone)
            self.database.execute(
                "UPDATE roots SET seen = ?, mount = ?, mounts = ? WHERE id = ?", (self.now, mount, mounts, self.root.id)
            )


def _sidecar_times(folder: FolderContent) -> dict[str, int]:
    """When each sidecar was changed, by its name without ".xmp"."""
    times: dict[str, int] = {}
    for entry in folder.sidecars:
        try:
            changed = changed_ns(entry.stat())
        except OSError:
            continue
        times[entry.name[:-4]] = max(changed, times.get(entry.name[:-4], 0))
    return times


def _latest(times: dict[str, int], name: str) -> int:
    """The latest change of a photo's sidecars: `boat.jpg.xmp` and `boat.xmp`; 0 if it has none."""
    return max(times.get(name, 0), times.get(Path(name).stem, 0))
