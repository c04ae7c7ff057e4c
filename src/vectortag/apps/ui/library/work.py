"""What jobs do with a library, each through a connection of its own."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from vectortag.apps.ui.library.jobs import MOST_DIFFS, Job
from vectortag.core.file_names import escape_path
from vectortag.inference.found_page import ShownPhoto, write_page
from vectortag.library.descriptions import PhotoDescription, write_descriptions
from vectortag.library.duplicates import DuplicateGroup
from vectortag.library.library import Library
from vectortag.library.update import Updated
from vectortag.library.write_xmp import Outcome, What

MOST_ON_SHEET = 1000
"""Photos of a contact sheet: each takes about 30 kB of it."""

Work = Callable[[Job], None]
Form = Literal["csv", "jsonl", "html"]
TYPES = {"csv": "text/csv", "jsonl": "application/jsonl", "html": "text/html"}


def updating(file: Path, *, retry: bool = False) -> Work:
    """Read and tag what is new or changed in the library's folders."""

    def work(job: Job) -> None:
        with Library.open(file, create=False) as library:
            done = library.update(stop=lambda: job.is_stopping, progress=job.progress, retry=retry)
            for path, why in library.errors():
                job.add_problem(_cause(why), escape_path(path))
            offline = [escape_path(root.path) for root in library.roots() if root.why]
        job.summary = _told(done) + "".join(f" {folder} is not there now; its photos are kept." for folder in offline)

    return work


def _told(done: Updated) -> str:
    counts = {
        "new": max(0, done.seen.new - done.moved),
        "changed": done.seen.changed,
        "moved": done.moved,
        "gone": done.gone,
        "tagged": done.analysed,
        "tagged again from what was stored": done.adopted,
    }
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    left = f" {done.left:,} are left." if done.left else ""
    return f"{done.seen.photos:,} photos: {told or 'all as they were'}.{left}"


def writing_sidecars(file: Path, rows: Sequence[int] | None, *, dry_run: bool) -> Work:
    """Write tags into sidecars, or only see what would change.

    Args:
        rows: of the photos; None: all.
    """

    def work(job: Job) -> None:
        counts: Counter[What] = Counter()
        with Library.open(file, create=False) as library:
            paths = () if rows is None else library.paths(rows)
            total = len(library.rows() if rows is None else paths)
            outcomes = library.write_xmp(paths, dry_run=dry_run) if total else iter(())
            for one in _until_stopped(job, outcomes, total):
                counts[one.what] += 1
                if one.problem:
                    job.add_problem(_cause(one.problem.removeprefix(f"{escape_path(one.sidecar)}: ")), one.problem)
                if one.diff and len(job.diffs) < MOST_DIFFS:
                    job.diffs.append(one.diff)
        job.changes = counts["made"] + counts["changed"] + counts["removed"]
        job.summary = sidecar_summary(counts, dry_run=dry_run)

    return work


def sidecar_summary(counts: Mapping[What, int], *, dry_run: bool) -> str:
    """How many sidecars came to what.

    >>> sidecar_summary({"made": 2, "unchanged": 1}, dry_run=True)
    'Sidecars: 2 would be made, 1 unchanged. Nothing was written yet.'
    >>> sidecar_summary({"unchanged": 3}, dry_run=True)
    'Sidecars: 3 unchanged. There is nothing to write.'
    """
    would = {"made", "changed", "removed"} if dry_run else set()
    note = "Nothing was written yet." if would & counts.keys() else "There is nothing to write."
    told = ", ".join(f"{count:,} {'would be ' if what in would else ''}{what}" for what, count in counts.items())
    return f"Sidecars: {told or 'none'}.{f' {note}' if dry_run else ''}"


def _until_stopped(job: Job, outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    for done, one in enumerate(outcomes, start=1):
        yield one
        job.progress(done, max(done, total))
        if job.is_stopping:
            return


def exporting(file: Path, rows: Sequence[int], form: Form, *, title: str) -> Work:
    """Make a file of photos: their tags and facts, or a contact sheet.

    Args:
        title: of the contact sheet.
    """

    def work(job: Job) -> None:
        stream = io.StringIO()
        some = rows[:MOST_ON_SHEET] if form == "html" else rows
        with Library.open(file, create=False) as library:
            if form == "html":
                write_page(stream, title, _shown(job, library, some))
            else:
                write_descriptions(_counted(job, library, some), form, stream)
        left_out = f" A contact sheet has the first {MOST_ON_SHEET:,}." if len(some) < len(rows) else ""
        job.summary = f"{job.done:,} photos.{left_out}"
        job.file = f"photos.{form}", TYPES[form], stream.getvalue().encode()

    return work


def looking_for_duplicates(file: Path, take: Callable[[list[DuplicateGroup]], object]) -> Work:
    """Find the photos that show one picture, and hand them over."""

    def work(job: Job) -> None:
        with Library.open(file, create=False) as library:
            found = library.duplicates()
        for error in found.unread:
            job.add_problem("cannot be compared", str(error))
        take(list(found.groups))
        job.summary = f"{len(found.groups):,} groups of photos that show one picture."

    return work


def learning(file: Path, learn: Callable[[], str]) -> Work:
    """Make the model learn from all answers, and give the library its new scores.

    Args:
        learn: returns what was learned, in words.
    """

    def work(job: Job) -> None:
        told = learn()
        with Library.open(file, create=False) as library:
            library.update(stop=lambda: job.is_stopping, progress=job.progress)
        job.summary = told

    return work


def _counted(job: Job, library: Library, rows: Sequence[int]) -> Iterator[PhotoDescription]:
    for done, one in enumerate(library.describe(rows), start=1):
        yield one
        job.progress(done, len(rows))
        if job.is_stopping:
            return


def _shown(job: Job, library: Library, rows: Sequence[int]) -> Iterator[ShownPhoto]:
    """The photos of a contact sheet; none that a link leads out of the library's folders to."""
    for done, row in enumerate(rows, start=1):
        photo = library.photo(row)
        file = photo.file() if photo is not None else None
        if photo is not None and file is not None:
            tags = ", ".join(library.tags_on(photo))
            yield ShownPhoto(file, f"{photo.path.name}: {tags}" if tags else photo.path.name)
        elif photo is not None:
            job.add_problem("not there, or a link out of the library's folder", escape_path(photo.path))
        job.progress(done, len(rows))
        if job.is_stopping:
            return


def _cause(text: str) -> str:
    """An error without what differs from photo to photo: its first sentence."""
    return text.split("\n")[0].split(". ")[0][:160]
