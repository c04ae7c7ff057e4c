"""The photos that a search found, a page at a time. Turning a page and ticking a photo rerun only this."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.elements import GridState, Thumb, choose_in_grid
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.page_query import LibraryQuery, page_count
from vectortag.apps.ui.library.routes import address_of
from vectortag.apps.ui.state import settings, show_problems
from vectortag.apps.ui.views.library_jobs import job_menu
from vectortag.apps.ui.views.library_search import search_errors
from vectortag.apps.ui.views.library_selected import photos, selected_bar, selection
from vectortag.library.search import Match, SearchResult

ORDERS = {
    "sentence": "best match first",
    "likeness": "most alike first",
    "score": "surest first",
    "date": "newest first",
}
FIRST_PAGE = "1"


@st.fragment
def library_grid(library: OpenLibrary, query: LibraryQuery) -> None:
    """Show the page of results that the address names."""
    if "photo" in st.query_params:  # one was clicked: the whole view changes
        st.rerun()
    with search_errors(query):
        _show(library, query)


def _show(library: OpenLibrary, query: LibraryQuery) -> None:
    node, number = query.node(), page_number()
    result = library.page(node, number)
    pages = page_count(result.count)
    if number > pages:
        turn_to(pages)
        number, result = pages, library.page(node, pages)
    show_problems()
    with st.container(key="library-bar", gap="small"):
        _heading(library, query, result, number)
        if settings().edit:
            selected_bar(library, node, result.count)
    ticked = selection()
    following = library.page(node, number + 1).matches if number < pages else ()
    state = GridState(
        photos=thumbs(result.matches),
        following=[address_of(one.photo) for one in following],
        page=number,
        selectable=settings().edit,
        selected=[str(one.photo) for one in result.matches if one.photo in ticked.rows],
        revision=ticked.revision,
    )
    choose_in_grid(state, on_photo=open_photo, on_ticks=_take_ticks, key="library-grid")
    if pages > 1:
        _pager(number, pages, key="below")


def _heading(library: OpenLibrary, query: LibraryQuery, result: SearchResult, number: int) -> None:
    pages, ticked = page_count(result.count), selection().rows
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{photos(result.count)}**, {ORDERS[result.order]}", width="stretch")
        if pages > 1:
            _pager(number, pages, key="above")
        job_menu(library, query, result.count, ticked)
    if result.readings:
        st.caption(as_text("; ".join(result.readings)))
    if result.doubt:
        st.warning(as_text(result.doubt), icon=":material/question_mark:")


def _pager(number: int, pages: int, *, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small", key=f"pager-{key}"):
        for label, icon, other in (
            ("Previous page", "chevron_left", number - 1),
            ("Next page", "chevron_right", number + 1),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                disabled=not 1 <= other <= pages,
                on_click=turn_to,
                args=(other,),
                key=f"turn-{key}-{icon}",
            )
            if other < number:
                st.markdown(f"page {number:,} of {pages:,}", width="content")


def _take_ticks(shown: list[str], ticked: list[str]) -> None:
    selection().take_ticks(map(int, shown), map(int, ticked))


def thumbs(matches: tuple[Match, ...]) -> list[Thumb]:
    """Photos with the addresses of their thumbnails."""
    return [Thumb(key=str(one.photo), name=one.path.name, picture=address_of(one.photo)) for one in matches]


def page_number() -> int:
    """The page of results that the address names; the first is 1."""
    asked = st.query_params.get("page", FIRST_PAGE)
    return int(asked) if asked.isdecimal() and 0 < len(asked) < 10 and int(asked) else 1


def turn_to(number: int) -> None:
    """Name another page in the address."""
    st.query_params["page"] = str(number)


def open_photo(row: str) -> None:
    """Show a photo; the page's address has its row."""
    st.query_params["photo"] = row
    st.query_params.pop("tag", None)
