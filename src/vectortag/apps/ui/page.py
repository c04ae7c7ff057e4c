"""The script of the page: Streamlit runs it for each session, and again after each click. `app.py` serves it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vectortag.apps.ui.spoken import choose_language
from vectortag.apps.ui.views import compare, library, models, reports, tag, your_tags

HERE = Path(__file__).parent
ICON = HERE / "icon.svg"  # a file: for an emoji or a named icon the browser would load a font from another server


def main() -> None:
    """Draw the view that the page's address names."""
    st.set_page_config(page_title="VectorTag", page_icon=str(ICON), layout="wide", initial_sidebar_state="collapsed")
    st.html(HERE / "style.css")
    st.logo(str(HERE / "logo.svg"), size="large")
    pages = {
        "tag": st.Page(tag.show, title="Tag", icon=":material/sell:", url_path="tag", default=True),
        "library": st.Page(library.show, title="Library", icon=":material/photo_library:", url_path="library"),
        "compare": st.Page(compare.show, title="Compare", icon=":material/compare:", url_path="compare"),
        "models": st.Page(models.show, title="Models", icon=":material/deployed_code:", url_path="models"),
        "your_tags": st.Page(your_tags.show, title="Your tags", icon=":material/school:", url_path="your-tags"),
        "reports": st.Page(reports.show, title="Data and training", icon=":material/monitoring:", url_path="reports"),
    }
    st.session_state["pages"] = pages
    choose_language()
    st.navigation(list(pages.values()), position="top").run()


main()
