"""A visitor's word on many photos of the library: accept or reject a tag for all that are selected; and undo it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from vectortag.apps.ui.library_query import LibraryQuery
from vectortag.apps.ui.library_word import Word, say, take_back
from vectortag.apps.ui.open_library import OpenLibrary
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import attempt
from vectortag.library.search import SearchResult


def say_of_selected(library: OpenLibrary, query: LibraryQuery, result: SearchResult, ticked: Sequence[str]) -> None:
    """Show the buttons for the selected photos."""
    if not result.count:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="library-word"):
        everything = st.checkbox(f"All {result.count:,} found", key="select-all")
        count = result.count if everything else len(ticked)
        tag = st.selectbox(
            "Tag", library.tags(), index=None, format_func=spoken().name, key="word-tag", placeholder="Choose a tag"
        )
        for label, has in (("Accept", True), ("Reject", False)):
            if st.button(f"{label} for {count:,}", disabled=not count or tag is None, key=f"word-{has}") and tag:
                rows = library.rows(query.node()) if everything else [int(row) for row in ticked]
                _say(library, rows, tag, has=has)
                st.rerun()
        last: Word | None = st.session_state.get("word")
        if last is not None and st.button(f"Undo: {spoken().name(last.tag)}", icon=":material/undo:"):
            attempt(lambda: take_back(library, last))
            del st.session_state["word"]
            st.rerun()


def _say(library: OpenLibrary, rows: Sequence[int], tag: str, *, has: bool) -> None:
    bar = st.progress(0.0)

    def progress(done: int) -> None:
        bar.progress(done / len(rows), f"{done:,} of {len(rows):,} photos")

    def all_of_them() -> None:
        st.session_state["word"] = say(library, rows, tag, has=has, progress=progress)
        st.session_state["words_said"] += 1

    attempt(all_of_them)
