"""The search of the library: its field and lists, what of it is in the page's address, and its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.elements import ask_for_query
from vectortag.apps.ui.library.page_query import LibraryQuery, error_text
from vectortag.apps.ui.library.routes import SUGGESTIONS
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.text_block import text_block
from vectortag.apps.ui.views.library_selected import selection
from vectortag.core.errors import LibraryError, MissingExtraError, QueryError, WordsError
from vectortag.library.stats import LibraryStats

ASKED = ("q", "with", "year", "folder")
"""What of a search is in the page's address, under these names; so are `page` and `photo`."""

HELP = "Tags, words and fields: dog and (beach or snow) not person · date:2024-07 · path:holiday · rating:>=4"


@contextmanager
def search_errors(query: LibraryQuery) -> Iterator[None]:
    """Show on the page why the search of the block cannot be done."""
    try:
        yield
    except QueryError as error:
        st.error("The search cannot be read:", icon=":material/search_off:")
        text_block(error_text(query.text, error), "The search and its error")
    except (WordsError, MissingExtraError, LibraryError) as error:
        st.error(as_text(str(error)), icon=":material/error:")


def query_of(stats: LibraryStats) -> LibraryQuery:
    """Show the field and the lists, and return what they ask for."""
    _remember()
    with st.container(horizontal=True, vertical_alignment="center", key="library-query"):
        text = st.session_state["q"]
        with st.container(key="library-search"):
            ask_for_query(
                text,
                placeholder=f"Search {stats.photos:,} photos" if stats.photos else "Search the library",
                help_text=HELP,
                address=f".{SUGGESTIONS}",
                on_query=_search,
                key="library-field",
            )
        with st.popover("Filter", icon=":material/filter_alt:"):
            name = spoken().name
            tags = st.multiselect(
                "Tags",
                list(dict.fromkeys([*st.session_state["with"], *stats.tags])),
                format_func=lambda tag: _counted(name(tag), stats.tags.get(tag)),
                key="with",
                placeholder="Choose tags",
                on_change=_keep_in_address,
            )
            year = _choose("Year", "year", stats.years)
            folder = _choose("Folder", "folder", stats.folders)
    return LibraryQuery(text, tags, year, folder)


def _choose(label: str, key: str, counts: Mapping[str, int]) -> str | None:
    return st.selectbox(
        label,
        list(dict.fromkeys([*filter(None, [st.session_state[key]]), *counts])),
        index=None,
        format_func=lambda one: _counted(one, counts.get(one)),
        key=key,
        placeholder="Any",
        on_change=_keep_in_address,
    )


def _counted(name: str, count: int | None) -> str:
    return name if count is None else f"{name} ({count:,})"


def _remember() -> None:
    """At the start, take over what the page's address asks for."""
    asked, state = st.query_params, st.session_state
    state.setdefault("q", asked.get("q", ""))
    state.setdefault("with", asked.get_all("with"))
    for key in ("year", "folder"):
        state.setdefault(key, asked.get(key))


def _search(text: str) -> None:
    st.session_state["q"] = text
    _keep_in_address()


def _keep_in_address() -> None:
    """Write the search into the page's address; it begins at its first page, and nothing is ticked."""
    selection().replace(())
    for key in ASKED:
        if value := st.session_state.get(key):
            st.query_params[key] = value
        else:
            st.query_params.pop(key, None)
    for key in ("page", "photo", "tag"):
        st.query_params.pop(key, None)
