"""Teaching a tag: a quick round of yes, no and skip about the photos that teach it most, and what that brought."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.elements import Action, Pictured, decide_on
from vectortag.apps.ui.library.jobs import Job
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.routes import picture_address_of
from vectortag.apps.ui.library.work import learning
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.spoken import spoken
from vectortag.apps.ui.state import attempt, load_model, show_problems
from vectortag.apps.ui.views.library_jobs import begin
from vectortag.apps.ui.views.library_selected import photos
from vectortag.core.errors import VectorTagError
from vectortag.inference.refresh import refresh
from vectortag.library.changes import Change
from vectortag.library.teaching import Lesson
from vectortag.model.calibration import Profile
from vectortag.model.registry import find_model_folder

QUESTIONS = 20
"""Of a round."""

AHEAD = 2
"""Pictures that the browser fetches before they are asked about."""

YES, NO, SKIP, BACK = "yes", "no", "skip", "back"
ACTIONS = [
    Action(key=NO, label="No", keys=["n", "ArrowLeft"], primary=False),
    Action(key=SKIP, label="Skip", keys=["s", "ArrowDown"], primary=False),
    Action(key=YES, label="Yes", keys=["y", "ArrowRight"], primary=True),
]
GO_BACK = Action(key=BACK, label="Back", keys=["b", "Backspace"], primary=False)


@dataclass(slots=True)
class Round:
    """Questions about one tag.

    Attributes:
        rows: of the photos, in the order in which they are asked about.
        answers: what was decided on the photos so far; None: it was skipped.
        number: rises with each answer and each step back.
    """

    tag: str
    rows: list[int]
    answers: list[Change | None] = field(default_factory=list)
    number: int = 0


def teach(library: OpenLibrary) -> None:
    """Show the round, or the choice of a tag."""
    show_problems()
    current: Round | None = st.session_state.get("round")
    if current is None:
        _choose(library)
    elif len(current.answers) < len(current.rows):
        _ask(library, current)
    else:
        _end(library, current)


def _choose(library: OpenLibrary) -> None:
    st.markdown(
        f"Choose a tag that is often wrong or missing. You are asked about up to {QUESTIONS} photos where the model "
        "doubts most; that takes a minute."
    )
    with library.using() as opened:
        own = set(opened.own_tags())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tag = st.selectbox(
            "Tag",
            [one for one in library.tags() if one not in own],
            index=None,
            format_func=spoken().name,
            key="teach-tag",
            placeholder="Choose a tag",
            width=280,
        )
        if st.button("Begin", type="primary", disabled=tag is None) and tag:
            with st.spinner("Looking for photos …"):
                attempt(lambda: _begin(library, tag))
            st.rerun()


def _begin(library: OpenLibrary, tag: str) -> None:
    model, profile = _model(library)
    tagger = model.tagger(profile)
    with library.using() as opened:
        rows = opened.questions(tagger, tag, count=QUESTIONS)
    if not rows:
        raise VectorTagError(f'there is no photo to ask about: "{tag}" was decided on all of them')
    st.session_state["round"] = Round(tag, rows)


def _model(library: OpenLibrary) -> tuple[LoadedModel, Profile]:
    with library.using() as opened:
        name, profile = opened.setting("model"), opened.setting("profile", "balanced")
    return load_model(find_model_folder(name)), profile


def _ask(library: OpenLibrary, current: Round) -> None:
    place = len(current.answers)
    row = current.rows[place]
    with st.container(horizontal=True, vertical_alignment="center"):
        name = as_text(spoken().name(current.tag))
        st.markdown(f"#### Does this show **{name}**?", width="stretch")
        st.markdown(f"{place + 1} of {len(current.rows)}", width="content")
        st.button("Finish", on_click=_finish, args=(current,), type="tertiary")
    with library.using() as opened:
        photo = opened.photo(row)
    name = photo.path.name if photo else "a photo that is gone"
    decide_on(
        [Pictured(key=str(row), name=name, picture=picture_address_of(row), facts=[name])],
        [GO_BACK, *ACTIONS] if place else ACTIONS,
        number=current.number,
        following=[picture_address_of(one) for one in current.rows[place + 1 : place + 1 + AHEAD]],
        on_answer=lambda key: _answer(library, current, key),
        key="library-teach",
    )


def _answer(library: OpenLibrary, current: Round, key: str) -> None:
    current.number += 1
    place = len(current.answers)
    with library.using() as opened:
        if key == BACK:
            if current.answers and (last := current.answers.pop()) is not None:
                attempt(lambda: opened.undo(last))
            return
        rows, tag = current.rows[place : place + 1], current.tag

        def answer() -> None:
            decide = {YES: opened.accept_on, NO: opened.reject_on}.get(key)
            current.answers.append(decide(rows, tag) if decide else None)

        attempt(answer)


def _finish(current: Round) -> None:
    """End the round before all was asked."""
    del current.rows[len(current.answers) :]


def _end(library: OpenLibrary, current: Round) -> None:
    """What the answers bring, and what can be done next."""
    said = [one for one in current.answers if one is not None]
    yes = sum(one.verdict == "accepted" for one in said)
    name = as_text(spoken().name(current.tag))
    st.markdown(f"#### {name}: {photos(len(said))} answered, {yes} yes and {len(said) - yes} no")
    with st.container(key="teach-end"), st.spinner("Trying what the answers bring …"), library.using() as opened:
        lesson = opened.lesson(current.tag)
    _what_it_brings(lesson)
    with st.container(horizontal=True):
        learn = st.button(
            "Learn it",
            type="primary",
            icon=":material/school:",
            help="Then the whole library is tagged anew, from what is stored.",
        )
        if st.button("Another round", icon=":material/replay:"):
            del st.session_state["round"]
            attempt(lambda: _begin(library, current.tag))
            st.rerun()
        if st.button("Another tag", type="tertiary"):
            del st.session_state["round"]
            st.rerun()
    if learn:
        model, _ = _model(library)
        begin(library, Job("learn", f"Learn {current.tag}"), learning(library.file, lambda: _learn(model)))


def _what_it_brings(lesson: Lesson | None) -> None:
    if lesson is None:
        st.info("What the answers bring cannot be judged yet: that needs more of them, and a tag of the model's own.")
        return
    st.markdown(
        f"A check, on {photos(lesson.held_back)} with an answer that was held back. "
        f"The model learned from the other {lesson.learnt:,}."
    )
    with st.container(horizontal=True):
        for label, right in (("Right before", lesson.before), ("Right after", lesson.after)):
            st.metric(label, f"{right} of {lesson.held_back}", width=160)
    if lesson.after < lesson.before:
        st.warning("It got worse. Answer more questions before you let it learn.", icon=":material/warning:")
    elif lesson.held_back < 10:
        st.caption("That is few. Another round makes it more certain.")


def _learn(model: LoadedModel) -> str:
    with model.changing() as tagger:
        learnt = refresh(tagger)
    told = ". ".join(f"{one.tag}: {one.right} of {one.corrections} answers are right now" for one in learnt)
    return told or "There was nothing to learn: no answer is about a tag of this model."
