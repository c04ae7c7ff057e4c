"""What the views share: the models, for all visitors; the photos and choices, for each visitor alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from PIL import Image

from vectortag.apps.ui.loaded_model import LoadedModel, find_model_paths
from vectortag.apps.ui.modes import MODES, InferenceMode
from vectortag.apps.ui.session_photos import MOST_PIXELS, THUMB_SIDE, SessionPhotos
from vectortag.apps.ui.settings import Settings, read_settings
from vectortag.core.errors import VectorTagError
from vectortag.inference.image_grid import fit
from vectortag.model.folder import MANIFEST, ModelFolder, read_model_folder
from vectortag.runtime.pixels import open_image


def settings() -> Settings:
    """What the page was started with."""
    return read_settings(sys.argv[1:])


def session_photos() -> SessionPhotos:
    """The photos of this visitor."""
    found: SessionPhotos = st.session_state.setdefault("session_photos", SessionPhotos())
    return found


def models() -> tuple[dict[str, ModelFolder], list[str]]:
    """The model folders by name, verified, the default one first; and what is wrong with the others.

    Two of one name are told apart by their digests.
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
    """A verified model folder, or its error; again whenever its manifest was changed."""
    del changed
    try:
        return read_model_folder(Path(path))
    except VectorTagError as error:
        return str(error)


@st.cache_resource(show_spinner="Loading the model …")
def _load(digest: str, _folder: ModelFolder) -> LoadedModel:
    """One for all visitors, for as long as the program runs."""
    del digest
    return LoadedModel(_folder)


def load_model(folder: ModelFolder) -> LoadedModel:
    """The loaded model of a folder."""
    return _load(folder.digest, folder)


def choose_model() -> LoadedModel:
    """Let the user choose a model; the choice stands in the page's address."""
    found, problems = models()
    for problem in problems:
        st.warning(problem, icon=":material/warning:")
    if not found:
        st.error("There is no model to tag with. Train one, or name a folder with `--models`.")
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


def choose_mode() -> InferenceMode:
    """Let the user choose how photos are looked at, where there is more than one way."""
    if len(MODES) == 1:
        return next(iter(MODES.values()))
    name = st.selectbox("Mode", list(MODES), key="mode", bind="query-params", label_visibility="collapsed")
    return MODES[name or next(iter(MODES))]


def attempt(action: Callable[[], object]) -> bool:
    """Do something that may fail in a way that the user should hear of; say whether it was done."""
    try:
        action()
    except VectorTagError as error:
        tell(str(error))
        return False
    return True


def tell(problem: str) -> None:
    """Let `show_problems` show it, in this run of the page or the next."""
    st.session_state.setdefault("problems", []).append(problem)


def show_problems() -> None:
    """What went wrong since this was last shown."""
    if problems := st.session_state.pop("problems", []):
        st.error("  \n".join(map(plain, problems)), icon=":material/error:")


def plain(text: str) -> str:
    """A text in which nothing, such as `*` or `$` in the name of a file, means anything to Markdown.

    >>> plain("a_b*.jpg")
    'a\\\\_b\\\\*.jpg'
    """
    return re.sub(r"([\\`*_{}\[\]<>#~:$|])", r"\\\1", text)


def lower_headings(markdown: str) -> str:
    """A document whose headings stand one level lower, under the page's own.

    >>> lower_headings("# One")
    '## One'
    """
    return re.sub(r"^#(?=#* )", "##", markdown, flags=re.MULTILINE)


@st.cache_data(show_spinner=False, max_entries=500)
def small_picture(path: str, changed: int) -> Image.Image:
    """A small picture of a photo on disk; `changed` is its time of change.

    Raises:
        PhotoError: the photo cannot be read.
    """
    del changed
    return fit(open_image(path, max_pixels=MOST_PIXELS, draft=(THUMB_SIDE, THUMB_SIDE)), THUMB_SIDE)
