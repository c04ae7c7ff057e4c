"""One photo of the library: its heat maps and tags, and the way to its neighbours among the photos found."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.elements import choose_photo, choose_tag
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.page_query import LibraryQuery, page_of
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import PagePhoto, SessionPhotos
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import attempt, load_model, rerun_fragment, settings, show_problems
from vectortag.apps.ui.tag_list import RankedTag, TagRow, as_stored, rank_tags, rows_to_draw, tags_to_list
from vectortag.apps.ui.views.library_facts import photo_facts
from vectortag.apps.ui.views.library_grid import open_photo, thumbs, turn_to
from vectortag.apps.ui.views.library_search import search_errors
from vectortag.apps.ui.views.library_selected import choose_tag_name, last_change
from vectortag.apps.ui.views.photo_detail import draw_layers, show_stage
from vectortag.core.errors import LibraryError, ModelFolderError, PhotoError, UnknownModelError
from vectortag.core.file_names import escape_path
from vectortag.core.files import read_file
from vectortag.library.decisions import Decision
from vectortag.library.one_photo import LibraryPhoto
from vectortag.library.sidecars import ModelRun
from vectortag.model.calibration import Profile
from vectortag.model.registry import find_model_folder

MOST_OPENED = 12
"""Photos whose pictures and feature maps a session keeps."""


def chosen_row() -> int | None:
    """The row of the photo that the address names; None if it names none."""
    named = st.query_params.get("photo", "")
    return int(named) if named.isdecimal() and len(named) < 19 else None


def library_photo(library: OpenLibrary, query: LibraryQuery, row: int) -> None:
    """Show a photo."""
    with st.container(), search_errors(query):  # one place: a fragment that moves loses the clicks under way to it
        _way(library, query, row)
    _photo(library, row)


def _way(library: OpenLibrary, query: LibraryQuery, row: int) -> None:
    """Back to all photos, to the one before and the next, and a strip of them."""
    node = query.node()
    rows = library.rows(node)
    is_found = row in rows
    place = rows.index(row) if is_found else min(st.session_state.get("photo_place", len(rows)), len(rows))
    st.session_state["photo_place"] = place  # a photo that is not found any more keeps its place among the others
    before, after = place - 1, place + is_found
    with st.container(horizontal=True, vertical_alignment="center", key="library-way", gap="small"):
        st.button("All photos found", icon=":material/arrow_back:", on_click=_close, args=(place,), key="close")
        for label, icon, other in (("Previous photo", "chevron_left", before), ("Next photo", "chevron_right", after)):
            there = rows[other] if 0 <= other < len(rows) else None
            st.button(
                label,
                icon=f":material/{icon}:",
                disabled=there is None,
                on_click=open_photo,
                args=(str(there),),
                key=f"turn-photo-{icon}",
            )
        st.markdown(f"{place + 1:,} of {len(rows):,}" if is_found else "not in this search", width="content")
    if is_found:
        around = thumbs(library.around(node, place).matches)
        choose_photo(around, chosen=str(row), wrap=False, on_photo=open_photo, key="library-strip")


def _close(place: int) -> None:
    """Back to the page of the photo."""
    for key in ("photo", "tag"):
        st.query_params.pop(key, None)
    turn_to(page_of(place))


@dataclass(frozen=True, slots=True)
class _Opened:
    """A photo that was read, its model and profile, and what the library has of it."""

    photo: LibraryPhoto
    content: bytes
    shown: PagePhoto
    model: LoadedModel
    profile: Profile
    tags: Mapping[str, float | None]
    run: ModelRun | None


@st.fragment
def _photo(library: OpenLibrary, row: int) -> None:
    """The photo with its tags. A click on a tag reruns only this."""
    with library.using() as opened:
        photo = opened.photo(row)
    if photo is None:
        st.info("The library has no such photo any more.")
        return
    left, right = st.columns([3, 2], gap="medium")
    try:
        one = _open(library, photo)
    except (LibraryError, ModelFolderError, PhotoError, UnknownModelError) as error:
        st.warning(as_text(str(error)), icon=":material/warning:")
        with right:
            photo_facts(photo, None, b"")
        return
    analysis = _session().analyse(one.shown, one.model, one.profile, fine=True)
    ranked = as_stored(rank_tags(analysis.tagging), one.tags)
    shown = tags_to_list(ranked)
    named = st.query_params.get("tag")
    chosen = next((tag for tag in ranked if tag.tag == named), shown[0] if shown and shown[0].found else None)
    with right:
        _own_tags(library, photo, {tag.tag for tag in ranked})
        _tags(library, photo, shown, chosen)
        if settings().edit:
            _add_tag(library, photo)
        show_problems()
        photo_facts(photo, one.run, one.content)
    with left:
        layers = draw_layers(analysis, [tag.tag for tag in shown], _session().layers)
        show_stage(one.shown, analysis.heatmap(chosen.tag) if chosen else None, chosen, layers)


def _session() -> SessionPhotos:
    found: SessionPhotos = st.session_state.setdefault("library_photos", SessionPhotos())
    return found


def _open(library: OpenLibrary, photo: LibraryPhoto) -> _Opened:
    """Read the photo, and load the model whose tags the library has.

    Raises:
        LibraryError, UnknownModelError, ModelFolderError: there are no tags or no model.
        PhotoError: the photo cannot be read.
    """
    with library.using() as opened:
        tags, run, model = opened.tags_on(photo), opened.run_on(photo), opened.setting("model")
        profile: Profile = opened.setting("profile", "balanced")
    file = photo.file()
    if file is None:
        raise PhotoError(f"{escape_path(photo.path)}: is not there, or is a link out of the library's folder")
    session = _session()
    if len(session.photos) >= MOST_OPENED:
        session.clear()
    try:
        content = read_file(file)
    except OSError as error:
        raise PhotoError(f"{escape_path(photo.path)}: cannot be read: {error.strerror}") from error
    shown = session.add(photo.path.name, content)
    return _Opened(photo, content, shown, load_model(find_model_folder(model)), profile, tags, run)


def _own_tags(library: OpenLibrary, photo: LibraryPhoto, known: set[str]) -> None:
    """The tags of the person's own, which the model does not have."""
    own = [tag for tag, one in photo.decisions.items() if one.verdict == "accepted" and tag not in known]
    if not own:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="own-tags"):
        st.markdown("Your tags:", width="content")
        for tag in own:
            if settings().edit:
                remove = functools.partial(_take_back, library, photo, tag)
                st.button(
                    as_text(tag), icon=":material/close:", help=f"Remove {tag}", on_click=remove, key=f"own-{tag}"
                )
            else:
                st.markdown(f"**{as_text(tag)}**", width="content")


def _tags(library: OpenLibrary, photo: LibraryPhoto, shown: list[RankedTag], chosen: RankedTag | None) -> None:
    said = {tag: one.verdict == "accepted" for tag, one in photo.decisions.items()}
    choose_tag(
        [_renamed(row, photo.decisions.get(row["tag"])) for row in rows_to_draw(shown, spoken(), said)],
        chosen=chosen.tag if chosen else None,
        empty="No tag reaches its threshold.",
        on_tag=_pick,
        on_said=functools.partial(_say, library, photo, said) if settings().edit else None,
        key="library-tags",
    )


def _renamed(row: TagRow, decision: Decision | None) -> TagRow:
    """A row under the name that the person gave the tag on this photo."""
    return row if decision is None or not decision.renamed_to else TagRow(**{**row, "name": decision.renamed_to})


def _pick(tag: str) -> None:
    st.query_params["tag"] = tag


def _say(library: OpenLibrary, photo: LibraryPhoto, said: Mapping[str, bool], tag: str, has: bool) -> None:
    """Accept or reject a tag; a second click on the same thumb takes it back."""
    if said.get(tag) is has:
        _take_back(library, photo, tag)
        return
    if has:
        attempt(lambda: library.change(lambda opened: opened.accept_on([photo.row], tag)))
    else:
        attempt(lambda: library.change(lambda opened: opened.reject_on([photo.row], tag)))


def _take_back(library: OpenLibrary, photo: LibraryPhoto, tag: str) -> None:
    with library.using() as opened:
        attempt(functools.partial(opened.withdraw, photo.path, tag))


def _add_tag(library: OpenLibrary, photo: LibraryPhoto) -> None:
    """A field for one more tag, which may be a new word; and what was changed last."""
    number = st.session_state.setdefault("tags_added", 0)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        tag = choose_tag_name(library, key=f"photo-tag-{number}")
        if tag:
            st.session_state["tags_added"] = number + 1  # an empty field
            attempt(lambda: library.change(lambda opened: opened.accept_on([photo.row], tag, own=True)))
            rerun_fragment()
        last_change(library)
