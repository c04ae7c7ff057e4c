"""Tag: photos in, tags and heat maps out."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.search import Search
from vectortag.apps.ui.state import choose_mode, choose_model, session_photos, show_problems
from vectortag.apps.ui.views.find import ask, find
from vectortag.apps.ui.views.photo_detail import photo_detail
from vectortag.apps.ui.views.photo_sources import (
    analyse_all,
    clear,
    count,
    examples,
    open_linked_example,
    read_uploads,
    strip,
    uploader,
)


def show() -> None:
    """The whole view."""
    open_linked_example()
    if not count():
        _welcome()
        return
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        model, mode = choose_model(), choose_mode()
        with st.popover("Add photos", icon=":material/add_photo_alternate:"):
            uploader()
        st.button("Clear", icon=":material/delete:", help="Forget all photos.", on_click=clear)
        search = ask(model) if count() > 1 else Search()
    read_uploads()
    analyse_all(model, mode)
    show_problems()
    if session_photos().photos:
        photos = find(search, model, mode)
        strip("photos", photos)
        if photos:
            photo_detail(model, mode)
    else:
        uploader()
        examples("examples")


def _welcome() -> None:
    with st.container(key="welcome"):
        st.title("What is in your photos?")
        st.markdown("Drop some, and see each tag, how sure the model is, and where in the photo it looks.")
        uploader()
        st.caption("Photos stay in the memory of the machine that runs this page, and are gone when you close it.")
        examples("examples")
