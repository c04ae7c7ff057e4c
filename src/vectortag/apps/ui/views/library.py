"""The view "Library": search, lists to choose from, pages of photos; one of them with its tags."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.elements import Thumb, choose_in_grid, choose_photo
from vectortag.apps.ui.library_query import LibraryQuery, error_text, page_count
from vectortag.apps.ui.open_library import OpenLibrary, file_of, open_library
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import settings, show_problems
from vectortag.apps.ui.thumbnail_route import address_of
from vectortag.apps.ui.views.library_photo import library_photo
from vectortag.apps.ui.views.library_word import say_of_selected
from vectortag.core.errors import LibraryError, MissingExtraError, QueryError, WordsError
from vectortag.library.search import Match, SearchResult
from vectortag.library.stats import LibraryStats

ASKED = ("q", "with", "year", "folder")
"""What of a search is in the page's address, under these names; so are `page` and `photo`."""

FIRST_PAGE = "1"
FIRST, WAIT = 0.3, 2.0
"""Seconds to wait for what the library holds: before the page is drawn, and between two looks later."""

NOT_COUNTED = LibraryStats(0, 0, 0, 0, {}, {}, {}, {}, {})
ORDERS = {
    "sentence": "best match first",
    "likeness": "most alike first",
    "score": "surest first",
    "date": "newest first",
}
HELP = "Tags, words and fields: dog and (beach or snow) not person · date:2024-07 · path:holiday · rating:>=4"


def show() -> None:
    """Show the view."""
    file = file_of(settings())
    if file is None:
        st.title("Library")
        st.markdown("There is no photo library yet. Make one, then open this view again:")
        st.code("vectortag library add ~/Pictures\nvectortag library update", language=None)
        return
    try:
        library = open_library(file)
    except LibraryError as error:
        st.error(as_text(str(error)), icon=":material/error:")
        return
    counted = library.counted()
    if counted is None:
        library.wait(FIRST)
        counted = library.counted()
    query = _query(counted or NOT_COUNTED)
    if library.is_counting:
        st.fragment(_wait, run_every=WAIT)(library)
    show_problems()
    number = _page_number()
    result = _found(library, query, number)
    if result is None:
        return
    chosen = st.query_params.get("photo")
    if chosen and chosen.isdecimal():
        _show_one(library, result, int(chosen))
    else:
        _show_page(library, query, result, number)


def _query(stats: LibraryStats) -> LibraryQuery:
    """Show the field and the lists, and return what they ask for."""
    _remember()
    with st.container(horizontal=True, vertical_alignment="center", key="library-query"):
        text = st.text_input(
            "Search the library",
            placeholder=f"Search {stats.photos:,} photos" if stats.photos else "Search the library",
            icon=":material/search:",
            key="q",
            label_visibility="collapsed",
            on_change=_keep_in_address,
            help=HELP,
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
    return LibraryQuery(text or "", tags, year, folder)


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


def _wait(library: OpenLibrary) -> None:
    """Draw the page again when the library is counted."""
    if not library.is_counting:
        st.rerun()
    st.caption("The library is being counted, for the lists of the filter …")


def _remember() -> None:
    """At the start, take over what the page's address asks for."""
    asked, state = st.query_params, st.session_state
    state.setdefault("q", asked.get("q", ""))
    state.setdefault("with", asked.get_all("with"))
    for key in ("year", "folder"):
        state.setdefault(key, asked.get(key))


def _keep_in_address() -> None:
    """Write the search into the page's address; it begins at its first page."""
    for key in ASKED:
        if value := st.session_state.get(key):
            st.query_params[key] = value
        else:
            st.query_params.pop(key, None)
    for key in ("page", "photo", "tag"):
        st.query_params.pop(key, None)


def _page_number() -> int:
    asked = st.query_params.get("page", FIRST_PAGE)
    return int(asked) if asked.isdecimal() and 0 < len(asked) < 10 and int(asked) else 1


def _found(library: OpenLibrary, query: LibraryQuery, number: int) -> SearchResult | None:
    """The photos of a page; None, and the error on the page, if the query cannot be read."""
    try:
        return library.page(query.node(), number)
    except QueryError as error:
        st.error("The search cannot be read:", icon=":material/search_off:")
        st.code(error_text(query.text, error), language=None)
    except (WordsError, MissingExtraError, LibraryError) as error:
        st.error(as_text(str(error)), icon=":material/error:")
    return None


def _thumbs(matches: tuple[Match, ...]) -> list[Thumb]:
    return [Thumb(key=str(one.photo), name=one.path.name, picture=address_of(one.photo)) for one in matches]


def _show_page(library: OpenLibrary, query: LibraryQuery, result: SearchResult, number: int) -> None:
    pages = page_count(result.count)
    if number > pages:
        _turn_to(pages)
        st.rerun()
    what = ORDERS[result.order]
    st.markdown(f"**{result.count:,}** {'photo' if result.count == 1 else 'photos'}, {what}")
    if result.readings:
        st.caption(as_text("; ".join(result.readings)))
    if result.doubt:
        st.warning(as_text(result.doubt), icon=":material/question_mark:")
    grid = f"grid-{st.session_state.setdefault('words_said', 0)}-{number}"  # another one has nothing ticked
    ticked = choose_in_grid(_thumbs(result.matches), selectable=settings().edit, on_photo=_open, key=grid)
    if settings().edit:
        say_of_selected(library, query, result, ticked)
    if pages > 1:
        _pager(number, pages)


def _pager(number: int, pages: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="pager"):
        for label, icon, other in (("Previous", "chevron_left", number - 1), ("Next", "chevron_right", number + 1)):
            at_the_end = not 1 <= other <= pages
            st.button(label, icon=f":material/{icon}:", disabled=at_the_end, on_click=_turn_to, args=(other,))
        st.markdown(f"Page {number:,} of {pages:,}")


def _turn_to(number: int) -> None:
    st.query_params["page"] = str(number)


def _open(row: str) -> None:
    """Show a photo; the page's address has its row."""
    st.query_params["photo"] = row
    st.query_params.pop("tag", None)


def _close() -> None:
    for key in ("photo", "tag"):
        st.query_params.pop(key, None)


def _show_one(library: OpenLibrary, result: SearchResult, row: int) -> None:
    """A photo, and the others of the page in a strip above it."""
    st.button("All photos found", icon=":material/arrow_back:", on_click=_close)
    if any(match.photo == row for match in result.matches):
        choose_photo(_thumbs(result.matches), chosen=str(row), wrap=False, on_photo=_open, key="library-strip")
    with library.using() as opened:
        photo = opened.photo(row)
    if photo is None:
        st.info("The library has no such photo any more.")
    else:
        library_photo(library, photo)
