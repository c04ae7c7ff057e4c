"""Your tags: add one from a few photos, look them over, delete; corrections, and learning from them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from vectortag.apps.ui.corrected_photos import undo_correction
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import MOST_MEGABYTES, MOST_PHOTOS
from vectortag.apps.ui.state import attempt, choose_model, show_problems, small_picture
from vectortag.apps.ui.thumbnails import remove_thumbnails, save_thumbnails, thumbnails_of
from vectortag.core.folders import data_home
from vectortag.inference.refresh import forget, refresh
from vectortag.personal.added_tags import LONGEST_NAME, AddedTag
from vectortag.personal.corrections import Correction, read_corrections
from vectortag.personal.few_shot import FEW_EXAMPLES, MIN_EXAMPLES, WEAK

MOST_LISTED = 60


def show() -> None:
    """The whole view."""
    st.title("Your tags")
    st.markdown(
        f"What you teach a model is kept in the data folder, `{data_home()}`, for all who use this page. "
        "The model itself is not changed."
    )
    model = choose_model()
    with st.container():  # there even when empty, or the tabs below would start anew with each message
        show_problems()
        if done := st.session_state.pop("done", None):
            st.success(done, icon=":material/check:")
    adding, mine, corrections = st.tabs(["Add a tag", "Added tags", "Corrections"])
    with adding:
        _add(model)
    with mine:
        _added(model)
    with corrections:
        _corrections(model)


def _add(model: LoadedModel) -> None:
    number = st.session_state.setdefault("added", 0)
    name = st.text_input("Name", placeholder="our boat", max_chars=LONGEST_NAME, key=f"name-{number}")
    left, right = st.columns(2)
    with left:
        shown = _upload("Photos that show it", f"shown-{number}", "At least 3 different ones; 20 are better.")
    with right:
        others = _upload("Photos that do not (optional)", f"others-{number}", "Such as look like it and are not.")
    parents = st.multiselect(
        "It is also a … (optional)", model.folder.manifest.tags, key=f"parents-{number}", placeholder="furniture"
    )
    keep = st.checkbox(
        "Keep small pictures of these photos, to see later what the tag was made from",
        key=f"keep-{number}",
        help="Without it nothing of the photos is kept but what the network saw in them.",
    )
    ready = bool(name.strip()) and len(shown) >= MIN_EXAMPLES
    if not ready:
        st.caption(f"A tag needs a name and at least {MIN_EXAMPLES} photos.")
    if st.button("Add the tag", type="primary", disabled=not ready):
        if attempt(lambda: _learn_tag(model, name, shown, others, parents, keep=keep)):
            st.session_state["added"] += 1  # an empty form
        st.rerun()


def _upload(label: str, key: str, about: str) -> list[bytes]:
    files = st.file_uploader(
        label, type="image", accept_multiple_files=True, max_upload_size=MOST_MEGABYTES, key=key, help=about
    )
    if len(files) > MOST_PHOTOS:
        st.warning(f"Only the first {MOST_PHOTOS} of {len(files)} photos are taken.", icon=":material/warning:")
    return [file.getvalue() for file in files[:MOST_PHOTOS]]


def _learn_tag(
    model: LoadedModel, name: str, shown: list[bytes], others: list[bytes], parents: Sequence[str], *, keep: bool
) -> None:
    with st.spinner("Looking at the photos …"), model.changing() as tagger:
        tag = tagger.add_tag(name, shown, others, parents=parents)
    if keep:
        save_thumbnails(model.folder, tag.name, shown)
    st.session_state["done"] = f"{tag.name}: added from {tag.examples} photos. {_advice(tag)}"


def _advice(tag: AddedTag) -> str:
    percent = f"{100 * tag.separation:.0f} %"
    text = f"A photo of it that was left out scored higher than other photos {percent} of the time."
    if tag.separation < WEAK:
        return f"{text} That is weak: show more photos, or photos with more in common."
    if tag.examples < FEW_EXAMPLES:
        return f"{text} More photos make it surer."
    return text


def _added(model: LoadedModel) -> None:
    tags = model.tagger().additions
    if not tags:
        st.info("No tag was added to this model yet.")
    for tag in tags:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{tag.name}**", width="stretch")
                if st.button("Delete", key=f"delete-{tag.name}", icon=":material/delete:"):
                    _ask_to_delete(model, tag)
            implied = f" It implies {', '.join(tag.parents)}." if tag.parents else ""
            without = f" and {tag.counterexamples} that do not" if tag.counterexamples else ""
            corrected = f", with {tag.corrections} corrections" if tag.corrections else ""
            st.markdown(f"From {tag.examples} photos that show it{without}{corrected}.{implied} {_advice(tag)}")
            pictures = thumbnails_of(model.folder, tag.name)
            if pictures:
                with st.container(horizontal=True, gap="small"):
                    for picture in pictures:
                        st.image(str(picture), width=110)
            else:
                st.caption("No pictures were kept of its photos.")


@st.dialog("Delete this tag?")
def _ask_to_delete(model: LoadedModel, tag: AddedTag) -> None:
    st.markdown(f"**{tag.name}**, made from {tag.examples} photos, is forgotten with its pictures.")
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
    said = read_corrections()
    learnt = model.tagger().refits or any(tag.corrections for tag in model.tagger().additions)
    st.markdown(
        "Thumbs up and down under *Tag* are collected here, with those of the command line. "
        "The model learns from them when you tell it to, in seconds; only the scores of these tags change."
    )
    with st.container(horizontal=True):
        if st.button("Learn from them", type="primary", disabled=not said, icon=":material/school:"):
            attempt(lambda: _learn(model))
            st.rerun()
        if learnt and st.button("Unlearn all of it", help="The corrections stay."):
            attempt(lambda: _unlearn(model))
            st.rerun()
    if not said:
        st.info("Nothing was corrected yet.")
    for number, one in enumerate(said[::-1][:MOST_LISTED]):
        _correction(number, one)
    if len(said) > MOST_LISTED:
        st.caption(f"… and {len(said) - MOST_LISTED} older ones. All of them: `vectortag corrections`")


def _correction(number: int, one: Correction) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if one.photo.is_file():
            st.image(small_picture(str(one.photo), one.photo.stat().st_mtime_ns), width=72)
        st.markdown(f":material/{'thumb_up' if one.has else 'thumb_down'}: **{one.tag}**", width="stretch")
        if st.button("Take back", key=f"back-{number}"):
            attempt(lambda: undo_correction(one.photo, one.tag))
            st.rerun()


def _learn(model: LoadedModel) -> None:
    with st.spinner("Learning …"), model.changing() as tagger:
        learnt = refresh(tagger)
    lines = [f"{one.tag}: {one.right} of {one.corrections} corrected photos come out right" for one in learnt]
    st.session_state["done"] = ". ".join(lines) or "No correction speaks of a tag of this model."


def _unlearn(model: LoadedModel) -> None:
    with model.changing() as tagger:
        forget(tagger)
    st.session_state["done"] = "The model is as it was before any correction."
