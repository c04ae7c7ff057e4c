"""One photo with a heat map over it and its tags beside it. A click reruns only this fragment."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from vectortag.apps.formats import CsvWriter, JsonLinesWriter
from vectortag.apps.ui.corrected_photos import copies_folder, correct_photo, corrections_of, undo_correction_of
from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.downloads import heatmap_png, layer_url, tags_as_text
from vectortag.apps.ui.elements import choose_tag, show_photo
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import PagePhoto
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import attempt, rerun_fragment, session_photos, show_problems, stored_corrections
from vectortag.apps.ui.tag_list import RankedTag, rank_tags, rows_to_draw, tags_to_list
from vectortag.apps.ui.views.tag_offer import offer_tag
from vectortag.core.errors import UnknownTagError
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import code_span
from vectortag.core.types import Heatmap
from vectortag.inference.analysis import Analysis
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import PROFILES, Profile

OWN_THRESHOLD = "My threshold"
OPACITY = 55  # percent
MOST_LAYERS = 24
FIRST_LAYERS = 4
"""Heat maps that are drawn while other photos are still tagged; finer ones follow."""

PROFILE_HELP = (
    "Each tag has its own threshold, the line across its bar. Precise: few wrong tags. Thorough: few missed tags. "
    "My threshold: one threshold for all tags."
)


@st.fragment
def photo_detail(model: LoadedModel, *, fine: bool = True) -> None:
    """Show the chosen photo; `fine`: with fine heat maps, for which the network runs once more on a larger input."""
    session = session_photos()
    photo = session.photo
    if photo is None:
        return
    left, right = st.columns([3, 2], gap="medium")
    with right:
        profile, threshold = _choose_threshold()
        rows = rank_tags(session.analyse(photo, model, profile).tagging, threshold)
        chosen = _chosen_tag(rows)
        shown = _list(model, model.tagger(profile), rows, chosen)
        _downloads(model, profile, threshold, chosen)
    with left:  # the tags are there first: they need no fine heat maps
        analysis = session.analyse(photo, model, profile, fine=fine)
        heatmap = analysis.heatmap(chosen) if chosen else None
        layers = draw_layers(analysis, shown if fine else shown[:FIRST_LAYERS], session.layers)
        show_stage(photo, heatmap, next((row for row in rows if row.tag == chosen), None), layers)
    _store_correction(model.tagger(profile))


def _choose_threshold() -> tuple[Profile, float | None]:
    """The chosen profile, and the one threshold for all tags if the user has set one."""
    if "threshold" in st.query_params and "profile" not in st.query_params:
        st.session_state.setdefault("profile", OWN_THRESHOLD)
    name = st.segmented_control(
        "Thresholds",
        [*(profile.capitalize() for profile in PROFILES), OWN_THRESHOLD],
        default="Balanced",
        required=True,
        key="profile",
        bind="query-params",
        help=PROFILE_HELP,
        label_visibility="collapsed",
    )
    threshold = None
    if name == OWN_THRESHOLD:
        threshold = st.slider("Threshold", 0.0, 1.0, 0.5, 0.01, key="threshold", bind="query-params")
    profile: Profile = next((known for known in PROFILES if known.capitalize() == name), "balanced")
    return profile, threshold


def _chosen_tag(rows: list[RankedTag]) -> str | None:
    """The tag in the page's address, else the first one found."""
    named = st.query_params.get("tag")
    if any(row.tag == named for row in rows):
        return named
    return rows[0].tag if rows and rows[0].found else None


def _list(model: LoadedModel, tagger: Tagger, rows: list[RankedTag], chosen: str | None) -> list[str]:
    """Show the list of tags, and return the tags in it."""
    search = st.text_input(
        "Search",
        placeholder=f"Search all {len(tagger.tags)} tags",
        icon=":material/search:",
        key="search",
        bind="query-params",
        label_visibility="collapsed",
    )
    photo = session_photos().photo
    corrected = corrections_of(photo, stored_corrections()) if photo else {}
    language = spoken()
    synonym = _synonym(tagger, language.tag_of(search))
    shown = tags_to_list(rows, search=search, synonym=synonym, language=language)
    choose_tag(
        rows_to_draw(shown, language, corrected),
        chosen=chosen,
        empty=f'No tag of this model is called "{search}".' if search else "No tag reaches its threshold.",
        on_tag=_pick,
        on_said=_queue_correction,
        key="tags",
    )
    if search.strip() and not shown:
        offer_tag(model, search.strip())
    return [row.tag for row in shown]


def _synonym(tagger: Tagger, search: str) -> str | None:
    try:
        return tagger.tags[tagger.place(search)] if search.strip() else None
    except UnknownTagError:
        return None


def _pick(tag: str) -> None:
    st.query_params["tag"] = tag


def draw_layers(analysis: Analysis, tags: list[str], drawn: dict[bytes, str]) -> dict[str, str]:
    """The heat maps of the first tags in the list, for the browser to show without a request; each is drawn once.

    Args:
        drawn: by the bytes of their values; new ones are put there.
    """
    layers = {}
    for heatmap in analysis.heatmaps(tags[:MOST_LAYERS]):
        values = heatmap.values.tobytes()
        layers[heatmap.tag] = drawn[values] = drawn.get(values) or layer_url(heatmap)
    return layers


def show_stage(photo: PagePhoto, heatmap: Heatmap | None, row: RankedTag | None, layers: dict[str, str]) -> None:
    """Show a photo with a heat map, its controls and a caption."""
    with st.container(key="stage"):
        stage = st.container(key="stage-photo")
        with st.container(horizontal=True, vertical_alignment="bottom", key="stage-controls"):
            layout = st.segmented_control(
                "Layout",
                ["Overlay", "Side by side"],
                default="Overlay",
                required=True,
                key="layout",
                bind="query-params",
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
            layer=(layers.get(heatmap.tag) or layer_url(heatmap)) if heatmap else None,
            layers=layers,
            opacity=opacity / 100,
            beside=layout != "Overlay",
            alt=f'{photo.name}: where the model sees "{spoken().name(row.tag)}"' if row else photo.name,
            key="photo-stage",
        )


def _caption(heatmap: Heatmap | None, row: RankedTag | None) -> str:
    if heatmap is None or row is None:
        return "No tag reaches its threshold. Click one to see its heat map."
    limit = "it has no threshold" if row.threshold is None else f"its threshold is {row.threshold:.2f}"
    name = spoken().name
    text = f"**{as_text(name(row.tag))}** scores {row.score:.2f}; {limit}."
    if heatmap.is_empty:
        return f"{text} No part of the photo supports it: the heat map is empty."
    if heatmap.source != heatmap.tag:
        return f"{text} Its score is that of **{as_text(name(heatmap.source))}**, and so is the heat map."
    return f"{text} Brighter parts support it more."


def _downloads(model: LoadedModel, profile: Profile, threshold: float | None, chosen: str | None) -> None:
    """Show the download buttons; a file is made when its button is clicked."""
    session, shown, language = session_photos(), session_photos().photo, spoken()

    def text(form: type[JsonLinesWriter] | type[CsvWriter]) -> str:
        taggings = [session.analyse(photo, model, profile).tagging for photo in photos]
        return tags_as_text([(tagging, rank_tags(tagging, threshold)) for tagging in taggings], form, language)

    photos = [photo for photo in session.photos.values() if session.is_analysed(photo, model)]
    what = "Tags" if len(photos) == 1 else f"{len(photos)} photos' tags"
    files: list[tuple[str, str, str, Callable[[], str | bytes]]] = [
        (f"{what} as JSON", "tags.jsonl", "application/jsonl", functools.partial(text, JsonLinesWriter)),
        (f"{what} as CSV", "tags.csv", "text/csv", functools.partial(text, CsvWriter)),
    ]
    if shown is not None and chosen is not None:
        opacity = st.session_state.get("opacity", OPACITY) / 100

        def picture(photo: PagePhoto = shown, tag: str = chosen) -> bytes:
            heatmap = session.analyse(photo, model, profile, fine=True).heatmap(tag)
            return heatmap_png(photo.content, heatmap, opacity=opacity)

        name = f"{Path(shown.name).stem}.{chosen.replace(' ', '_')}.png"
        files.insert(0, ("Heat map", name, "image/png", picture))
    with st.container(horizontal=True, key="downloads"):
        for label, name, mime, make in files:
            st.download_button(label, make, name, mime, on_click="ignore", icon=":material/download:")


def _queue_correction(tag: str, has: bool) -> None:
    st.session_state["correction"] = tag, has


def _store_correction(tagger: Tagger) -> None:
    """Store the correction of the last click; the first time in a session, ask before a copy of the photo is stored."""
    correction, photo = st.session_state.pop("correction", None), session_photos().photo
    if correction is None or photo is None:
        return
    tag, has = correction
    if corrections_of(photo, stored_corrections()).get(tag) is has:
        attempt(lambda: undo_correction_of(photo, tag))
        rerun_fragment()
    elif st.session_state.get("storing_allowed"):
        attempt(lambda: correct_photo(tagger, photo, tag, has))
        rerun_fragment()
    else:
        _ask_to_store(tagger, tag, has)


@st.dialog("Keep this correction?")
def _ask_to_store(tagger: Tagger, tag: str, has: bool) -> None:
    photo = session_photos().photo
    if photo is None:
        return
    shows = "shows" if has else "does not show"
    st.markdown(f"**{as_text(photo.name)}** {shows} **{as_text(spoken().name(tag))}**.")
    st.markdown(
        "VectorTag stores a copy of this photo and your correction in your data folder, to learn from it later: "
        f"{code_span(escape_path(copies_folder()))}. It stays there until you take it back under *Your tags*. "
        "No other photo is stored."
    )
    show_problems()
    with st.container(horizontal=True):
        if st.button("Keep it", type="primary"):
            st.session_state["storing_allowed"] = True
            if attempt(lambda: correct_photo(tagger, photo, tag, has)):
                st.rerun()
        if st.button("Cancel"):
            st.rerun()
