"""What a person decided about photos that show one picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.library.duplicate_decisions import (
    DuplicateDecision,
    decisions_of,
    forget_decision,
    keep_decision,
    undecided,
)
from vectortag.library.duplicates import DuplicateGroup
from vectortag.library.library import Library

A, B, C = Path("/photos/a.jpg"), Path("/photos/b\udcff.jpg"), Path("/photos/c.jpg")


def test_decisions_are_kept_in_the_library_and_the_last_one_about_a_group_counts(library: Library):
    keep_decision(library, DuplicateDecision((A, B), kept=A))
    keep_decision(library, DuplicateDecision((B, C)))
    keep_decision(library, DuplicateDecision((A, B), kept=B))

    with Library.open(library.file) as other:
        assert decisions_of(other) == [DuplicateDecision((B, C)), DuplicateDecision((A, B), kept=B)]

    forget_decision(library, (B, A))
    assert decisions_of(library) == [DuplicateDecision((B, C))]
    forget_decision(library, (B, C))
    assert decisions_of(library) == []


@pytest.mark.parametrize("kept", [None, A])
def test_a_group_that_was_decided_on_is_not_shown_until_another_photo_joins_it(kept: Path | None):
    pair, three = DuplicateGroup("alike", (A, B)), DuplicateGroup("alike", (A, B, C))

    assert undecided([pair, three], [DuplicateDecision((A, B), kept)]) == [three]
    assert undecided([pair, three], [DuplicateDecision((A, B, C), kept)]) == []
    assert undecided([pair], [DuplicateDecision((A, C), kept)]) == [pair]


def test_the_others_than_the_kept_one_are_superfluous():
    assert DuplicateDecision((A, B, C), kept=B).superfluous == (A, C)
    assert DuplicateDecision((A, B, C)).superfluous == ()
