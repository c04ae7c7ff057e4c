"""Jobs on the library: what can be begun for the photos found or ticked, and a panel of the jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence, Set

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.library.jobs import Job
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.page_query import LibraryQuery
from vectortag.apps.ui.library.work import Form, Work, exporting, updating, writing_sidecars
from vectortag.apps.ui.state import settings
from vectortag.apps.ui.text_block import text_block
from vectortag.apps.ui.views.library_selected import photos

EVERY = 1.0
"""Seconds between two looks at a job that runs."""

FORMS: dict[Form, tuple[str, str]] = {
    "csv": ("Table (CSV)", "table"),
    "jsonl": ("For programs (JSON Lines)", "data_object"),
    "html": ("Contact sheet (HTML)", "grid_view"),
}
NOTE = "job_note"
"""What is said of a job for a moment, wherever on the page the visitor is."""

ENDED = {"done": "done", "stopped": "stopped", "failed": "failed"}
GOES_ON = ("update", "write")
"""Kinds of jobs that go on where they were stopped."""


def job_menu(library: OpenLibrary, query: LibraryQuery, count: int, ticked: Set[int]) -> None:
    """Show the list of what can be begun, for the ticked photos, or else for all that were found.

    Args:
        query, count: what was searched for, and how many photos it found.
        ticked: rows.
    """
    nothing = not count and not ticked
    about = f"{photos(len(ticked))} ticked" if ticked else f"{photos(count)} found"

    def rows() -> list[int]:
        """The ticked ones in the order of the search; after a change, it may not find all of them any more."""
        found = library.rows(query.node())
        if not ticked:
            return found
        return [row for row in found if row in ticked] + sorted(ticked - set(found))

    label = "Write or export" if settings().edit else "Export"
    with st.container(width="content", key="library-menu"), st.popover(label, icon=":material/ios_share:"):
        st.caption(f"For the {about}")
        for form, (label, icon) in FORMS.items():
            if st.button(label, icon=f":material/{icon}:", type="tertiary", key=f"export-{form}", disabled=nothing):
                some = rows()
                job = Job("export", f"{label}: {about}", some)
                begin(library, job, exporting(library.file, some, form, title=query.title()))
        if settings().edit:
            write = "Write sidecars …"
            if st.button(write, icon=":material/note_add:", type="tertiary", key="preview", disabled=nothing):
                some = rows()
                job = Job("preview", f"What sidecars would change: {about}", some)
                begin(library, job, writing_sidecars(library.file, some, dry_run=True))
            st.caption("For the whole library")
            if st.button("Update: look for new photos", icon=":material/sync:", type="tertiary", key="update"):
                begin(library, Job("update", "Update"), updating(library.file))


def begin(library: OpenLibrary, job: Job, work: Work) -> None:
    """Start a job, say so, and draw the page again."""
    if library.jobs.start(job, work):
        st.session_state[NOTE] = f"{as_text(job.title)}: begun. It is shown at the top of the page."
    else:
        st.session_state[NOTE] = "Such a job runs already. Stop it first, or wait."
    st.rerun()


def job_panel(library: OpenLibrary) -> None:
    """Show the jobs that run, and those that ended until somebody closes them."""
    if note := st.session_state.pop(NOTE, None):
        st.toast(note)
    if library.jobs.all:
        st.fragment(_panel, run_every=EVERY if library.jobs.is_running else None)(library)


def _panel(library: OpenLibrary) -> None:
    running = library.jobs.is_running
    with st.container(key="library-jobs", gap="small"):
        for job in library.jobs.all:
            if job.kind == "duplicates" and job.state == "done" and not job.causes:
                continue  # the photos are the result
            with st.container(border=True, gap="small"):
                _show(library, job)
    if st.session_state.get("jobs_ran") and not running:  # the last one has ended meanwhile: look no more
        st.session_state["jobs_ran"] = False
        for last in library.jobs.all[:1]:
            st.session_state[NOTE] = f"{as_text(last.title)}: {ENDED.get(last.state, 'running')}."
        st.rerun()
    st.session_state["jobs_ran"] = running


def _show(library: OpenLibrary, job: Job) -> None:
    key = f"{job.kind}-{job.begun}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{as_text(job.title)}**" + ("" if job.is_running else f", {ENDED[job.state]}"), width="stretch")
        if job.is_running and job.kind != "duplicates":  # that is over in one go
            label = "Pause" if job.kind in GOES_ON else "Stop"
            label = "Ending …" if job.is_stopping else label
            st.button(label, on_click=job.stop, disabled=job.is_stopping, key=f"stop-{key}")
        elif not job.is_running:
            _after(library, job, key)
            st.button("Close", on_click=library.jobs.dismiss, args=(job,), type="tertiary", key=f"close-{key}")
    if job.is_running:
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0, progress_text(job, time.monotonic()))
    elif job.summary:
        (st.error if job.state == "failed" else st.markdown)(as_text(job.summary))
    for cause, one in list(job.causes.items()):  # its thread adds to them
        with st.expander(f"{one.count:,} × {as_text(cause)}", icon=":material/warning:"):
            more = f"\n… and {one.count - len(one.examples):,} more" if one.count > len(one.examples) else ""
            text_block("\n".join(one.examples) + more, cause)
    if job.diffs:
        with st.expander(f"The first {len(job.diffs)} changes" if job.changes > len(job.diffs) else "The changes"):
            text_block("\n".join(job.diffs), "The changes", diff=True)


def _after(library: OpenLibrary, job: Job, key: str) -> None:
    """What can be done with a job that has ended."""
    if job.file is not None:
        name, kind, content = job.file
        st.download_button(
            "Download", content, name, kind, icon=":material/download:", on_click="ignore", key=f"file-{key}"
        )
    if not settings().edit:
        return
    if job.kind == "preview" and job.changes and job.state == "done":
        label = "Write 1 sidecar" if job.changes == 1 else f"Write {job.changes:,} sidecars"
        if st.button(label, type="primary", key=f"write-{key}"):
            library.jobs.dismiss(job)
            _write(library, job.rows)
    elif job.kind == "write" and job.state == "stopped" and st.button("Go on", key=f"on-{key}"):
        _write(library, job.rows)
    elif job.kind == "update" and job.state == "stopped" and st.button("Go on", key=f"on-{key}"):
        begin(library, Job("update", "Update"), updating(library.file))
    elif job.kind == "update" and job.causes and st.button("Try those again", key=f"retry-{key}"):
        begin(library, Job("update", "Update"), updating(library.file, retry=True))


def _write(library: OpenLibrary, rows: Sequence[int] | None) -> None:
    about = "all photos" if rows is None else photos(len(rows))
    begin(library, Job("write", f"Write sidecars: {about}", rows), writing_sidecars(library.file, rows, dry_run=False))


def progress_text(job: Job, now: float) -> str:
    """How far a job is, and how fast.

    >>> progress_text(Job("update", "Update", done=30, total=60, begun=0.0), 5.0)
    '30 of 60, 6.0 a second'
    """
    if not job.total:
        return "Looking …"
    seconds = now - job.begun
    rate = f", {job.done / seconds:.1f} a second" if job.done and seconds > 0 else ""
    return f"{job.done:,} of {job.total:,}{rate}"
