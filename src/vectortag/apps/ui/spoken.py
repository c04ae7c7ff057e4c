"""The language of the tags on the page: the browser's, unless the visitor chose another."""

from __future__ import annotations

import streamlit as st

from vectortag.model.language import Language, choose, codes

KEY = "language"


def choose_language() -> None:
    """Show the choice, in the sidebar. The page's address keeps it."""
    known = codes()
    browsers = choose(st.context.headers.get("Accept-Language"))
    st.sidebar.selectbox(
        "Language of the tags",
        known,
        index=known.index(browsers),
        format_func=lambda code: _load(code).title,
        key=KEY,
        bind="query-params",
    )


def spoken() -> Language:
    """The chosen language."""
    return _load(st.session_state.get(KEY) or "en")


@st.cache_resource(show_spinner=False)
def _load(code: str) -> Language:
    """Each is read once for all sessions."""
    return Language.load(code)
