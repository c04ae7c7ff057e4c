"""The view "Models": the models to choose from, and their figures."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.documents import as_text, harmless, lower_headings
from vectortag.apps.ui.state import models
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import code_span
from vectortag.model.calibration import PROFILES
from vectortag.model.folder import CARD, ModelFolder
from vectortag.model.hierarchy import Hierarchy
from vectortag.model.registry import DEFAULT_MODEL

PERCENT = {"map": "mAP", "micro_f1": "micro F1", "macro_f1": "macro F1"}


def show() -> None:
    """Show the view."""
    st.title("Models")
    found, problems = models()
    for problem in problems:
        st.warning(as_text(problem), icon=":material/warning:")
    st.markdown(
        "The shipped models, your own models, and those in the folders given with `--models`. "
        "All files match the checksums in their manifest."
    )
    for name, folder in found.items():
        with st.container(border=True):
            _card(name, folder)


def _card(name: str, folder: ModelFolder) -> None:
    manifest = folder.manifest
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(as_text(name))
        if st.button("Tag with it", key=f"use-{folder.digest}", icon=":material/sell:"):
            st.session_state["model"] = name
            st.switch_page(st.session_state["pages"]["tag"])
    size = sum(file.stat().st_size for file in folder.path.iterdir() if file.is_file()) / 1e6
    sizes = " or ".join(map(str, manifest.sizes))
    where = f"{code_span(folder.id)} in {code_span(escape_path(folder.path))}"
    st.markdown(
        f"{len(manifest.tags)} tags, {as_text(manifest.backbone.architecture)}, {sizes} pixels, "
        f"{size:.1f} MB{', the default' if manifest.name == DEFAULT_MODEL else ''}  \n{where}"
    )
    figures = [_figures(info.name, manifest.metrics.get(info.name, {})) for info in manifest.data_sets]
    if figures:
        percent = st.column_config.NumberColumn(format="%.1f")
        st.dataframe(figures, hide_index=True, width="stretch", column_config=dict.fromkeys(PERCENT.values(), percent))
    with st.expander("Model card"):
        card = folder.path / CARD
        text = lower_headings(harmless(card.read_text("utf-8"))) if card.is_file() else "This model folder has no card."
        st.markdown(text)
    with st.expander("Tags and thresholds"):
        st.dataframe(_tags(folder), hide_index=True, width="stretch")


def _figures(name: str, metrics: dict[str, float]) -> dict[str, object]:
    """The validation figures on one data set; shares in percent."""
    percent = {text: 100 * metrics[key] for key, text in PERCENT.items() if metrics.get(key) is not None}
    error = metrics.get("calibration_error")
    return {"data set": name, "photos": metrics.get("photos"), **percent, "calibration error": error}


@st.cache_data(show_spinner=False, hash_funcs={ModelFolder: lambda folder: folder.digest})
def _tags(folder: ModelFolder) -> list[dict[str, object]]:
    manifest = folder.manifest
    hierarchy = Hierarchy.of(manifest.tags, manifest.taxonomy)
    points = {profile: manifest.point_for(profile) for profile in PROFILES}
    return [
        {
            "tag": tag,
            **{profile: point.thresholds[profile][i] for profile, point in points.items()},
            "taught by": teacher,
            "parents": ", ".join(manifest.tags[parent] for parent in hierarchy.above(i)),
        }
        for i, (tag, teacher) in enumerate(zip(manifest.tags, manifest.label_sources, strict=True))
    ]
