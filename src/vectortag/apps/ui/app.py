"""The page as a web application: `vectortag ui`, or `streamlit run src/vectortag/apps/ui/app.py`.

Streamlit finds the name `app` here. Each session runs `page.py`.
"""

from __future__ import annotations

from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

from vectortag.apps.ui.access import PageGuard, accepted_names
from vectortag.apps.ui.library.routes import ROUTES

app = App(
    Path(__file__).with_name("page.py"),
    routes=ROUTES,
    middleware=[Middleware(PageGuard, names=accepted_names())],
)
