"""Where the photos of a session come from: an upload, a shipped example, or the example in the page's address."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import streamlit as st

from vectortag.apps.ui.elements import Thumb, choose_photo
from vectortag.apps.ui.examples import example_photos
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import MOST_MEGABYTES, PagePhoto, read_photo
from vectortag.apps.ui.state import add_problem, attempt, session_photos
from vectortag.core.errors import PhotoError


def uploader() -> None:
    """An upload field that is emptied after each upload, so that Streamlit does not hold the files a second time.

    It takes any file: browsers do not know RAW, HEIC or JPEG XL as pictures, and drop what they do not know in silence.
    What cannot be read is named, with the reason and what to install.
    """
    key = f"upload-{st.session_state.setdefault('upload_count', 0)}"
    st.file_uploader(
        "Photos",
        accept_multiple_files=True,
        max_upload_size=MOST_MEGABYTES,
        key=key,
        label_visibility="collapsed",
        on_change=_queue_uploads,
        args=(key,),
    )


def _queue_uploads(key: str) -> None:
    st.session_state["uploads"] = st.session_state[key]
    st.session_state["upload_count"] += 1


def photo_count() -> int:
    """Number of photos, including uploads that are still to be read."""
    return len(session_photos().photos) + len(st.session_state.get("uploads", []))


def read_uploads() -> None:
    """Read the uploaded photos. One that cannot be read becomes a message, and the others go on."""
    files = st.session_state.pop("uploads", [])
    if not files:
        return
    session, before = session_photos(), len(session_photos().photos)
    bar = st.progress(0.0)
    for done, file in enumerate(files, start=1):
        attempt(functools.partial(session.add, file.name, file.getvalue()))
        bar.progress(done / len(files), f"Reading the photos: {done} of {len(files)}")
    bar.empty()
    if len(session.photos) > before:
        choose(list(session.photos)[before])


def analyse_all(model: LoadedModel) -> None:
    """Run the network on each photo that has no feature map yet."""
    session = session_photos()
    waiting = [photo for photo in session.photos.values() if not session.is_analysed(photo, model)]
    if not waiting:
        return
    bar = st.progress(0.0)
    for done, photo in enumerate(waiting, start=1):
        try:
            session.analyse(photo, model)
        except PhotoError as error:
            session.remove(photo)
            add_problem(f"{photo.name}: {error}")
        bar.progress(done / len(waiting), f"Tagging the photos: {done} of {len(waiting)}")
    bar.empty()


def photo_strip(key: str, photos: Iterable[PagePhoto]) -> None:
    """Thumbnails of these photos to choose from; nothing if the session has only one photo."""
    session = session_photos()
    if len(session.photos) > 1:
        thumbs = [Thumb(key=photo.key, name=photo.name, picture=photo.thumb) for photo in photos]
        choose_photo(thumbs, chosen=session.chosen, wrap=False, on_photo=choose, key=key)


def examples(key: str) -> None:
    """Thumbnails of the shipped examples to choose from."""
    if names := list(example_photos()):
        st.markdown("##### Or try an example")
        thumbs = [Thumb(key=name, name=name, picture=_example_thumb(name)) for name in names]
        choose_photo(thumbs, chosen=None, wrap=True, on_photo=open_example, key=key)


@st.cache_data(show_spinner=False)
def _example_thumb(name: str) -> str:
    return read_photo(name, example_photos()[name].read_bytes(), key=name).thumb


def open_linked_example() -> None:
    """Open the example in the page's address; only when the session starts."""
    name = st.query_params.get("photo")
    if "link_opened" not in st.session_state:
        st.session_state["link_opened"] = True
        if name in example_photos():
            _add_example(name)


def open_example(name: str) -> None:
    """Add a shipped example and show it."""
    _add_example(name)
    choose(session_photos().chosen or "")


def _add_example(name: str) -> None:
    file = example_photos()[name]
    session = session_photos()
    session.chosen = session.add(file.name, file.read_bytes(), example=name).key


def choose(key: str) -> None:
    """Show another photo. The page's address gets its name if it is an example, and loses the tag."""
    session = session_photos()
    session.chosen = key
    st.query_params.pop("tag", None)
    if (photo := session.photo) and photo.example:
        st.query_params["photo"] = photo.example
    else:
        st.query_params.pop("photo", None)


def clear() -> None:
    """Remove all photos."""
    session_photos().clear()
    for name in ("photo", "tag"):
        st.query_params.pop(name, None)
