"""The view "Compare": one tag of one photo in two or three models."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.downloads import layer_url
from vectortag.apps.ui.elements import show_photo
from vectortag.apps.ui.session_photos import PagePhoto
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import load_model, models, session_photos, show_problems
from vectortag.apps.ui.tag_list import rank_tags
from vectortag.apps.ui.views.photo_sources import (
    examples,
    open_linked_example,
    photo_count,
    photo_strip,
    take_some,
    uploader,
)
from vectortag.inference.analysis import Analysis
from vectortag.inference.heatmap_drawing import sharpness
from vectortag.inference.image_grid import score_note
from vectortag.model.folder import ModelFolder

MOST_MODELS = 3


def show() -> None:
    """Show the view."""
    open_linked_example()
    st.title("Compare models")
    st.markdown("One photo, one tag: which score does each model give, and which part of the photo supports it?")
    names, found = _choose_models()
    if not photo_count():
        uploader()
        examples("compare-examples")
        return
    served = {name: load_model(found[name]) for name in names}
    for model in served.values():
        take_some(model)
    show_problems()
    photo_strip("compare-photos", session_photos().photos.values())
    photo = session_photos().photo
    if photo is None:  # none could be read
        uploader()
        examples("compare-examples")
    if photo is None or not names:
        return
    analyses = {name: session_photos().analyse(photo, model, fine=True) for name, model in served.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tag = _choose_tag(analyses)
        opacity = st.slider("Opacity", 0, 100, 55, 5, format="%d%%", key="opacity", persist_state="session", width=220)
    for column, (name, analysis) in zip(st.columns(len(names)), analyses.items(), strict=True):
        with column:
            _show_one(name, analysis, photo, tag, opacity / 100)
    st.markdown("##### What each model finds")
    bar = st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f")
    st.dataframe(_table(analyses), hide_index=True, width="stretch", column_config=dict.fromkeys(names, bar))


def _choose_models() -> tuple[list[str], dict[str, ModelFolder]]:
    found, _ = models()
    names = st.multiselect(
        "Models",
        list(found),
        default=list(found)[:2],
        max_selections=MOST_MODELS,
        key="models",
        bind="query-params",
        placeholder="Choose two or three models",
    )
    return names, found


def _choose_tag(analyses: dict[str, Analysis]) -> str:
    """Let the user choose a tag that at least one model has; those with the highest score come first."""
    best: dict[str, float] = {}
    for analysis in analyses.values():
        for scored in analysis.tagging.scores:
            best[scored.tag] = max(best.get(scored.tag, 0.0), scored.score)
    ranked = sorted(best, key=lambda tag: -best[tag])
    named = st.query_params.get("tag")
    index = ranked.index(named) if named in best else 0
    tag = st.selectbox("Tag", ranked, index=index, format_func=spoken().name, width=260) or ranked[0]
    st.query_params["tag"] = tag
    return tag


def _show_one(name: str, analysis: Analysis, photo: PagePhoto, tag: str, opacity: float) -> None:
    row = next((row for row in rank_tags(analysis.tagging) if row.tag == tag), None)
    heatmap = analysis.heatmap(tag) if row else None
    st.markdown(f"**{as_text(name)}**")
    show_photo(
        photo=photo.shown,
        ratio=photo.ratio,
        layer=layer_url(heatmap) if heatmap else None,
        opacity=opacity,
        alt=f'{photo.name}: where {name} sees "{spoken().name(tag)}"',
        key=f"compare-{name}",
    )
    if row is None or heatmap is None:
        st.markdown(f"This model has no tag **{as_text(spoken().name(tag))}**.")
        return
    limit = "no threshold" if row.threshold is None else f"threshold {row.threshold:.2f}"
    verdict = "Found" if row.found else "Not found"
    st.markdown(f"**{verdict}**: {as_text(score_note(heatmap))} ({limit}); sharpness {sharpness(heatmap):.2f}")


def _table(analyses: dict[str, Analysis]) -> list[dict[str, object]]:
    """A row per tag that at least one model finds: its score in each model."""
    scores = {name: {row.tag: row.score for row in rank_tags(a.tagging)} for name, a in analyses.items()}
    found = {scored.tag for analysis in analyses.values() for scored in analysis.tagging.tags}
    ranked = sorted(found, key=lambda tag: -max(of.get(tag, 0.0) for of in scores.values()))
    return [{"tag": spoken().name(tag), **{name: of.get(tag) for name, of in scores.items()}} for tag in ranked]
