"""What the views share: the models (for all sessions), and photos and choices (one set per session)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from PIL import Image
from streamlit.errors import StreamlitAPIException

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.loaded_model import LoadedModel, find_model_paths
from vectortag.apps.ui.loaded_models import LoadedModels
from vectortag.apps.ui.session_photos import MOST_PIXELS, THUMB_SIDE, SessionPhotos
from vectortag.apps.ui.settings import Settings, read_settings
from vectortag.apps.ui.visits import COOKIE, Visits, random_name
from vectortag.core.errors import CorrectionError, VectorTagError
from vectortag.inference.image_grid import fit
from vectortag.model.folder import MANIFEST, ModelFolder, read_model_folder
from vectortag.personal.corrections import Correction, read_corrections
from vectortag.runtime.pixels import open_image


def settings() -> Settings:
    """What the page was started with."""
    return read_settings(sys.argv[1:])


def session_photos() -> SessionPhotos:
    """The photos of this session; at its start, those of the visit in the page's address, if it was this visitor's."""
    if "session_photos" not in st.session_state:
        name = st.query_params.get("visit")
        if before := _visits().find(st.context.cookies.get(COOKIE), name):
            st.session_state["visit"] = name
        st.session_state["session_photos"] = before or SessionPhotos()
    found: SessionPhotos = st.session_state["session_photos"]
    return found


def keep_visit() -> None:
    """Keep the photos for a reload of this tab, and name the visit in the page's address; examples need no visit."""
    visitor, photos = st.context.cookies.get(COOKIE), session_photos()
    if visitor and any(photo.example is None for photo in photos.photos.values()):
        name = st.session_state.setdefault("visit", random_name())
        _visits().keep(visitor, name, photos)
        if st.query_params.get("visit") != name:
            st.query_params["visit"] = name
    elif "visit" in st.query_params:
        del st.query_params["visit"]


@st.cache_resource(show_spinner=False)
def _visits() -> Visits:
    return Visits()


def models() -> tuple[dict[str, ModelFolder], list[str]]:
    """The verified model folders by name, the default first; and the problems of those that cannot be used.

    Of two models with the same name, the second is listed as `name@digest`.
    """
    found: dict[str, ModelFolder] = {}
    problems: list[str] = []
    try:
        paths = find_model_paths(settings().models)
    except VectorTagError as error:
        paths, problems = find_model_paths(()), [str(error)]
    for path in paths:
        folder = _read(str(path), (path / MANIFEST).stat().st_mtime_ns)
        if isinstance(folder, str):
            problems.append(folder)
        else:
            found[folder.id if folder.manifest.name in found else folder.manifest.name] = folder
    return found, problems


@st.cache_resource(show_spinner=False)
def _read(path: str, changed: int) -> ModelFolder | str:
    """A verified model folder, or its error; read again when its manifest has changed."""
    del changed
    try:
        return read_model_folder(Path(path))
    except VectorTagError as error:
        return str(error)


@st.cache_resource(show_spinner=False)
def _loaded_models() -> LoadedModels:
    return LoadedModels()


@st.cache_resource(show_spinner="Loading the model …")
def _load(digest: str, _folder: ModelFolder) -> LoadedModel:
    """One per model for all sessions, until the program ends."""
    del digest
    return _loaded_models().get(_folder)


def load_model(folder: ModelFolder) -> LoadedModel:
    """The loaded model of a folder."""
    return _load(folder.digest, folder)


def load_ahead() -> None:
    """Load the default model in the background, while the visitor looks for a photo."""
    _loaded_models().load_ahead(lambda: next(iter(models()[0].values()), None))


def choose_model() -> LoadedModel:
    """Show the list of models and return the chosen one; the page's address has its name."""
    found, problems = models()
    for problem in problems:
        st.warning(as_text(problem), icon=":material/warning:")
    if not found:
        st.error("There is no model. Train one, or name a folder of models with `vectortag ui --models FOLDER`.")
        st.stop()
    name = st.selectbox(
        "Model",
        list(found),
        key="model",
        bind="query-params",
        label_visibility="collapsed",
        width=240,
    )
    return load_model(found[name or next(iter(found))])


def attempt(action: Callable[[], object]) -> bool:
    """Run an action and report its error on the page; return whether it succeeded."""
    try:
        action()
    except VectorTagError as error:
        add_problem(str(error))
        return False
    return True


def rerun_fragment() -> None:
    """Draw the fragment that is being drawn again; or the whole page, if that is being drawn.

    A click in a fragment is handled by a run of the whole page, where one was asked for at the same moment.
    """
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        st.rerun()


def add_problem(problem: str) -> None:
    """Keep a message for `show_problems`, in this run of the script or the next."""
    st.session_state.setdefault("problems", []).append(problem)


def show_problems() -> None:
    """Show the messages of `add_problem` since the last call."""
    if problems := st.session_state.pop("problems", []):
        st.error("  \n".join(map(as_text, problems)), icon=":material/error:")


def stored_corrections() -> list[Correction]:
    """All corrections. If their file cannot be read, none and a warning on the page that names it; the file stays."""
    try:
        return read_corrections()
    except CorrectionError as error:
        st.warning(as_text(str(error)), icon=":material/warning:")
        return []


@st.cache_data(show_spinner=False, max_entries=500)
def thumbnail(path: str, changed: int) -> Image.Image:
    """A thumbnail of a photo on disk; `changed` is the file's time of change, part of the cache key.

    Raises:
        PhotoError: the photo cannot be read.
    """
    del changed
    return fit(open_image(path, max_pixels=MOST_PIXELS, draft=(THUMB_SIDE, THUMB_SIDE)), THUMB_SIDE)
