"""Teaching a tag: a quick round of yes, no and skip, and what that brought."""

from __future__ import annotations

from typing import Any

import pytest

from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.library.teaching import Lesson

pytest.importorskip("streamlit")


@pytest.fixture
def view(draw: Any, opened: OpenLibrary) -> Any:
    from vectortag.apps.ui.views.library_teach import teach

    return lambda **session: draw(teach, opened, **session)


@pytest.fixture
def asked(view: Any, opened: OpenLibrary) -> Any:
    """A round of three questions about the tag "dog"."""
    from vectortag.apps.ui.views.library_teach import Round

    return view(round=Round("dog", opened.rows(None)[:3]))


def verdicts(opened: OpenLibrary) -> dict[int, str]:
    """What was decided on the tag "dog", by row."""
    with opened.using() as library:
        found = ((row, library.photo(row)) for row in library.rows())
        return {row: one.decisions["dog"].verdict for row, one in found if one and "dog" in one.decisions}


def test_a_tag_of_the_model_is_chosen_and_the_round_begins(view: Any, click: Any, said: Any, opened: OpenLibrary):
    opened.change(lambda library: library.accept_on(opened.rows(None)[:1], "Anna", own=True))
    page = view(language="de")
    assert page.button[0].disabled
    assert "Hund" in page.selectbox("teach-tag").options
    assert "Anna" not in page.selectbox("teach-tag").options  # the model cannot learn it here

    page.selectbox("teach-tag").set_value("dog").run()
    page = click(page, "Begin")

    assert "#### Does this show **Hund**?" in said(page)
    assert "1 of 7" in said(page)


def test_a_tag_that_was_decided_everywhere_has_no_questions(view: Any, click: Any, opened: OpenLibrary):
    opened.change(lambda library: library.accept_on(opened.rows(None), "dog"))
    page = view()
    page.selectbox("teach-tag").set_value("dog").run()

    page = click(page, "Begin")

    assert 'there is no photo to ask about: "dog" was decided on all of them' in page.error[0].value
    assert "round" not in page.session_state


def test_answers_are_decisions_and_a_skipped_photo_stays_undecided(
    asked: Any, click: Any, said: Any, opened: OpenLibrary
):
    first, _, third = opened.rows(None)[:3]
    assert "library-teach:back" not in [one.key for one in asked.button]

    page = asked
    for answer in ("yes", "skip", "no"):
        page = click(page, f"library-teach:{answer}")

    assert verdicts(opened) == {first: "accepted", third: "rejected"}
    assert "#### dog: 2 photos answered, 1 yes and 1 no" in said(page)


def test_a_step_back_takes_the_answer_back(asked: Any, click: Any, said: Any, opened: OpenLibrary):
    page = click(asked, "library-teach:yes")
    assert "2 of 3" in said(page)

    page = click(page, "library-teach:back")

    assert "1 of 3" in said(page)
    assert verdicts(opened) == {}


def test_a_round_may_be_ended_before_its_last_question(asked: Any, click: Any, said: Any, opened: OpenLibrary):
    page = click(click(asked, "library-teach:no"), "Finish")

    assert "#### dog: 1 photo answered, 0 yes and 1 no" in said(page)
    assert len(verdicts(opened)) == 1


def test_after_a_round_there_is_another_one_or_another_tag(asked: Any, click: Any, said: Any):
    page = click(click(asked, "library-teach:yes"), "Finish")

    page = click(page, "Another round")
    assert "1 of 6" in said(page)  # the photo that was decided is not asked about again

    page = click(click(page, "Finish"), "Another tag")
    assert len(page.selectbox) == 1


def test_what_was_learned_is_a_job_and_the_model_knows_it_at_its_end(
    asked: Any, click: Any, opened: OpenLibrary, tagger: Any
):
    page = click(click(asked, "library-teach:no"), "Finish")

    click(page, "Learn it")
    opened.jobs.wait(60)

    (job,) = opened.jobs.all
    assert (job.kind, job.title, job.state) == ("learn", "Learn dog", "done")
    assert job.summary.startswith("dog: ")


class TestWhatItBrings:
    @pytest.fixture
    def judged(self, asked: Any, click: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        """judged(lesson): the end of a round whose answers brought that."""
        from vectortag.library.library import Library

        def show(lesson: Lesson | None) -> Any:
            monkeypatch.setattr(Library, "lesson", lambda *_: lesson)
            return click(click(asked, "library-teach:no"), "Finish")

        return show

    def test_too_few_answers_judge_nothing(self, judged: Any):
        assert "cannot be judged yet" in judged(None).info[0].value

    def test_right_answers_before_and_after_are_counted(self, judged: Any):
        page = judged(Lesson(learnt=30, held_back=12, before=6, after=9))

        assert [(one.label, one.value) for one in page.metric] == [
            ("Right before", "6 of 12"),
            ("Right after", "9 of 12"),
        ]
        assert len(page.warning) == 0

    def test_a_model_that_got_worse_is_not_to_learn_it(self, judged: Any):
        assert "It got worse." in judged(Lesson(learnt=30, held_back=12, before=9, after=6)).warning[0].value

    def test_a_check_on_few_photos_says_so(self, judged: Any):
        page = judged(Lesson(learnt=5, held_back=4, before=2, after=3))

        assert "That is few. Another round makes it more certain." in [one.value for one in page.caption]
