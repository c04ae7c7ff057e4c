"""One photo: its tags beside it, and the heat map of one of them over it. A click reruns this and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from vectortag.apps.formats import CsvWriter, JsonLinesWriter
from vectortag.apps.ui.corrected_photos import copies_folder, correct, corrections_of, undo_correction_of
from vectortag.apps.ui.downloads import heatmap_png, layer_address, tags_as_text
from vectortag.apps.ui.elements import TagRow, choose_tag, show_photo
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.modes import InferenceMode
from vectortag.apps.ui.state import attempt, plain, session_photos, show_problems
from vectortag.apps.ui.tag_list import RankedTag, rank_tags, tags_to_list
from vectortag.core.errors import UnknownTagError
from vectortag.core.types import Heatmap
from vectortag.inference.tagger import Analysis, Tagger
from vectortag.model.calibration import PROFILES, Profile

OWN = "My threshold"
OPACITY = 55  # percent
MOST_LAYERS = 24
PROFILE_HELP = (
    "Each tag has a threshold of its own, the line across its bar. Precise: few wrong tags. Thorough: few missed ones. "
    "My threshold: one for all tags."
)


@st.fragment
def photo_detail(model: LoadedModel, mode: InferenceMode) -> None:
    """The photo that the visitor has chosen."""
    here = session_photos()
    photo = here.photo
    if photo is None:
        return
    left, right = st.columns([3, 2], gap="medium")
    with right:
        profile, threshold = _choose_threshold()
        analysis = here.analyse(photo, model, mode, profile, fine=True)
        rows = rank_tags(analysis.tagging, threshold)
        chosen = _chosen_tag(rows)
        shown = _list(analysis.tagger, rows, chosen)
        heatmap = analysis.heatmap(chosen) if chosen else None
        _downloads(model, mode, profile, threshold, heatmap)
    with left:
        _stage(heatmap, next((row for row in rows if row.tag == chosen), None), _layers(analysis, shown))
    _ask_to_keep(analysis.tagger)


def _choose_threshold() -> tuple[Profile, float | None]:
    """The profile whose thresholds decide, and one threshold for all tags where the user wants that."""
    if "threshold" in st.query_params and "profile" not in st.query_params:
        st.session_state.setdefault("profile", OWN)
    name = st.segmented_control(
        "Thresholds",
        [*(profile.capitalize() for profile in PROFILES), OWN],
        default="Balanced",
        required=True,
        key="profile",
        bind="query-params",
        help=PROFILE_HELP,
        label_visibility="collapsed",
    )
    threshold = None
    if name == OWN:
        threshold = st.slider("Threshold", 0.0, 1.0, 0.5, 0.01, key="threshold", bind="query-params")
    profile: Profile = next((known for known in PROFILES if known.capitalize() == name), "balanced")
    return profile, threshold


def _chosen_tag(rows: list[RankedTag]) -> str | None:
    """The tag that the address names, else the first that was found."""
    named = st.query_params.get("tag")
    if any(row.tag == named for row in rows):
        return named
    return rows[0].tag if rows and rows[0].found else None


def _list(tagger: Tagger, rows: list[RankedTag], chosen: str | None) -> list[str]:
    """Show the list, and return the tags that are in it."""
    search = st.text_input(
        "Search",
        placeholder=f"Search all {len(tagger.tags)} tags",
        icon=":material/search:",
        key="search",
        label_visibility="collapsed",
    )
    said = corrections_of(photo) if (photo := session_photos().photo) else {}
    shown = tags_to_list(rows, search=search, synonym=_synonym(tagger, search))
    choose_tag(
        [TagRow(tag=r.tag, score=r.score, threshold=r.threshold, found=r.found, said=said.get(r.tag)) for r in shown],
        chosen=chosen,
        empty=f'No tag of this model is called "{search}".' if search else "No tag reaches its threshold.",
        on_tag=_pick,
        on_said=_say,
        key="tags",
    )
    return [row.tag for row in shown]


def _synonym(tagger: Tagger, search: str) -> str | None:
    try:
        return tagger.tags[tagger.place(search)] if search.strip() else None
    except UnknownTagError:
        return None


def _pick(tag: str) -> None:
    st.query_params["tag"] = tag


def _layers(analysis: Analysis, tags: list[str]) -> dict[str, str]:
    """The heat maps of the first tags in the list, for the browser to show without asking; each is drawn once."""
    drawn, layers = session_photos().layers, {}
    for heatmap in analysis.heatmaps(tags[:MOST_LAYERS]):
        values = heatmap.values.tobytes()
        layers[heatmap.tag] = drawn[values] = drawn.get(values) or layer_address(heatmap)
    return layers


def _stage(heatmap: Heatmap | None, row: RankedTag | None, layers: dict[str, str]) -> None:
    photo = session_photos().photo
    assert photo is not None
    with st.container(key="stage"):
        stage = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom", key="stage-controls"):
            layout = st.segmented_control(
                "Layout",
                ["Overlay", "Side by side"],
                default="Overlay",
                required=True,
                key="layout",
                persist_state="session",
                label_visibility="collapsed",
            )
            opacity = st.slider(
                "Opacity", 0, 100, OPACITY, 5, format="%d%%", key="opacity", persist_state="session", width=150
            )
        st.markdown(_caption(heatmap, row))
    with stage:
        show_photo(
            photo=photo.shown,
            ratio=photo.ratio,
            layer=(layers.get(heatmap.tag) or layer_address(heatmap)) if heatmap else None,
            layers=layers,
            opacity=opacity / 100,
            beside=layout != "Overlay",
            alt=f'{photo.name}: where the model sees "{row.tag}"' if row else photo.name,
            key="photo-stage",
        )


def _caption(heatmap: Heatmap | None, row: RankedTag | None) -> str:
    if heatmap is None or row is None:
        return "No tag reaches its threshold. Click one to see where the model would look for it."
    limit = "it has no threshold" if row.threshold is None else f"its threshold is {row.threshold:.2f}"
    text = f"**{row.tag}** scores {row.score:.2f}; {limit}."
    if heatmap.is_empty:
        return f"{text} No part of the photo speaks for it."
    if heatmap.source != heatmap.tag:
        return f"{text} It is seen as **{heatmap.source}**, and the map is that one's."
    return f"{text} The brighter, the more that place speaks for it."


def _downloads(
    model: LoadedModel, mode: InferenceMode, profile: Profile, threshold: float | None, heatmap: Heatmap | None
) -> None:
    """The files are made when they are asked for."""
    here, shown = session_photos(), session_photos().photo

    def text(form: type[JsonLinesWriter] | type[CsvWriter]) -> str:
        taggings = [here.analyse(photo, model, mode, profile).tagging for photo in photos]
        return tags_as_text([(tagging, rank_tags(tagging, threshold)) for tagging in taggings], form)

    photos = [photo for photo in here.photos.values() if here.is_analysed(photo, model, mode)]
    what = "Tags" if len(photos) == 1 else f"{len(photos)} photos' tags"
    files: list[tuple[str, str, str, Callable[[], str | bytes]]] = [
        (f"{what} as JSON", "tags.jsonl", "application/jsonl", functools.partial(text, JsonLinesWriter)),
        (f"{what} as CSV", "tags.csv", "text/csv", functools.partial(text, CsvWriter)),
    ]
    if shown is not None and heatmap is not None:
        opacity = st.session_state.get("opacity", OPACITY) / 100
        name = f"{Path(shown.name).stem}.{heatmap.tag.replace(' ', '_')}.png"
        picture = functools.partial(heatmap_png, shown.content, heatmap, opacity=opacity)
        files.insert(0, ("Heat map", name, "image/png", picture))
    with st.container(horizontal=True, key="downloads"):
        for label, name, mime, make in files:
            st.download_button(label, make, name, mime, on_click="ignore", icon=":material/download:")


def _say(tag: str, has: bool) -> None:
    st.session_state["saying"] = tag, has


def _ask_to_keep(tagger: Tagger) -> None:
    """Keep what was just said; the first time in a session, ask before a copy of a photo is kept."""
    saying, photo = st.session_state.pop("saying", None), session_photos().photo
    if saying is None or photo is None:
        return
    tag, has = saying
    if corrections_of(photo).get(tag) is has:
        attempt(lambda: undo_correction_of(photo, tag))
        st.rerun(scope="fragment")
    elif st.session_state.get("keeps"):
        attempt(lambda: correct(tagger, photo, tag, has))
        st.rerun(scope="fragment")
    else:
        _question(tagger, tag, has)


@st.dialog("Keep this correction?")
def _question(tagger: Tagger, tag: str, has: bool) -> None:
    photo = session_photos().photo
    if photo is None:
        return
    st.markdown(f"**{plain(photo.name)}** {'shows' if has else 'does not show'} **{tag}**.")
    st.markdown(
        "To learn from it later, VectorTag keeps a copy of this photo and what you said of it in your data folder, "
        f"`{copies_folder()}`. It stays there until you take it back under *Your tags*. No other photo is kept."
    )
    show_problems()
    with st.container(horizontal=True):
        if st.button("Keep it", type="primary"):
            st.session_state["keeps"] = True
            if attempt(lambda: correct(tagger, photo, tag, has)):
                st.rerun()
        if st.button("Cancel"):
            st.rerun()
