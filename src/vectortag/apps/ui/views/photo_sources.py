"""Where a visitor's photos come from: dropped, an example, or the example that the page's address names."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import streamlit as st

from vectortag.apps.ui.elements import Thumb, choose_photo
from vectortag.apps.ui.examples import example_photos
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.modes import InferenceMode
from vectortag.apps.ui.session_photos import MOST_MEGABYTES, PagePhoto, read_photo
from vectortag.apps.ui.state import attempt, session_photos, tell
from vectortag.core.errors import PhotoError


def uploader() -> None:
    """A drop zone that is empty again after each drop, so that Streamlit does not hold the files a second time."""
    key = f"drop-{st.session_state.setdefault('drops', 0)}"
    st.file_uploader(
        "Photos",
        type="image",
        accept_multiple_files=True,
        max_upload_size=MOST_MEGABYTES,
        key=key,
        label_visibility="collapsed",
        on_change=_drop,
        args=(key,),
    )


def _drop(key: str) -> None:
    st.session_state["incoming"] = st.session_state[key]
    st.session_state["drops"] += 1


def count() -> int:
    """How many photos there are, with those that were dropped and are still to be read."""
    return len(session_photos().photos) + len(st.session_state.get("incoming", []))


def read_uploads() -> None:
    """Read the photos that were dropped. One that cannot be read is told, and the others go on."""
    files = st.session_state.pop("incoming", [])
    if not files:
        return
    here, before = session_photos(), len(session_photos().photos)
    bar = st.progress(0.0)
    for done, file in enumerate(files, start=1):
        attempt(functools.partial(here.add, file.name, file.getvalue()))
        bar.progress(done / len(files), f"Reading the photos: {done} of {len(files)}")
    bar.empty()
    if len(here.photos) > before:
        choose(list(here.photos)[before])


def analyse_all(model: LoadedModel, mode: InferenceMode) -> None:
    """Run the network on each photo that it has not seen."""
    here = session_photos()
    waiting = [photo for photo in here.photos.values() if not here.is_analysed(photo, model, mode)]
    if not waiting:
        return
    bar = st.progress(0.0)
    for done, photo in enumerate(waiting, start=1):
        try:
            here.analyse(photo, model, mode)
        except PhotoError as error:
            here.remove(photo)
            tell(f"{photo.name}: {error}")
        bar.progress(done / len(waiting), f"Looking at the photos: {done} of {len(waiting)}")
    bar.empty()


def strip(key: str, photos: Iterable[PagePhoto]) -> None:
    """Some of the visitor's photos to choose from, where there are several in all."""
    here = session_photos()
    if len(here.photos) > 1:
        thumbs = [Thumb(key=photo.key, name=photo.name, picture=photo.thumb) for photo in photos]
        choose_photo(thumbs, chosen=here.chosen, wrap=False, on_photo=choose, key=key)


def examples(key: str) -> None:
    """The shipped examples, one click away."""
    if names := list(example_photos()):
        st.markdown("##### Or try an example")
        thumbs = [Thumb(key=name, name=name, picture=_example_thumb(name)) for name in names]
        choose_photo(thumbs, chosen=None, wrap=True, on_photo=take_example, key=key)


@st.cache_data(show_spinner=False)
def _example_thumb(name: str) -> str:
    return read_photo(name, example_photos()[name].read_bytes(), key=name).thumb


def open_linked_example() -> None:
    """Take the example that the address names, in a session that has just begun."""
    name = st.query_params.get("photo")
    if "linked" not in st.session_state:
        st.session_state["linked"] = True
        if name in example_photos():
            _take(name)


def take_example(name: str) -> None:
    """Look at a shipped example."""
    _take(name)
    choose(session_photos().chosen or "")


def _take(name: str) -> None:
    file = example_photos()[name]
    here = session_photos()
    here.chosen = here.add(file.name, file.read_bytes(), example=name).key


def choose(key: str) -> None:
    """Look at another photo; the address names it where it is an example, and no tag of the photo before."""
    here = session_photos()
    here.chosen = key
    st.query_params.pop("tag", None)
    if (photo := here.photo) and photo.example:
        st.query_params["photo"] = photo.example
    else:
        st.query_params.pop("photo", None)


def clear() -> None:
    """Forget all photos."""
    session_photos().clear()
    for name in ("photo", "tag"):
        st.query_params.pop(name, None)
