"""Photos of the library that show one picture, side by side: which to keep, or that they are no duplicates."""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st

from vectortag.apps.ui.elements import Action, Pictured, decide_on
from vectortag.apps.ui.library.jobs import Job
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.routes import picture_address_of
from vectortag.apps.ui.library.work import looking_for_duplicates
from vectortag.apps.ui.state import settings
from vectortag.apps.ui.views.library_selected import photos
from vectortag.core.errors import LibraryError
from vectortag.core.file_names import escape_path
from vectortag.library.decisions import known_photo
from vectortag.library.duplicate_decisions import (
    DuplicateDecision,
    decisions_of,
    forget_decision,
    keep_decision,
    undecided,
)
from vectortag.library.duplicates import DuplicateGroup

KINDS = {"same": "the same file twice", "alike": "one picture, saved differently", "burst": "taken in one moment"}
NO_DUPLICATES, SKIP = "none", "skip"
ACTIONS = [
    Action(key=NO_DUPLICATES, label="Not duplicates", keys=["n"], primary=False),
    Action(key=SKIP, label="Skip", keys=["s", "ArrowRight"], primary=False),
]
MOST_SHOWN = 8
"""Photos of a group that are shown."""


def duplicates(library: OpenLibrary) -> None:
    """Show the groups, one at a time, and what was decided."""
    st.markdown("Photos that show one picture. You decide which to keep; VectorTag never deletes a photo.")
    with library.using() as opened:
        decided = decisions_of(opened)
    looking = library.jobs.runs("duplicates")
    if library.duplicates is None:
        if not looking and st.button("Look for duplicates", type="primary", icon=":material/search:"):
            _look(library)
    else:
        groups = undecided(library.duplicates, decided)
        if groups:
            _group(library, groups)
        else:
            done = "Nothing is left to decide." if library.duplicates else "No two photos show one picture."
            st.success(done, icon=":material/check:")
        if not looking and st.button("Look again", icon=":material/refresh:", type="tertiary"):
            _look(library)
    if decided:
        _decided(library, decided)


def _look(library: OpenLibrary) -> None:
    take = functools.partial(setattr, library, "duplicates")
    library.jobs.start(Job("duplicates", "Look for duplicates"), looking_for_duplicates(library.file, take))
    st.rerun()


def _group(library: OpenLibrary, groups: list[DuplicateGroup]) -> None:
    number = st.session_state.setdefault("duplicates_seen", 0)
    place = st.session_state.get("duplicates_skipped", 0) % len(groups)
    group = groups[place]
    st.markdown(f"**{place + 1:,} of {len(groups):,}**: {photos(len(group.photos))}, {KINDS[group.kind]}")
    pictured = _pictured(library, group)
    decide_on(
        list(pictured.values()),
        ACTIONS if settings().edit else ACTIONS[1:],
        each="Keep this one" if settings().edit else None,
        number=number,
        on_answer=functools.partial(_answer, library, group, {one["key"]: path for path, one in pictured.items()}),
        key="library-duplicates",
    )
    if len(group.photos) > MOST_SHOWN:
        st.caption(f"{len(group.photos) - MOST_SHOWN} more photos of this group are not shown.")


def _answer(library: OpenLibrary, group: DuplicateGroup, paths: dict[str, Path], key: str) -> None:
    st.session_state["duplicates_seen"] += 1
    if key == SKIP:
        st.session_state["duplicates_skipped"] = st.session_state.get("duplicates_skipped", 0) + 1
        return
    with library.using() as opened:
        keep_decision(opened, DuplicateDecision(group.photos, paths.get(key)))


def _pictured(library: OpenLibrary, group: DuplicateGroup) -> dict[Path, Pictured]:
    """The photos with what tells them apart; those that are gone meanwhile are left out."""
    pictured = {}
    for path in group.photos[:MOST_SHOWN]:
        try:
            with library.using() as opened:
                row = known_photo(opened.database, path).row
                photo = opened.photo(row)
            size = path.stat().st_size
        except (LibraryError, OSError):
            continue
        if photo is not None:
            pixels = f"{photo.size[0]:,} × {photo.size[1]:,} pixels, " if photo.size else ""
            facts = [path.name, f"{pixels}{file_size(size)}", (photo.taken or "").replace("T", " ")]
            facts = [*filter(None, facts), escape_path(path.parent)]
            pictured[path] = Pictured(key=str(row), name=path.name, picture=picture_address_of(row), facts=facts)
    return pictured


def file_size(size: int) -> str:
    """Bytes, for people to compare.

    >>> file_size(48_700), file_size(3_240_000)
    ('49 kB', '3.2 MB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000)):,} kB"


def _decided(library: OpenLibrary, decided: list[DuplicateDecision]) -> None:
    """What was decided, to be taken back; and the list of the photos that need not be kept."""
    superfluous = [escape_path(photo) for one in decided for photo in one.superfluous]
    with st.expander(f"Decided: {len(decided):,}"):
        if superfluous:
            st.markdown(f"{photos(len(superfluous))} need not be kept. They are where they were.")
            text = "\n".join(superfluous) + "\n"
            st.download_button(
                "List of these photos", text, "superfluous.txt", "text/plain", icon=":material/download:"
            )
        for number, one in enumerate(reversed(decided[-50:])):
            with st.container(horizontal=True, vertical_alignment="center"):
                kept = "no duplicates: " if one.kept is None else f"{one.kept.name} is kept of "
                st.text(kept + ", ".join(photo.name for photo in one.photos), width="stretch")
                if settings().edit:
                    back = functools.partial(_take_back, library, one)
                    st.button("Take back", on_click=back, key=f"duplicate-{number}", type="tertiary")


def _take_back(library: OpenLibrary, decision: DuplicateDecision) -> None:
    with library.using() as opened:
        forget_decision(opened, decision.photos)
