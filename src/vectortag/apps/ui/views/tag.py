"""The view "Tag": upload photos, see their tags and heat maps."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.search import Search
from vectortag.apps.ui.state import choose_model, session_photos, show_problems
from vectortag.apps.ui.views.find import search_box, search_results
from vectortag.apps.ui.views.photo_detail import photo_detail
from vectortag.apps.ui.views.photo_sources import (
    analyse_all,
    clear,
    examples,
    open_linked_example,
    photo_count,
    photo_strip,
    read_uploads,
    uploader,
)


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
    read_uploads()
    analyse_all(model)
    show_problems()
    if session_photos().photos:
        photos = search_results(search, model)
        photo_strip("photos", photos)
        if photos:
            photo_detail(model)
    else:
        uploader()
        examples("examples")


def _welcome() -> None:
    with st.container(key="welcome"):
        st.title("What is in your photos?")
        st.markdown("Upload some. See each tag with its score, and where in the photo the model sees it.")
        uploader()
        st.caption("Photos stay in the memory of the machine that runs this page, and are gone when you close it.")
        examples("examples")
