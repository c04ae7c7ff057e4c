"""What a photo says of itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.library import photo_facts
from vectortag.library.photo_facts import ChangedPhotoError, read_facts

NORTH = {1: "N", 2: (52.0, 30.0, 36.0), 3: "E", 4: (13.0, 22.0, 12.0)}
INNER, GPS, ORIENTATION, RATING = 0x8769, 0x8825, 0x0112, 0x4746


@pytest.fixture
def photo_with(tmp_path: Path) -> Callable[..., Path]:
    """photo_with({RATING: 3}, inner={0x9003: "2024:..."}, gps={...}): a photo of 40 x 30 pixels with EXIF fields."""

    def write(fields: dict[int, Any] | None = None, *, name: str = "a.jpg", **directories: dict[int, Any]) -> Path:
        exif = Image.Exif()
        exif.update(fields or {})
        for directory, content in directories.items():
            exif.get_ifd({"inner": INNER, "gps": GPS}[directory]).update(content)
        Image.new("RGB", (40, 30)).save(tmp_path / name, exif=exif)
        return tmp_path / name

    return write


def test_the_content_is_the_blake2b_of_the_bytes(photo_with):
    photo = photo_with()

    facts = read_facts(photo)

    assert facts.content == hashlib.blake2b(photo.read_bytes(), digest_size=16).digest()
    assert (facts.size, facts.mtime_ns) == (photo.stat().st_size, photo.stat().st_mtime_ns)


class TestTheDate:
    @pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
    def test_is_that_of_the_shot(self, photo_with, name: str):
        photo = photo_with({0x0132: "2025:01:01 00:00:00"}, inner={0x9003: "2024:07:31 18:00:05"}, name=name)

        assert read_facts(photo).taken == "2024-07-31T18:00:05"

    def test_is_that_of_the_file_where_there_is_no_other(self, photo_with):
        assert read_facts(photo_with({0x0132: "2025:01:01 00:00:00"})).taken == "2025-01-01T00:00:00"

    @pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2024:13:01 00:00:00", "soon"])
    def test_is_none_where_the_camera_did_not_know(self, photo_with, text: str):
        assert read_facts(photo_with(inner={0x9003: text})).taken is None


class TestThePlace:
    def test_is_in_degrees(self, photo_with):
        assert read_facts(photo_with(gps=NORTH)).place == (52.51, 13.37)

    def test_is_negative_in_the_south_and_west(self, photo_with):
        assert read_facts(photo_with(gps=NORTH | {1: "S", 3: "W"})).place == (-52.51, -13.37)

    @pytest.mark.parametrize("fields", [{}, {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, {2: (95.0, 0.0, 0.0)}])
    def test_is_none_where_it_is_no_place(self, photo_with, fields: dict[int, Any]):
        assert read_facts(photo_with(gps=NORTH | fields if fields else {})).place is None


class TestTheSize:
    def test_is_that_of_the_upright_photo(self, photo_with):
        facts = read_facts(photo_with({ORIENTATION: 6}))

        assert (facts.orientation, facts.width, facts.height) == (6, 30, 40)

    def test_does_not_mind_an_orientation_that_is_none(self, photo_with):
        facts = read_facts(photo_with({ORIENTATION: 77}))

        assert (facts.orientation, facts.width, facts.height) == (1, 40, 30)


class TestTheRating:
    def test_is_that_of_exif(self, photo_with):
        assert read_facts(photo_with({RATING: 3})).rating == 3

    def test_of_a_sidecar_counts_more(self, photo_with):
        photo = photo_with({RATING: 3})
        photo.with_suffix(".xmp").write_text(
            '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:xmp="http://ns.adobe.com/xap/1.0/">'
            "<r:Description><xmp:Rating>-1</xmp:Rating></r:Description></r:RDF>"
        )

        assert read_facts(photo).rating == -1

    @pytest.mark.parametrize("value", [99, 6])
    def test_is_none_where_it_is_no_rating(self, photo_with, value: int):
        assert read_facts(photo_with({RATING: value})).rating is None


class TestWhatCannotBeRead:
    def test_is_an_error(self, tmp_path: Path):
        (tmp_path / "a.jpg").write_bytes(b"no photo")

        with pytest.raises(PhotoError, match=r"a\.jpg: not a photo"):
            read_facts(tmp_path / "a.jpg")

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
    def test_broken_exif_takes_nothing_from_the_rest(self, tmp_path: Path):
        Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")

        facts = read_facts(tmp_path / "a.jpg")

        assert (facts.width, facts.taken, facts.place) == (40, None, None)

    def test_a_photo_that_changes_meanwhile_is_not_taken(self, photo_with, monkeypatch: pytest.MonkeyPatch):
        photo = photo_with()
        real = photo_facts.read_notes

        def change(path: Path) -> Any:
            os.utime(path, (1, 1))
            return real(path)

        monkeypatch.setattr(photo_facts, "read_notes", change)

        with pytest.raises(ChangedPhotoError, match="changed while it was read"):
            read_facts(photo)
