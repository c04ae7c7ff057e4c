"""Copies of corrected photos."""

from __future__ import annotations

from vectortag.apps.ui.corrected_photos import copies_folder, correct_photo, corrections_of, undo_correction_of
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.personal.corrections import Correction, read_corrections


class TestCorrectedPhotos:
    def test_a_corrected_photo_is_kept_until_it_is_taken_back(self, tagger, content):
        photo = SessionPhotos().add("a.PNG", content())

        correct_photo(tagger, photo, "dog", True)
        correct_photo(tagger, photo, "sea", False)

        (copy,) = copies_folder().iterdir()
        assert copy.read_bytes() == content()
        assert read_corrections() == [Correction(copy, "dog", True), Correction(copy, "sea", False)]
        assert corrections_of(photo, read_corrections()) == {"dog": True, "sea": False}
        undo_correction_of(photo, "dog")
        assert copy.exists()
        undo_correction_of(photo, "sea")
        assert not copy.exists()
        assert read_corrections() == []
