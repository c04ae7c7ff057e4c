"""Where a search finds no tag of this name: an offer to add it, from its name or from photos."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.state import attempt, show_problems
from vectortag.model.folder import WORDS


def offer_tag(model: LoadedModel, name: str) -> None:
    """Show the buttons that add a tag of this name to the model."""
    st.markdown("Add it as a tag of your own:")
    with st.container(horizontal=True, key="tag-offer"):
        if WORDS in model.folder.manifest.files and st.button(
            "From its name", icon=":material/abc:", help="No photo is needed. Photos make it more reliable later."
        ):
            attempt(lambda: _add_from_name(model, name))
            st.rerun()
        if st.button("From photos", icon=":material/add_photo_alternate:", help="At least 3 photos that show it."):
            st.session_state["wanted_tag"] = name
            st.switch_page(st.session_state["pages"]["your_tags"])
    show_problems()


def _add_from_name(model: LoadedModel, name: str) -> None:
    with st.spinner("Reading the name …"), model.changing() as tagger:
        tagger.add_tag(name, words=True)
