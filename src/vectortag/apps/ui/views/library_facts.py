"""What is known of a photo of the library beside its tags: what its file says, where it lies, and who said what."""

from __future__ import annotations

import streamlit as st

from vectortag.apps.ui.documents import as_text
from vectortag.apps.ui.spoken import spoken
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import code_span
from vectortag.library.camera_facts import camera_facts
from vectortag.library.one_photo import LibraryPhoto
from vectortag.library.sidecars import ModelRun


def photo_facts(photo: LibraryPhoto, run: ModelRun | None, content: bytes) -> None:
    """Show the facts.

    Args:
        run: of the model that looked at it.
        content: of its file; empty if it cannot be read.
    """
    facts = [
        ("Taken", (photo.taken or "").replace("T", " ")),
        ("Keywords", ", ".join(photo.keywords)),
        ("Rating", "★" * max(0, photo.rating or 0)),
        *camera_facts(content).items(),
        ("Size", f"{photo.size[0]:,} × {photo.size[1]:,} pixels" if photo.size else ""),
        ("Place", f"{photo.place[0]:.5f}, {photo.place[1]:.5f}" if photo.place else ""),
        ("Confirmed by you", _decided(photo, "accepted")),
        ("Removed by you", _decided(photo, "rejected")),
        ("Tagged by", f"{run.model}, {run.date[:10]}" if run else "no model yet"),
        ("Cannot be read", photo.error or ""),
    ]
    lines = [f"{name}: {as_text(value)}" for name, value in facts if value]
    lines += [
        f"Folder: {code_span(escape_path(photo.path.parent))}",
        f"File: {code_span(escape_path(photo.path.name))}",
    ]
    with st.container(key="library-facts"):
        st.markdown("  \n".join(lines))


def _decided(photo: LibraryPhoto, verdict: str) -> str:
    names = (
        f"{spoken().name(tag)}, called {one.renamed_to}" if one.renamed_to else spoken().name(tag)
        for tag, one in photo.decisions.items()
        if one.verdict == verdict
    )
    return "; ".join(sorted(names))
