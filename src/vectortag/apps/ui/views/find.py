"""Find: a search box over the visitor's photos. What it finds stands in the strip, the best first."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.modes import InferenceMode
from vectortag.apps.ui.search import Outcome, Search, run_search
from vectortag.apps.ui.session_photos import PagePhoto
from vectortag.apps.ui.state import models, plain, session_photos
from vectortag.apps.ui.views.photo_sources import choose
from vectortag.model.folder import WORDS


def ask(model: LoadedModel) -> Search:
    """The search box, and the tags that photos must have or not have beside it."""
    sentence = st.text_input(
        "Find among these photos",
        placeholder="Find among these photos: a cat asleep on a sofa",
        icon=":material/image_search:",
        key="find",
        label_visibility="collapsed",
        on_change=_searched,
    )
    tags = model.tagger().tags
    with st.popover("By tags", icon=":material/filter_alt:"):
        has = st.multiselect("Only photos with", tags, key="find-has", placeholder="cat", on_change=_searched)
        has_not = st.multiselect("Only photos without", tags, key="find-not", placeholder="person", on_change=_searched)
    return Search(sentence or "", has, has_not)


def _searched() -> None:
    st.session_state["searched"] = True


def find(search: Search, model: LoadedModel, mode: InferenceMode) -> list[PagePhoto]:
    """The photos to show: all, or what the search finds, and say what that is. A new search opens the best of them."""
    here, is_new = session_photos(), st.session_state.pop("searched", False)
    if not search:
        return list(here.photos.values())
    outcome = run_search(search, here, model, mode)
    if outcome.problem:
        st.warning(plain(outcome.problem) + _models_with_words(model), icon=":material/search_off:")
    elif outcome.doubt:
        st.warning(plain(outcome.doubt), icon=":material/question_mark:")
    if said := _said(search, outcome, len(here.photos)):
        st.markdown(said)
    if is_new and outcome.photos:
        choose(outcome.photos[0].key)
    return outcome.photos


def _models_with_words(model: LoadedModel) -> str:
    """Where the model knows no words: which ones do."""
    if WORDS in model.folder.manifest.files:
        return ""
    names = [f"**{plain(name)}**" for name, folder in models()[0].items() if WORDS in folder.manifest.files]
    return f". Or choose a model that knows them: {', '.join(names)}" if names else ""


def _said(search: Search, outcome: Outcome, count: int) -> str:
    """What the strip shows, in a line; nothing where it shows all photos as they came."""
    with_each = " and ".join(f"**{plain(tag)}**" for tag in search.has)
    with_none = " or ".join(f"**{plain(tag)}**" for tag in search.has_not)
    tags = ", ".join([f"with {with_each}"] * bool(with_each) + [f"without {with_none}"] * bool(with_none))
    tagged = f"{len(outcome.photos)} of {count} photos {tags}" if tags else ""
    if search.sentence.strip() and not outcome.problem and outcome.photos:
        return f"{tagged or f'All {count} photos'}, best fit first: **{plain(search.sentence.strip())}**"
    return f"{tagged}." if tagged else ""
