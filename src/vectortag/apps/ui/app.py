"""The page as a web application: `vectortag ui`, or `streamlit run src/vectortag/apps/ui/app.py`.

Streamlit finds the name `app` here. Each session runs `page.py`.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit.starlette import App

from vectortag.apps.ui.access import PageGuard, accepted_names
from vectortag.apps.ui.library.routes import ROUTES

VIEWS = [f"vectortag.apps.ui.views.{name}" for name in ("tag", "library", "compare", "models", "reports", "your_tags")]
"""What `page.py` imports, that of the first page first."""


@asynccontextmanager
async def importing(app: App) -> AsyncIterator[dict[str, Any]]:
    """Import what the page needs, while the browser fetches Streamlit's scripts."""
    del app
    threading.Thread(target=_import_views, name="imports", daemon=True).start()
    yield {}


def _import_views() -> None:
    for view in VIEWS:
        importlib.import_module(view)


app = App(
    Path(__file__).with_name("page.py"),
    lifespan=importing,
    routes=ROUTES,
    middleware=[Middleware(PageGuard, names=accepted_names())],
)
