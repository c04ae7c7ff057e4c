"""What is known of a photo of the library beside its tags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.library.decisions import Decision
from vectortag.library.one_photo import LibraryPhoto
from vectortag.library.sidecars import ModelRun

pytest.importorskip("streamlit")


@pytest.fixture
def photo(opened: OpenLibrary) -> LibraryPhoto:
    with opened.using() as library:
        found = library.photo(library.rows()[0])
    assert found is not None
    return found


@pytest.fixture
def facts(draw: Any) -> Any:
    """facts(photo, run, content): the lines, by their names."""
    from vectortag.apps.ui.views.library_facts import photo_facts

    def lines(photo: LibraryPhoto, run: ModelRun | None = None, content: bytes = b"", **session: Any) -> dict[str, str]:
        (text,) = draw(photo_facts, photo, run, content, **session).markdown
        return dict(line.split(": ", 1) for line in text.value.split("  \n"))

    return lines


def test_what_is_not_known_has_no_line(facts: Any, photo: LibraryPhoto):
    found = facts(replace(photo, taken=None, keywords=(), rating=None, size=None, place=None))

    assert found == {
        "Tagged by": "no model yet",
        "Folder": f"`{photo.path.parent}`",
        "File": f"`{photo.path.name}`",
    }


def test_what_its_file_says_is_shown_for_people(facts: Any, photo: LibraryPhoto):
    known = replace(
        photo,
        taken="2024-07-01T12:30:00",
        keywords=("Rex", "sea"),
        rating=3,
        size=(4000, 3000),
        place=(48.2, 16.37),
    )

    found = facts(known, ModelRun("tiny@1a2b3c4d", "2026-01-02T03:04:05+00:00"))

    assert found["Taken"] == as_text("2024-07-01 12:30:00")
    assert found["Keywords"] == "Rex, sea"
    assert found["Rating"] == "★★★"
    assert found["Size"] == "4,000 × 3,000 pixels"
    assert found["Place"] == "48.20000, 16.37000"
    assert found["Tagged by"].endswith("1a2b3c4d, 2026-01-02")


def test_a_rejected_photo_has_no_stars(facts: Any, photo: LibraryPhoto):
    assert "Rating" not in facts(replace(photo, rating=-1))


def test_what_was_decided_is_named_in_the_visitors_language(facts: Any, photo: LibraryPhoto):
    decisions = {
        "dog": Decision("accepted", "Rex"),
        "boat": Decision("accepted"),
        "sea": Decision("rejected"),
    }

    found = facts(replace(photo, decisions=decisions), language="de")

    assert found["Confirmed by you"] == "Boot; Hund, called Rex"
    assert found["Removed by you"] == "sea"


def test_names_and_errors_are_text_and_no_markup(facts: Any, photo: LibraryPhoto):
    odd = replace(photo, keywords=("**bold** :red[x]",), error="<b>no photo</b>")

    found = facts(odd)

    assert "**" not in found["Keywords"]
    assert found["Keywords"] == as_text("**bold** :red[x]")
    assert found["Cannot be read"] == as_text("<b>no photo</b>")
