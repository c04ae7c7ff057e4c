"""The view "Data and training": the tags of a data set, training reports, and the worst errors of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from vectortag.apps.ui.documents import as_text, harmless, lower_headings
from vectortag.apps.ui.downloads import layer_url
from vectortag.apps.ui.elements import show_photo
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.reports import Mistake, ReportPicture, find_reports, parts_of, read_per_tag, worst_mistakes
from vectortag.apps.ui.session_photos import PagePhoto, read_photo
from vectortag.apps.ui.state import choose_model, models, settings
from vectortag.core.errors import VectorTagError
from vectortag.core.files import read_file
from vectortag.core.plain_text import code_span
from vectortag.core.types import FloatArray
from vectortag.data.keywords import read_tagged_photos
from vectortag.data.vocabulary import count_tags
from vectortag.model.folder import ModelFolder
from vectortag.model.taxonomy import load_taxonomy

MAX_ERRORS_SHOWN = 12
COLUMNS = 3
ROW = 35
"""Pixels of a table's row, its head among them."""


def show() -> None:
    """Show the view."""
    st.title("Data and training")
    data, reports, mistakes = st.tabs(["Data set", "Training report", "Worst errors"])
    with data:
        _data()
    with reports:
        _reports()
    with mistakes:
        _mistakes()


def _choose_data(key: str) -> Path | None:
    sets = list(settings().data)
    if not sets:
        st.info("Start the page with `vectortag ui --data FOLDER` to see a data set here.")
        return None
    return st.selectbox("Data set", sets, format_func=str, key=key, label_visibility="collapsed")


def _data() -> None:
    data = _choose_data("data")
    if data is None:
        return
    try:
        counts, photos, notes = _count(str(data))
    except VectorTagError as error:
        st.error(as_text(str(error)), icon=":material/error:")
        return
    for note in notes:
        st.warning(note, icon=":material/warning:")
    st.markdown(
        f"**{photos:,}** photos, **{len(counts):,}** tags, **{sum(counts.values()) / max(photos, 1):.1f}** a photo"
    )
    search = st.text_input("Search", placeholder="Search the tags", key="data-search", label_visibility="collapsed")
    wanted = search.strip().casefold()
    ranked = [(tag, count) for tag, count in counts.most_common() if wanted in tag.casefold()]
    rows = [{"tag": tag, "photos": count, "share": 100 * count / photos} for tag, count in ranked]
    bar = st.column_config.ProgressColumn(min_value=0, max_value=max(counts.values(), default=1), format="%d")
    share = st.column_config.NumberColumn("% of photos", format="%.1f")
    st.dataframe(
        rows, hide_index=True, width="stretch", height=_height(rows, 560), column_config={"photos": bar, "share": share}
    )


@st.cache_data(show_spinner="Reading the data set …", ttl=600)
def _count(data: str) -> tuple[Counter[str], int, list[str]]:
    read = read_tagged_photos(data, skip_bad_rows=True)
    unusable = len(read.bad_rows) + len(read.contradictory)
    notes = [f"{unusable} rows are unusable: `vectortag check` lists them"] if unusable else []
    notes += [f"{len(read.missing)} photos are missing: `vectortag check` lists them"] if read.missing else []
    return count_tags(read.records, load_taxonomy("default")), len(read.records), notes


def _reports() -> None:
    found = find_reports(models()[0].values())
    if not found:
        st.info(
            "No model here has a report. `vectortag train` and `vectortag fit` write one; "
            "start the page with `vectortag ui --models runs` to see the reports in that folder."
        )
        return
    chosen = st.selectbox("Report", list(found), key="report", bind="query-params", label_visibility="collapsed")
    report = found[chosen or next(iter(found))]
    try:
        for part in parts_of(report):
            if isinstance(part, ReportPicture):
                st.image(str(part.file), width="content", alt=part.text)
            else:
                st.markdown(lower_headings(harmless(part)))
        rows = read_per_tag(report)
    except VectorTagError as error:
        st.error(as_text(str(error)), icon=":material/error:")
        return
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch", height=_height(rows, 480))


def _height(rows: Sequence[object], most: int) -> int:
    """Pixels of a table of these rows: no empty ones below them, and it scrolls where it would be too high."""
    return min(most, ROW * (len(rows) + 1) + 2)


def _mistakes() -> None:
    data = _choose_data("data-of-mistakes")
    if data is None:
        return
    model = choose_model()
    st.markdown("Where the model and the labels disagree most. Sometimes the label is wrong.")
    pair = (model.folder.digest, str(data))
    searched: set[tuple[str, str]] = st.session_state.setdefault("searched_pairs", set())
    if pair not in searched:
        st.button("Find the worst errors", type="primary", on_click=searched.add, args=(pair,))
        return
    try:
        found, what = _find(str(data), model.folder)
    except VectorTagError as error:
        st.error(as_text(str(error)), icon=":material/error:")
        return
    tags = sorted({one.tag for one in found})
    tag = st.selectbox("Tag", ["all tags", *tags], label_visibility="collapsed", width=240)
    shown = [one for one in found if tag in ("all tags", one.tag)][:MAX_ERRORS_SHOWN]
    st.caption(f"{len(shown)} of {len(found)}, on {what}")
    for start in range(0, len(shown), COLUMNS):
        for column, one in zip(st.columns(COLUMNS), shown[start : start + COLUMNS], strict=False):
            with column:
                _mistake(one, model)


@st.cache_data(show_spinner="Scoring the photos …", hash_funcs={ModelFolder: lambda folder: folder.digest}, ttl=3600)
def _find(data: str, folder: ModelFolder) -> tuple[list[Mistake], str]:
    return worst_mistakes(folder, Path(data))


def _mistake(one: Mistake, model: LoadedModel) -> None:
    try:
        photo, feature_map = _read(str(one.photo), model.folder.digest, model)
    except VectorTagError as error:
        st.error(as_text(str(error)), icon=":material/error:")
        return
    heatmap = model.tagger().without_additions().analysis_of(photo.name, feature_map).heatmap(one.tag)
    show_photo(
        photo=photo.shown,
        ratio=photo.ratio,
        layer=layer_url(heatmap),
        alt=f'{photo.name}: where the model sees "{one.tag}"',
        key=f"mistake-{photo.key}-{one.tag}",
    )
    tag = as_text(one.tag)
    said = f"labelled **{tag}**, not found" if one.has else f"**{tag}** found, not labelled"
    st.markdown(f"{said}: score {one.score:.2f}, threshold {one.threshold:.2f}  \n{code_span(photo.name)}")


@st.cache_data(show_spinner=False, max_entries=200)
def _read(photo: str, digest: str, _model: LoadedModel) -> tuple[PagePhoto, FloatArray]:
    del digest
    read = read_photo(Path(photo).name, read_file(photo), key=photo)
    return read, _model.feature_map(read.content)
