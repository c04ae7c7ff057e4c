"""Custom Streamlit components, each with a script and a style: photo with heat map, tags, strip and grid of photos,
the field of a search, photos to decide about.

Their content is passed as data and set as text or attribute, never as HTML.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import streamlit as st

from vectortag.apps.ui.tag_list import TagRow


class Thumb(TypedDict):
    """A photo of the strip or the grid: `picture` is an address, such as a data URL."""

    key: str
    name: str
    picture: str


class Pictured(TypedDict):
    """A photo to decide about: `picture` is its address, `facts` are lines below it, the first of them its name."""

    key: str
    name: str
    picture: str
    facts: list[str]


class Action(TypedDict):
    """A button, and the keys that press it as the browser names them."""

    key: str
    label: str
    keys: list[str]
    primary: bool


class GridState(TypedDict):
    """A page of a library's photos: its number, whether photos can be ticked, and the keys of those that are.

    Ticks of the browser stay until photos or `revision` are others. `following`: addresses of the next page's pictures.
    """

    photos: list[Thumb]
    following: list[str]
    page: int
    selectable: bool
    selected: list[str]
    revision: int


def show_photo(
    *,
    photo: str,
    ratio: float,
    layer: str | None,
    alt: str,
    key: str,
    layers: Mapping[str, str] | None = None,
    opacity: float = 0.55,
    beside: bool = False,
) -> None:
    """Show a photo under its heat map, or beside it.

    Args:
        photo, layer: data URLs; the layer is stretched over the photo.
        ratio: width / height of the photo.
        alt: a description of the picture for screen readers.
        layers: by tag, layers that the browser shows at once when the tag is clicked in the list.
        opacity: in [0, 1].
    """
    about = {"photo": photo, "ratio": ratio, "alt": alt, "opacity": opacity, "beside": beside}
    _element("stage")(key=key, data={**about, "layer": layer, "layers": dict(layers or {})})


def choose_tag(
    rows: Sequence[TagRow],
    *,
    chosen: str | None,
    empty: str,
    on_tag: Callable[[str], None],
    on_said: Callable[[str, bool], None] | None,
    key: str,
) -> None:
    """Show tags with their scores. Callbacks get the clicked tag; and the tag with a thumb up (True) or down.

    Without `on_said`, there are no thumbs.
    """

    def said() -> None:
        word = st.session_state[key].said
        if on_said is not None:
            on_said(word["tag"], word["has"])

    _element("scores")(
        key=key,
        data={"rows": list(rows), "chosen": chosen, "empty": empty, "thumbs": on_said is not None},
        on_tag_change=lambda: on_tag(st.session_state[key].tag),
        on_said_change=said,
    )


def choose_photo(
    thumbs: Sequence[Thumb], *, chosen: str | None, wrap: bool, on_photo: Callable[[str], None], key: str
) -> None:
    """Show thumbnails in a strip, or wrapped into lines; the callback gets the key of the clicked one."""
    _element("strip")(
        key=key,
        data={"thumbs": list(thumbs), "chosen": chosen, "wrap": wrap},
        on_photo_change=lambda: on_photo(st.session_state[key].photo),
    )


def choose_in_grid(
    state: GridState, *, on_photo: Callable[[str], None], on_ticks: Callable[[list[str], list[str]], None], key: str
) -> None:
    """Show a page of a library's photos.

    Args:
        on_photo: called with the key of the photo that was clicked.
        on_ticks: called with the keys of all photos of the page, and of those that have a tick now.
    """

    def ticked() -> None:
        if ticks := st.session_state[key].ticks:
            on_ticks(ticks["shown"], ticks["ticked"])

    _element("grid")(
        key=key,
        data=dict(state),
        on_photo_change=lambda: on_photo(st.session_state[key].photo),
        on_ticks_change=ticked,
    )


def ask_for_query(
    text: str, *, placeholder: str, help_text: str, address: str, on_query: Callable[[str], None], key: str
) -> None:
    """Show a field for a query, with suggestions while one types.

    Args:
        address: that answers with suggestions.
        on_query: called with the text after Enter, or when the field is left.
    """
    _element("query")(
        key=key,
        data={"text": text, "placeholder": placeholder, "help": help_text, "address": address},
        on_query_change=lambda: on_query(st.session_state[key].query or ""),
    )


def decide_on(
    photos: Sequence[Pictured],
    actions: Sequence[Action],
    *,
    each: str | None = None,
    number: int,
    following: Sequence[str] = (),
    on_answer: Callable[[str], None],
    key: str,
) -> None:
    """Show photos side by side with buttons below them.

    Args:
        each: the label of a button below each photo.
        number: of the question; one answer is taken for each.
        following: addresses of the pictures that come next.
        on_answer: called with the key of the action, or of the photo whose button was pressed.
    """

    def answered() -> None:
        answer = st.session_state[key].answer
        if answer and answer["round"] == number:
            on_answer(answer["key"])

    data = {"round": number, "photos": list(photos), "each": each, "actions": list(actions), "next": list(following)}
    _element("decide")(key=key, data=data, on_answer_change=answered)


@functools.cache
def _element(name: str) -> Any:
    folder = Path(__file__).parent
    script, style = ((folder / f"{name}{suffix}").read_text("utf-8") for suffix in (".js", ".css"))
    return st.components.v2.component(f"vectortag_{name}", html="<div class='root'></div>", js=script, css=style)
