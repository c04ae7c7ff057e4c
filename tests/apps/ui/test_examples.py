"""The shipped example photos."""

from __future__ import annotations

from vectortag.apps.ui.examples import example_photos


def test_every_example_photo_is_offered():
    assert {"cat", "temple"} <= example_photos().keys()
    assert all(file.is_file() for file in example_photos().values())
