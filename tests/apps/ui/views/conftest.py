"""The views without a browser: Streamlit's own test runner, and plain buttons in the place of the components."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from vectortag.apps.ui.session_photos import SessionPhotos

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


@pytest.fixture(autouse=True)
def _page(
    need_module: Callable[[str], ModuleType], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The tiny model is the only one, nothing is known of other tests, and components are plain elements."""
    need_module("streamlit.testing.v1")
    st = need_module("streamlit")
    from vectortag.apps.ui import state, views

    scanner = need_module("streamlit.components.v2.manifest_scanner")
    monkeypatch.setattr(scanner, "scan_component_manifests", list)  # of all installed packages, for each new page
    monkeypatch.setattr("sys.argv", ["page.py"])
    monkeypatch.setattr(state, "find_model_paths", lambda directories: [*directories, tiny_model])
    for _, name, _ in pkgutil.iter_modules(views.__path__):
        view = importlib.import_module(f"{views.__name__}.{name}")
        for plain in (show_photo, choose_tag, choose_photo, choose_in_grid, ask_for_query, decide_on, text_block):
            if hasattr(view, plain.__name__):
                monkeypatch.setattr(view, plain.__name__, plain)
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def draw() -> Callable[..., AppTest]:
    """draw(view, model, query={"tag": "dog"}, found="x"): what a function draws, with this address and session."""

    def run(function: Callable[..., object], *arguments: object, query: Any = None, **session: object) -> AppTest:
        from streamlit.testing.v1 import AppTest

        page = AppTest.from_function(_call, args=(function, arguments), default_timeout=60)
        for name, value in (query or {}).items():
            page.query_params[name] = value
        for name, value in session.items():
            page.session_state[name] = value
        return checked(page.run())

    return run


def _call(function, arguments):  # its text becomes the script, where no name of this file is known
    function(*arguments)


def checked(page: AppTest) -> AppTest:
    """The page, if drawing it raised nothing."""
    assert not page.exception, page.exception
    return page


@pytest.fixture
def click() -> Callable[[AppTest, str], AppTest]:
    """click(page, "Clear"): press the button with this key, or the only one with this label."""

    def press(page: AppTest, name: str) -> AppTest:
        found = [one for one in page.button if one.key == name] or [one for one in page.button if one.label == name]
        assert len(found) == 1, [(one.key, one.label) for one in page.button]
        assert not found[0].disabled, name
        return checked(found[0].click().run())

    return press


@pytest.fixture
def said() -> Callable[[AppTest], list[str]]:
    """said(page): the texts on the page and in its messages, kind by kind."""

    def texts(page: AppTest) -> list[str]:
        kinds = ("title", "subheader", "markdown", "text", "caption", "success", "info", "warning", "error", "code")
        return [str(one.value) for kind in kinds for one in getattr(page, kind)]

    return texts


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that a view switched to, by the names that the session has for them."""
    pages: list[str] = []

    def switch(page: str) -> None:
        import streamlit as st

        pages.append(page)
        st.stop()

    monkeypatch.setattr("streamlit.switch_page", switch)
    return pages


@pytest.fixture
def photos(content: Callable[..., bytes]) -> SessionPhotos:
    """Three photos of a session: 0.png, which is shown, 1.png and 2.png."""
    session = SessionPhotos()
    for seed in range(3):
        session.add(f"{seed}.png", content(seed))
    return session


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """start("--library", file, "--edit"): the command line of the page."""
    return lambda *arguments: monkeypatch.setattr("sys.argv", ["page.py", *map(str, arguments)])


def show_photo(*, layer: str | None, alt: str, **_: object) -> None:
    """The description of the picture, and whether a heat map is over it."""
    import streamlit as st

    st.text(f"picture: {alt}" if layer else f"picture without a heat map: {alt}")


def choose_tag(rows: Sequence[Any], *, chosen: str | None, empty: str, on_tag: Any, on_said: Any, key: str) -> None:
    """A button `KEY:TAG` for each tag, and `KEY:TAG:yes` and `KEY:TAG:no` in the place of the thumbs."""
    import streamlit as st

    st.text(f"chosen tag: {chosen}")
    if not rows:
        st.text(empty)
    for row in rows:
        st.button(row["name"], key=f"{key}:{row['tag']}", on_click=on_tag, args=(row["tag"],))
        if row["said"] is not None:
            st.text(f"{row['tag']} is {'right' if row['said'] else 'wrong'}")
        for word, has in (("yes", True), ("no", False)) if on_said else ():
            st.button(word, key=f"{key}:{row['tag']}:{word}", on_click=on_said, args=(row["tag"], has))


def choose_photo(thumbs: Sequence[Any], *, chosen: str | None, on_photo: Any, key: str, **_: object) -> None:
    """A button `KEY:PHOTO` for each photo."""
    import streamlit as st

    for thumb in thumbs:
        st.button(thumb["name"], key=f"{key}:{thumb['key']}", on_click=on_photo, args=(thumb["key"],))
        if thumb["key"] == chosen:
            st.text(f"chosen photo: {thumb['name']}")


def choose_in_grid(state: Any, *, on_photo: Any, on_ticks: Any, key: str) -> None:
    """A button `KEY:PHOTO` for each photo, and `KEY:PHOTO:tick` in the place of its box."""
    import streamlit as st

    shown, ticked = [photo["key"] for photo in state["photos"]], set(state["selected"])
    for photo in state["photos"]:
        one = photo["key"]
        st.button(photo["name"], key=f"{key}:{one}", on_click=on_photo, args=(one,))
        if state["selectable"]:
            st.button("tick", key=f"{key}:{one}:tick", on_click=on_ticks, args=(shown, sorted(ticked ^ {one})))


def ask_for_query(text: str, *, placeholder: str, on_query: Any, key: str, **_: object) -> None:
    """A field with the query."""
    import streamlit as st

    st.text_input(placeholder, text, key=key, on_change=lambda: on_query(st.session_state[key]))


def text_block(text: str, label: str, **_: object) -> None:
    """The lines."""
    import streamlit as st

    st.code(text, language=None)


def decide_on(
    photos: Sequence[Any], actions: Sequence[Any], *, each: str | None = None, on_answer: Any, key: str, **_: object
) -> None:
    """A button `KEY:ACTION` for each action, and one for each photo, if there are such."""
    import streamlit as st

    for photo in photos:
        st.text("; ".join(photo["facts"]))
        if each:
            st.button(each, key=f"{key}:{photo['key']}", on_click=on_answer, args=(photo["key"],))
    for action in actions:
        st.button(action["label"], key=f"{key}:{action['key']}", on_click=on_answer, args=(action["key"],))
