"""The language of the tags on the page: the browser's, unless the visitor chose another."""

from __future__ import annotations

import streamlit as st

from vectortag.model.language import Language, choose, codes

KEY = "language"


def choose_language() -> None:
    """Show the choice, in the sidebar. The page's address has the code of a language that was chosen."""
    known, named = codes(), st.query_params.get(KEY)
    browsers = choose(st.context.headers.get("Accept-Language"))
    st.session_state.setdefault(KEY, named if named in known else browsers)
    st.sidebar.selectbox(
        "Language of the tags",
        known,
        format_func=lambda code: _load(code).title,
        key=KEY,
        on_change=_keep_in_address,
    )


def _keep_in_address() -> None:
    st.query_params[KEY] = st.session_state[KEY]


def spoken() -> Language:
    """The chosen language."""
    return _load(st.session_state.get(KEY) or "en")


@st.cache_resource(show_spinner=False)
def _load(code: str) -> Language:
    """Each is read once for all sessions."""
    return Language.load(code)
