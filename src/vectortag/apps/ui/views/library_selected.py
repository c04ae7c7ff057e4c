"""What a visitor does with all ticked photos at once: add, remove and rename a tag, and undo it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.selection import Selection
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import attempt
from vectortag.library.changes import Change
from vectortag.library.library import Library
from vectortag.library.query import Node

SAID = {"accepted": "added to", "rejected": "removed from"}


def selection() -> Selection:
    """What this visitor has ticked."""
    found: Selection = st.session_state.setdefault("selection", Selection())
    return found


def selected_bar(library: OpenLibrary, query: Node | None, count: int) -> None:
    """Show how many photos are ticked, what can be done with them, and the last change.

    Args:
        query: what was searched for.
        count: of photos that it found.
    """
    ticked = selection()
    with st.container(key="library-selected", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if ticked.rows:
                st.markdown(f"**{photos(len(ticked.rows))} ticked**", width="content")
                st.button("Clear", icon=":material/close:", type="tertiary", on_click=ticked.replace, args=((),))
            else:
                st.caption("Tick photos to tag many at once; shift takes all between.", width="content")
            if count and len(ticked.rows) != count:
                st.button(
                    f"Tick all {count:,} found",
                    icon=":material/select_all:",
                    type="tertiary",
                    on_click=lambda: ticked.replace(library.rows(query)),
                )
            last_change(library)
        if ticked.rows:
            _actions(library, sorted(ticked.rows))


def last_change(library: OpenLibrary) -> None:
    """Say what was changed last, and offer to undo it."""
    change = library.last_change
    if change is not None:
        what = summary(change)
        st.button(
            f"Undo: {as_text(what)}",
            icon=":material/undo:",
            key="undo",
            type="tertiary",
            on_click=_undo,
            args=(library,),
        )


def _undo(library: OpenLibrary) -> None:
    attempt(library.undo)


def summary(change: Change) -> str:
    """What a change did, in a few words."""
    name = spoken().name(change.tag)
    if change.renamed_to is not None:
        return f"{name} called {change.renamed_to} on {photos(change.photos)}"
    return f"{name} {SAID[change.verdict]} {photos(change.photos)}"


def photos(count: int) -> str:
    """A number of photos, in words.

    >>> photos(1), photos(1200)
    ('1 photo', '1,200 photos')
    """
    return "1 photo" if count == 1 else f"{count:,} photos"


def _actions(library: OpenLibrary, rows: Sequence[int]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        tag = choose_tag_name(library, key="selected-tag")
        _button("Add", "add", tag, library, lambda opened: opened.accept_on(rows, tag or "", own=True))
        _button("Remove", "remove", tag, library, lambda opened: opened.reject_on(rows, tag or ""))
        with st.popover("Rename", icon=":material/edit:", disabled=tag is None):
            st.caption("The tag gets this name on the ticked photos that show it.")
            name = st.text_input("New name", key="selected-name") or ""
            _button("Rename it", "check", tag and name, library, lambda opened: opened.rename_on(rows, tag or "", name))


def choose_tag_name(library: OpenLibrary, *, key: str) -> str | None:
    """Show the list of all tags, in which a new word may be typed, too; returns the chosen one."""
    name = spoken().name
    chosen: str | None = st.selectbox(
        "Tag",
        library.tags(),
        index=None,
        format_func=name,
        key=key,
        accept_new_options=True,
        placeholder="Tag, or a new word",
        label_visibility="collapsed",
        width=240,
    )
    return chosen


def _button(
    label: str, icon: str, enabled: str | None, library: OpenLibrary, decide: Callable[[Library], Change]
) -> None:
    if st.button(label, icon=f":material/{icon}:", disabled=not enabled, key=f"selected-{icon}"):
        with st.spinner("Writing …"):
            attempt(lambda: library.change(decide))
        st.rerun()
