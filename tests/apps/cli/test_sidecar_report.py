"""What the commands that write sidecars make of their options, and what they print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.options import SidecarOptions
from vectortag.apps.cli.output import notes
from vectortag.apps.cli.sidecar_report import SidecarReport, chosen, chosen_names, names_given
from vectortag.core.errors import UnknownTagError
from vectortag.inference.tagger import Tagger
from vectortag.library.lists import TagNames
from vectortag.library.write_xmp import Choice, Outcome
from vectortag.model.language import Language

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh_notes() -> None:
    """Messages go to the stderr of this test."""
    notes.__dict__.pop("console", None)


KEPT = TagNames(only=("dog",), hidden=("sea",), renames={"dog": "Rex"}, language=Language.load("de"))


class TestLists:
    def test_what_is_not_given_stays(self):
        assert chosen_names(KEPT, None, None, None) == KEPT

    def test_what_is_given_replaces_a_whole_list_and_an_empty_text_empties_it(self):
        assert chosen_names(KEPT, "boat", "", None).only == ("boat",)
        assert chosen_names(KEPT, "boat", "", None).hidden == ()
        assert chosen_names(KEPT, "boat", "", None).renames == {"dog": "Rex"}
        assert chosen_names(KEPT, None, None, None, "en").language.tags == {}

    def test_given_names_become_the_models_and_those_of_the_library_are_not_asked_again(self, tagger: Tagger):
        kept = TagNames(hidden=("a tag of another model",), language=KEPT.language)

        names = names_given(kept, tagger, SidecarOptions(only="Hund, ship"))

        assert (names.only, names.language.code) == (("dog", "boat"), "de")
        assert names.hidden == ("a tag of another model",)
        assert names_given(kept, tagger, SidecarOptions(language="fr")).language.code == "fr"
        with pytest.raises(UnknownTagError, match="a tag of another model"):
            names_given(kept, tagger, SidecarOptions(hidden="a tag of another model"))


def test_a_choice_is_changed_only_where_options_are_given():
    kept = Choice(KEPT, parent="auto", min_score=0.4, by_stem=True)

    assert chosen(kept, SidecarOptions()) == kept
    assert chosen(kept, SidecarOptions(parent="", min_score=0, stem=False)) == Choice(KEPT)


class TestReport:
    def outcome(self, what: Any, **fields: Any) -> Outcome:
        return Outcome(Path("a.xmp"), what, **fields)

    def said(
        self, capsys: pytest.CaptureFixture[str], *outcomes: Outcome, dry_run: bool = False
    ) -> tuple[int, list[str]]:
        report = SidecarReport(notes.print)
        for one in outcomes:
            report.note(one)
        return report.finish(dry_run=dry_run), capsys.readouterr().err.splitlines()

    def test_what_became_of_sidecars_is_counted_in_one_order(self, capsys: pytest.CaptureFixture[str]):
        outcomes = [self.outcome(what) for what in ("unchanged", "removed", "made", "made", "changed")]

        assert self.said(capsys, *outcomes) == (0, ["sidecars: 2 made, 1 changed, 1 removed, 1 unchanged"])
        assert self.said(capsys) == (0, ["sidecars: none"])

    def test_a_dry_run_says_what_would_be_done(self, capsys: pytest.CaptureFixture[str]):
        outcomes = [self.outcome("made", diff="+new\n"), self.outcome("unchanged")]

        assert self.said(capsys, *outcomes, dry_run=True) == (
            0,
            ["+new", "sidecars: 1 would be made, 1 unchanged (nothing was written)"],
        )

    def test_a_refused_sidecar_is_told_at_once_and_is_no_success(self, capsys: pytest.CaptureFixture[str]):
        outcomes = [self.outcome("refused", problem="a.xmp: left alone: it is not XML"), self.outcome("made")]

        assert self.said(capsys, *outcomes) == (
            1,
            ["a.xmp: left alone: it is not XML", "sidecars: 1 made, 1 refused"],
        )

    def test_tags_that_were_deleted_by_hand_come_with_the_command_that_brings_them_back(
        self, capsys: pytest.CaptureFixture[str]
    ):
        outcomes = [self.outcome("changed", deleted=("dog", "sea")), self.outcome("unchanged", deleted=("boat",))]

        _, lines = self.said(capsys, *outcomes)

        assert lines[1:] == [
            "3 tags that you deleted are not written again. To bring one back: vectortag library accept PHOTO TAG"
        ]


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--not", "dgo", 'no tag "dgo". Did you mean "dog"'),
        ("--rename", "dog", 'expected "tag: name"'),
        ("--parent", "a|b", '"|" separates levels'),
    ],
)
def test_a_wrong_list_is_an_error_before_any_work(
    cli: Cli, photo_folder: Path, tiny_model: Path, option: str, value: str, problem: str
):
    done = cli("tag", photo_folder, "--write-xmp", option, value, "-m", tiny_model)

    assert done.status == 2
    assert problem in done.stderr
    assert done.stdout == ""
