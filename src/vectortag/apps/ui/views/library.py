"""The view "Library": a search and the photos that it found, or one of them; duplicates, teaching, and jobs."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.library.open_library import OpenLibrary, file_of, open_library
from vectortag.apps.ui.state import settings
from vectortag.apps.ui.views.library_duplicates import duplicates
from vectortag.apps.ui.views.library_grid import library_grid
from vectortag.apps.ui.views.library_jobs import job_panel
from vectortag.apps.ui.views.library_photo import chosen_row, library_photo
from vectortag.apps.ui.views.library_search import query_of
from vectortag.apps.ui.views.library_teach import teach
from vectortag.core.errors import LibraryError
from vectortag.library.stats import LibraryStats

STYLE = Path(__file__).parents[1] / "library" / "library.css"

FIRST, WAIT = 0.3, 2.0
"""Seconds to wait for what the library holds: before the page is drawn, and between two looks later."""

NO_LIBRARY = (
    "A library remembers the tags of all your photos, so that you can search them, correct many at once, and write "
    "the tags into sidecars that other photo programs read. It never changes a photo. Make one in a terminal, with "
    "your own folder:"
)
MAKE_ONE = "vectortag library add ~/Pictures\nvectortag ui --edit"
ONLY_SHOWN = (
    "The library is only shown here. To change tags and write sidecars, start the page with `vectortag ui --edit`."
)

NOT_COUNTED = LibraryStats(0, 0, 0, 0, {}, {}, {}, {}, {})


def show() -> None:
    """Show the view."""
    st.html(STYLE)
    file = file_of(settings())
    if file is None:
        st.title("Library")
        st.markdown(NO_LIBRARY)
        st.code(MAKE_ONE, language=None, wrap_lines=True)
        return
    try:
        library = open_library(file)
    except LibraryError as error:
        st.error(as_text(str(error)), icon=":material/error:")
        return
    part = _choose_part()
    if not settings().edit:
        st.caption(ONLY_SHOWN)
    with st.container():  # one place, whatever is in it: a fragment that moves loses the clicks under way to it
        job_panel(library)
    if part == "Duplicates":
        duplicates(library)
    elif part == "Teach":
        teach(library)
    else:
        _photos(library)


def _choose_part() -> str:
    """Show the parts of the view, and return the chosen one; the page's address has it."""
    parts = ["Photos", "Duplicates", *["Teach"] * settings().edit]
    chosen = st.segmented_control(
        "Part of the library",
        parts,
        default=parts[0],
        required=True,
        key="part",
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen or parts[0]


def _photos(library: OpenLibrary) -> None:
    """The search, and what it found."""
    counted = library.counted()
    if counted is None:
        library.wait(FIRST)
        counted = library.counted()
    query = query_of(counted or NOT_COUNTED)
    with st.container():  # one place, as above
        if library.is_counting:
            st.fragment(_wait, run_every=WAIT)(library)
    if (row := chosen_row()) is not None:
        library_photo(library, query, row)
    else:
        library_grid(library, query)


def _wait(library: OpenLibrary) -> None:
    """Draw the page again when the library is counted."""
    if not library.is_counting:
        st.rerun()
    st.caption("The library is being counted, for the lists of the filter …")
