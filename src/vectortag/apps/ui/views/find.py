"""The search among the photos of the session: its input fields, and its result for the strip of photos."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.search import Search, SearchResult, run_search
from vectortag.apps.ui.session_photos import PagePhoto
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import models, session_photos
from vectortag.apps.ui.views.photo_sources import choose
from vectortag.model.folder import WORDS


def search_box(model: LoadedModel) -> Search:
    """Show the input fields for a sentence and for tags, and return the query."""
    sentence = st.text_input(
        "Find among these photos",
        placeholder="Find among these photos by words",
        icon=":material/image_search:",
        key="find",
        bind="query-params",
        label_visibility="collapsed",
        on_change=_searched,
    )
    tags, name = model.tagger().tags, spoken().name
    with st.popover("By tags", icon=":material/filter_alt:"):
        has, has_not = (
            st.multiselect(label, tags, format_func=name, key=key, placeholder="Choose tags", on_change=_searched)
            for label, key in (("Only photos with", "find-has"), ("Only photos without", "find-not"))
        )
    return Search(spoken().tag_of(sentence or ""), has, has_not)


def _searched() -> None:
    st.session_state["searched"] = True


def search_results(search: Search, model: LoadedModel) -> list[PagePhoto]:
    """The photos to show: all, or those found, with a line that describes them. A new search opens the best match."""
    session, is_new = session_photos(), st.session_state.pop("searched", False)
    if not search:
        return list(session.photos.values())
    outcome = run_search(search, session, model)
    if outcome.problem:
        st.warning(as_text(outcome.problem) + _models_with_words(model), icon=":material/search_off:")
    elif outcome.doubt:
        st.warning(as_text(outcome.doubt), icon=":material/question_mark:")
    if line := _description(search, outcome, len(session.photos)):
        st.markdown(line)
    if is_new and outcome.photos:
        choose(outcome.photos[0].key)
    return outcome.photos


def _models_with_words(model: LoadedModel) -> str:
    """If the model has no word vectors: a sentence with the names of models that have them."""
    if WORDS in model.folder.manifest.files:
        return ""
    names = [f"**{as_text(name)}**" for name, folder in models()[0].items() if WORDS in folder.manifest.files]
    return f". Or choose a model that knows words: {', '.join(names)}" if names else ""


def _description(search: Search, outcome: SearchResult, count: int) -> str:
    """What the strip shows, in one line; empty if it shows all photos in their old order."""
    name = spoken().name
    with_each = " and ".join(f"**{as_text(name(tag))}**" for tag in search.has)
    with_none = " or ".join(f"**{as_text(name(tag))}**" for tag in search.has_not)
    tags = ", ".join([f"with {with_each}"] * bool(with_each) + [f"without {with_none}"] * bool(with_none))
    tagged = f"{len(outcome.photos)} of {count} photos {tags}" if tags else ""
    if search.sentence.strip() and not outcome.problem and outcome.photos:
        return f"{tagged or f'All {count} photos'}, best match first: **{as_text(name(search.sentence.strip()))}**"
    return f"{tagged}." if tagged else ""
