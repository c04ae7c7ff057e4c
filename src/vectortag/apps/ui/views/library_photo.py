"""One photo of the library: its heat maps and tags, and what is known of it. A click on a tag reruns only this."""

from __future__ import annotations

import functools
from collections.abc import Callable

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.elements import choose_tag
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.open_library import OpenLibrary
from vectortag.apps.ui.session_photos import PagePhoto, SessionPhotos
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import attempt, load_model, settings, show_problems
from vectortag.apps.ui.tag_list import RankedTag, as_stored, rank_tags, rows_to_draw, tags_to_list
from vectortag.apps.ui.views.photo_detail import draw_layers, show_stage
from vectortag.core.errors import LibraryError, ModelFolderError, PhotoError, UnknownModelError
from vectortag.core.file_names import escape_path
from vectortag.core.files import read_file
from vectortag.core.plain_text import code_span
from vectortag.library.one_photo import LibraryPhoto
from vectortag.model.calibration import Profile
from vectortag.model.registry import find_model_folder

MOST_OPENED = 12
"""Photos whose pictures and feature maps a session keeps."""


@st.fragment
def library_photo(library: OpenLibrary, photo: LibraryPhoto) -> None:
    """Show a photo."""
    left, right = st.columns([3, 2], gap="medium")
    try:
        opened, model, profile, tags, photo = _opened(library, photo.row)
    except (LibraryError, ModelFolderError, PhotoError, UnknownModelError) as error:
        st.warning(as_text(str(error)), icon=":material/warning:")
        with right:
            _facts(photo)
        return
    analysis = _session().analyse(opened, model, profile, fine=True)
    ranked = as_stored(rank_tags(analysis.tagging), tags)
    shown = tags_to_list(ranked)
    named = st.query_params.get("tag")
    row = next((one for one in ranked if one.tag == named), shown[0] if shown and shown[0].found else None)
    with right:
        _tags(library, photo, shown, row)
        show_problems()
        _facts(photo)
    with left:
        layers = draw_layers(analysis, [one.tag for one in shown], _session().layers)
        show_stage(opened, analysis.heatmap(row.tag) if row else None, row, layers)


def _session() -> SessionPhotos:
    found: SessionPhotos = st.session_state.setdefault("library_photos", SessionPhotos())
    return found


def _opened(
    library: OpenLibrary, row: int
) -> tuple[PagePhoto, LoadedModel, Profile, dict[str, float | None], LibraryPhoto]:
    """Read the photo, and load the model whose tags the library has.

    Raises:
        LibraryError, UnknownModelError, ModelFolderError: there are no tags or no model.
        PhotoError: the photo cannot be read.
    """
    with library.using() as opened:
        photo = opened.photo(row)
        if photo is None:
            raise LibraryError("the library has no such photo any more")
        tags, model = opened.tags_on(photo), opened.setting("model")
        profile: Profile = opened.setting("profile", "balanced")
    file = photo.file()
    if file is None:
        raise PhotoError(f"{escape_path(photo.path)}: is not there, or is a link out of the library's folder")
    session = _session()
    if len(session.photos) >= MOST_OPENED:
        session.clear()
    try:
        shown = session.add(photo.path.name, read_file(file))
    except OSError as error:
        raise PhotoError(f"{escape_path(photo.path)}: cannot be read: {error.strerror}") from error
    return shown, load_model(find_model_folder(model)), profile, tags, photo


def _tags(library: OpenLibrary, photo: LibraryPhoto, shown: list[RankedTag], chosen: RankedTag | None) -> None:
    said = {tag: one.verdict == "accepted" for tag, one in photo.decisions.items()}
    choose_tag(
        rows_to_draw(shown, spoken(), said),
        chosen=chosen.tag if chosen else None,
        empty="No tag reaches its threshold.",
        on_tag=_pick,
        on_said=functools.partial(_say, library, photo, said) if settings().edit else None,
        key="library-tags",
    )


def _pick(tag: str) -> None:
    st.query_params["tag"] = tag


def _say(library: OpenLibrary, photo: LibraryPhoto, said: dict[str, bool], tag: str, has: bool) -> None:
    """Accept or reject a tag; a second click on the same thumb takes it back."""
    with library.using() as opened:
        say: Callable[..., object] = opened.accept if has else opened.reject
        attempt(functools.partial(opened.withdraw if said.get(tag) is has else say, photo.path, tag))


def _facts(photo: LibraryPhoto) -> None:
    """Where the photo lies, and what its file says."""
    facts = [
        ("Taken", (photo.taken or "").replace("T", " ")),
        ("Keywords", ", ".join(photo.keywords)),
        ("Rating", "★" * max(0, photo.rating or 0)),
        ("Place", f"{photo.place[0]:.5f}, {photo.place[1]:.5f}" if photo.place else ""),
        ("Size", f"{photo.size[0]:,} × {photo.size[1]:,} pixels" if photo.size else ""),
    ]
    lines = [f"{name}: {as_text(value)}" for name, value in facts if value]
    text = "  \n".join([*lines, f"File: {code_span(escape_path(photo.path))}"])
    with st.container(key="library-facts"):
        st.markdown(text)
