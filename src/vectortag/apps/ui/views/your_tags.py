"""The view "Your tags": add a tag from photos, list and delete added tags; learn from corrections."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import streamlit as st

from vectortag.apps.ui.corrected_photos import undo_correction
from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import MOST_MEGABYTES, MOST_PHOTOS
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import attempt, choose_model, show_problems, stored_corrections, thumbnail
from vectortag.apps.ui.thumbnails import remove_thumbnails, save_thumbnails, thumbnails_of
from vectortag.core.errors import PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.folders import data_home
from vectortag.core.plain_text import code_span
from vectortag.inference.refresh import forget, refresh
from vectortag.personal.added_tags import LONGEST_NAME, AddedTag
from vectortag.personal.corrections import Correction
from vectortag.personal.few_shot import FEW_EXAMPLES, MIN_EXAMPLES, is_weak
from vectortag.runtime.decoding.video import still_of

MAX_LISTED = 60


def show() -> None:
    """Show the view."""
    st.title("Your tags")
    st.markdown(
        f"Added tags and corrections are stored in the data folder, {code_span(escape_path(data_home()))}, "
        "for all users of this page. The model folder is not changed."
    )
    model = choose_model()
    with st.container():  # always there, or the tabs below would be reset with each message
        show_problems()
        if done := st.session_state.pop("done", None):
            st.success(as_text(done), icon=":material/check:")
    adding, mine, corrections = st.tabs(["Add a tag", "Added tags", "Corrections"])
    with adding:
        _add(model)
    with mine:
        _added(model)
    with corrections:
        _corrections(model)


def _add(model: LoadedModel) -> None:
    number = st.session_state.setdefault("added", 0)
    if wanted := st.session_state.pop("wanted_tag", None):  # the view "Tag" was asked for a tag that is not there
        st.session_state[f"name-{number}"] = wanted[:LONGEST_NAME]
    name = st.text_input("Name", max_chars=LONGEST_NAME, key=f"name-{number}")
    left, right = st.columns(2)
    with left:
        shown = _upload("Photos that show it", f"shown-{number}", "At least 3 different ones; 20 are better.")
    with right:
        others = _upload("Photos that do not (optional)", f"others-{number}", "Photos of things that look similar.")
    parents = st.multiselect(
        "It is also a … (optional)",
        model.folder.manifest.tags,
        format_func=spoken().name,
        key=f"parents-{number}",
        placeholder="Choose tags",
    )
    keep = st.checkbox(
        "Store thumbnails of these photos, to see later what the tag was made from",
        key=f"keep-{number}",
        help="Otherwise only the embeddings of the photos are stored.",
    )
    ready = bool(name.strip()) and len(shown) >= MIN_EXAMPLES
    if not ready:
        st.caption(f"A tag needs a name and at least {MIN_EXAMPLES} photos.")
    if st.button("Add the tag", type="primary", disabled=not ready):
        if attempt(lambda: _learn_tag(model, name, shown, others, parents, keep=keep)):
            st.session_state["added"] += 1  # an empty form
        st.rerun()


def _upload(label: str, key: str, about: str) -> list[bytes]:
    files = st.file_uploader(label, accept_multiple_files=True, max_upload_size=MOST_MEGABYTES, key=key, help=about)
    if len(files) > MOST_PHOTOS:
        st.warning(f"Only the first {MOST_PHOTOS} of {len(files)} photos are taken.", icon=":material/warning:")
    return [file.getvalue() for file in files[:MOST_PHOTOS]]


def _learn_tag(
    model: LoadedModel, name: str, shown: list[bytes], others: list[bytes], parents: Sequence[str], *, keep: bool
) -> None:
    shown, others = [still_of(one) for one in shown], [still_of(one) for one in others]
    with st.spinner("Learning the tag …"), model.changing() as tagger:
        tag = tagger.add_tag(name, shown, others, parents=parents)
    if keep:
        save_thumbnails(model.folder, tag.name, shown)
    st.session_state["done"] = f"{tag.name}: added from {tag.examples} photos. {_advice(tag)}"


def _advice(tag: AddedTag) -> str:
    percent = f"{100 * tag.separation:.0f} %"
    text = f"In a check, a photo of it that was left out scored higher than other photos {percent} of the time."
    if tag.promise is not None:
        said = str(tag.promise)
        text = f"{said[0].upper()}{said[1:]}."
    if is_weak(tag):
        return f"{text} This is weak: add more photos, or photos that are more alike."
    if tag.examples < FEW_EXAMPLES:
        return f"{text} More photos make it more reliable."
    return text


def _added(model: LoadedModel) -> None:
    tags = model.tagger().additions
    if not tags:
        st.info("No tag has been added to this model.")
    for tag in tags:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{as_text(tag.name)}**", width="stretch")
                if st.button("Delete", key=f"delete-{tag.name}", icon=":material/delete:"):
                    _ask_to_delete(model, tag)
            implied = f" It implies {as_text(', '.join(tag.parents))}." if tag.parents else ""
            without = f" and {tag.counterexamples} that do not" if tag.counterexamples else ""
            corrected = f", with {tag.corrections} corrections" if tag.corrections else ""
            st.markdown(f"From {tag.examples} photos that show it{without}{corrected}.{implied} {_advice(tag)}")
            pictures = thumbnails_of(model.folder, tag.name)
            if pictures:
                with st.container(horizontal=True, gap="small"):
                    for picture in pictures:
                        st.image(str(picture), width=110, alt=f"a photo that {tag.name} was made from")
            else:
                st.caption("No thumbnails of its photos are stored.")


@st.dialog("Delete this tag?")
def _ask_to_delete(model: LoadedModel, tag: AddedTag) -> None:
    st.markdown(f"**{as_text(tag.name)}**, made from {tag.examples} photos, will be deleted with its thumbnails.")
    with st.container(horizontal=True):
        if st.button("Delete it", type="primary"):
            attempt(lambda: _forget_tag(model, tag))
            st.rerun()
        if st.button("Cancel"):
            st.rerun()


def _forget_tag(model: LoadedModel, tag: AddedTag) -> None:
    with model.changing() as tagger:
        tagger.remove_tag(tag.name)
    remove_thumbnails(model.folder, tag.name)
    st.session_state["done"] = f"{tag.name}: deleted."


def _corrections(model: LoadedModel) -> None:
    corrections = stored_corrections()
    learnt = model.tagger().refits or any(tag.corrections for tag in model.tagger().additions)
    st.markdown(
        "Corrections from the view *Tag* and from the command line. The model learns from them when you click the "
        "button; this takes seconds, and only the scores of these tags change."
    )
    with st.container(horizontal=True):
        if st.button("Learn from them", type="primary", disabled=not corrections, icon=":material/school:"):
            attempt(lambda: _learn(model))
            st.rerun()
        if learnt and st.button("Undo the learning", help="The corrections stay."):
            attempt(lambda: _unlearn(model))
            st.rerun()
    if not corrections:
        st.info("There are no corrections.")
    for number, one in enumerate(corrections[::-1][:MAX_LISTED]):
        _correction(number, one)
    if len(corrections) > MAX_LISTED:
        st.caption(f"… and {len(corrections) - MAX_LISTED} older ones. All of them: `vectortag corrections`")


def _correction(number: int, one: Correction) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        with contextlib.suppress(OSError, PhotoError):  # the photo is gone or broken; its correction stays
            st.image(thumbnail(str(one.photo), one.photo.stat().st_mtime_ns), width=72, alt="the corrected photo")
        st.markdown(
            f":material/{'thumb_up' if one.has else 'thumb_down'}: **{as_text(spoken().name(one.tag))}**",
            width="stretch",
        )
        if st.button("Take back", key=f"back-{number}"):
            attempt(lambda: undo_correction(one.photo, one.tag))
            st.rerun()


def _learn(model: LoadedModel) -> None:
    with st.spinner("Learning …"), model.changing() as tagger:
        learnt = refresh(tagger)
    lines = [f"{one.tag}: {one.right} of {one.corrections} corrected photos are right now" for one in learnt]
    st.session_state["done"] = ". ".join(lines) or "No correction is about a tag of this model."


def _unlearn(model: LoadedModel) -> None:
    with model.changing() as tagger:
        forget(tagger)
    st.session_state["done"] = "The model is as it was before it learned from corrections."
