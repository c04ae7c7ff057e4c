"""Where the photos of a session come from: an upload, a shipped example, or the example in the page's address."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vectortag.apps.ui.elements import Thumb, choose_photo
from vectortag.apps.ui.examples import example_photos
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import MOST_MEGABYTES, THUMB_SIDE, PagePhoto, read_photo
from vectortag.apps.ui.state import add_problem, keep_visit, session_photos
from vectortag.apps.ui.upload_queue import UploadQueue, progress_line

LOOK = 0.1
"""Seconds between two looks at what came, while nothing else is done."""

FEW = 4
"""Photos that are worth waiting for: the page is drawn once for all of them."""


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
    """Many files come in several calls, each with those of the calls before."""
    known: set[str] = st.session_state.setdefault("upload_ids", set())
    files = [file for file in st.session_state[key] if file.file_id not in known]
    queue().put((file.name, file.getvalue()) for file in files)
    known.update(file.file_id for file in files)
    st.session_state["upload_count"] += 1


def queue() -> UploadQueue:
    """The uploads of this session that are to be read."""
    found: UploadQueue = st.session_state.setdefault("queue", UploadQueue())
    return found


def photo_count() -> int:
    """Number of photos, including uploads that are still to be read."""
    return len(session_photos().photos) + queue().left


def take_some(model: LoadedModel, *, seconds: float = math.inf, bar: DeltaGenerator | None = None) -> bool:
    """Show the photos that are read and tagged in the background; return whether all are.

    Waits for all, or for so long; but no longer than for the first one, where many others are to come. A bar shows how
    far it is. A photo that cannot be read becomes a message, and the others go on.
    """
    session, work = session_photos(), queue()
    chosen, until, bar = session.chosen, time.monotonic() + seconds, st.empty() if bar is None else bar
    while not (done := work.work(session, model, wait=min(LOOK, max(0.0, until - time.monotonic())))):
        if work.left + work.done > 1:
            line = progress_line(work.done, work.left, time.monotonic() - work.begun)
            bar.progress(work.done / (work.done + work.left), line)
        if time.monotonic() >= until or (seconds < math.inf and session.photo is not None and work.left > FEW):
            break
    if session.chosen != chosen:
        choose(session.chosen or "")
    if done:
        bar.empty()
        for problem in work.problems:
            add_problem(problem)
        work.problems.clear()
    keep_visit()
    return done


def photo_strip(key: str, photos: Iterable[PagePhoto]) -> None:
    """Thumbnails of these photos to choose from; nothing if the session has only one photo and none is to come."""
    session = session_photos()
    if photo_count() > 1:
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
    return read_photo(name, example_photos()[name].read_bytes(), key=name, side=THUMB_SIDE).thumb


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
    """Remove all photos, and those to come."""
    session_photos().clear()
    queue().drop()
    for name in ("photo", "tag"):
        st.query_params.pop(name, None)
