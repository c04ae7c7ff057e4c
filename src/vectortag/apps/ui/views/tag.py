"""The view "Tag": upload photos, see their tags and heat maps."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.search import Search
from vectortag.apps.ui.state import choose_model, load_ahead, session_photos, show_problems
from vectortag.apps.ui.views.find import search_box, search_results
from vectortag.apps.ui.views.photo_detail import photo_detail
from vectortag.apps.ui.views.photo_sources import (
    clear,
    examples,
    open_linked_example,
    photo_count,
    photo_strip,
    queue,
    take_some,
    uploader,
)

FIRST = 1.0
"""Seconds to wait for the first photo, or for a few, before the page is drawn."""
EVERY = 0.4
"""Seconds between two looks at what came."""


def show() -> None:
    """Show the view."""
    open_linked_example()
    if not photo_count():
        _welcome()
        return
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        model = choose_model()
        with st.popover("Add photos", icon=":material/add_photo_alternate:"):
            uploader()
        st.button("Clear", icon=":material/delete:", help="Remove all photos.", on_click=clear)
        search = search_box(model) if photo_count() > 1 else Search()
    bar = st.empty()
    done = take_some(model, seconds=FIRST, bar=bar)
    bar.empty()
    if done and not session_photos().photos:  # none could be read; the welcome says why
        st.rerun()
    with st.container():  # one place, whatever is in it: a fragment that moves loses the clicks under way to it
        show_problems()
        if not done:
            st.fragment(_go_on, run_every=EVERY)(model)
        else:
            photo_strip("photos", search_results(search, model))
    if session_photos().photos:
        photo_detail(model, fine=done)


def _go_on(model: LoadedModel) -> None:
    """Look again and again at what came, and show it; the rest of the page stays as it is."""
    session = session_photos()
    shown = st.session_state.setdefault("shown_meanwhile", session.chosen)
    st.button("Cancel", icon=":material/close:", help="Leave out the other photos.", on_click=queue().cancel)
    if take_some(model, seconds=0) or session.chosen != shown:
        del st.session_state["shown_meanwhile"]
        st.rerun()
    photo_strip("photos-meanwhile", list(session.photos.values()))


def _welcome() -> None:
    with st.container(key="welcome"):
        st.title("What is in your photos?")
        st.markdown("Upload some. See each tag with its score, and where in the photo the model sees it.")
        show_problems()
        uploader()
        st.caption(
            "Photos are only in the memory of the machine that runs this page, and gone an hour after you leave."
        )
        examples("examples")
    load_ahead()
