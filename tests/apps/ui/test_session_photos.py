"""The photos of one browser session, and what the network computed of them."""

from __future__ import annotations

import base64
import io
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vectortag.apps import ui
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.apps.ui.session_photos import (
    MOST_FINE_MAPS,
    MOST_MEGABYTES,
    MOST_PHOTOS,
    SHOWN_SIDE,
    THUMB_SIDE,
    SessionPhotos,
    read_photo,
)
from vectortag.core.errors import PhotoError
from vectortag.inference.tagger import Tagger


def test_streamlit_takes_files_of_the_size_that_the_page_reads():
    settings = Path(ui.__file__).parent / ".streamlit/config.toml"

    assert tomllib.loads(settings.read_text("utf-8"))["server"]["maxUploadSize"] == MOST_MEGABYTES


class TestSessionPhotos:
    def test_the_network_sees_a_photo_once_whatever_the_profile(self, model, content, passes):
        photos = SessionPhotos()
        photo = photos.add("a.png", content())

        analyses = [photos.analyse(photo, model, profile) for profile in ("precise", "balanced", "thorough")]

        assert passes.count == 1
        assert [a.tagging["dog"].threshold for a in analyses] == pytest.approx([0.7, 0.5, 0.3])
        assert len({a.tagging["dog"].score for a in analyses}) == 1

    def test_it_says_what_the_tagger_says(self, model, tagger, content):
        photos = SessionPhotos()
        photo = photos.add("a.png", content(3))

        analysis, expected = photos.analyse(photo, model), tagger.analyse(content(3))

        assert analysis.tagging.scores == expected.tagging.scores
        assert analysis.tagging.path == "a.png"
        np.testing.assert_array_equal(analysis.heatmap("dog").values, expected.heatmap("dog").values)

    def test_a_photo_that_is_looked_at_has_fine_maps_after_one_more_pass(self, model, tagger, content, passes):
        photos = SessionPhotos()
        photo = photos.add("a.png", content(3))
        photos.analyse(photo, model)

        analyses = [photos.analyse(photo, model, profile, fine=True) for profile in ("precise", "balanced")]

        assert passes.count == 2
        expected = tagger.explain(content(3), "dog")
        for analysis in analyses:
            np.testing.assert_allclose(analysis.heatmap("dog").values, expected.values, atol=1e-3)
            assert analysis.heatmap("dog").score == pytest.approx(expected.score, abs=1e-5)

    def test_inputs_of_fine_maps_are_kept_for_the_last_photos_only(self, model, content):
        photos = SessionPhotos()
        added = [photos.add(f"{number}.png", content(number)) for number in range(MOST_FINE_MAPS + 1)]
        for photo in (added[0], *added[1:-1], added[0], added[-1]):
            photos.analyse(photo, model, fine=True)

        assert len(photos.fine_maps) == MOST_FINE_MAPS
        assert {key[0] for key in photos.fine_maps} == {photo.key for photo in added} - {added[1].key}

    def test_the_profile_thorough_looks_at_the_largest_size(self, two_sizes, content, passes):
        photos, model = SessionPhotos(), LoadedModel(two_sizes)
        photo = photos.add("a.png", content(3))

        taggings = [photos.analyse(photo, model, profile).tagging for profile in ("balanced", "thorough") * 2]

        assert passes.count == 2
        assert [tagging.size for tagging in taggings] == [32, 64, 32, 64]
        assert taggings[1].tags == Tagger.load(two_sizes, profile="thorough").tag(content(3)).tags

    def test_the_picture_for_the_screen_is_the_same_whether_it_was_made_at_once_or_later(self, content):
        whole = content(3, (1500, 1000))
        at_once, later = (read_photo("a.png", whole, key="a", side=side) for side in (SHOWN_SIDE, THUMB_SIDE))

        assert at_once.shown == later.shown
        picture = Image.open(io.BytesIO(base64.b64decode(later.shown.partition(",")[2])))
        assert picture.size == (1024, 683)
        assert at_once.thumb == later.thumb

    def test_the_same_content_is_one_photo(self, content):
        photos = SessionPhotos()

        assert photos.add("a.png", content()) is photos.add("b.png", content())
        assert list(photos.photos.values()) == [photos.photo]

    def test_a_photo_too_many_is_refused_by_name(self, content):
        photos = SessionPhotos()
        for number in range(MOST_PHOTOS):
            photos.add(f"{number}.png", content(number, (4, 4)))

        with pytest.raises(PhotoError, match=rf"more\.png: the page takes {MOST_PHOTOS} photos at a time"):
            photos.add("more.png", content(MOST_PHOTOS))

    def test_large_and_broken_files_are_refused_by_name(self, monkeypatch, content):
        monkeypatch.setattr("vectortag.apps.ui.session_photos.MOST_PIXELS", 1000)
        with pytest.raises(PhotoError, match=r"big\.png: 40 x 30 pixels are more than the limit of 1,000"):
            SessionPhotos().add("big.png", content())
        with pytest.raises(PhotoError, match=r"half\.png: broken photo"):
            SessionPhotos().add("half.png", content(size=(20, 20))[:100])
        with pytest.raises(PhotoError, match=r"vast\.png: larger than 50 MB"):
            SessionPhotos().add("vast.png", bytes(50_000_001))
        monkeypatch.setattr("vectortag.apps.ui.session_photos.MOST_MEGABYTES_TOGETHER", 0)
        with pytest.raises(PhotoError, match=r"a\.png: all photos together would be larger"):
            SessionPhotos().add("a.png", content(size=(20, 20)))

    def test_removing_the_chosen_photo_chooses_another(self, content):
        photos = SessionPhotos()
        one, other = photos.add("a.png", content(1)), photos.add("b.png", content(2))

        photos.remove(one)

        assert photos.photo is other


class TestKindsOfPhotos:
    def test_of_a_video_a_frame_is_kept(self, monkeypatch):
        frame = Image.radial_gradient("L").convert("RGB")
        monkeypatch.setattr("vectortag.runtime.decoding.video.first_frame", lambda file: frame)

        photo = SessionPhotos().add("clip.mp4", b"\0\0\0\x18ftypisom" + bytes(30))

        with Image.open(io.BytesIO(photo.content)) as kept:
            assert kept.format == "PNG"
            assert kept.size == frame.size

    @pytest.mark.parametrize(
        ("name", "start", "module", "extra"),
        [
            ("a.heic", b"\0\0\0\x18ftypheic", "pillow_heif", "heic"),
            ("a.jxl", b"\xff\n" + bytes(60), "imagecodecs", "jxl"),
            ("a.raf", b"FUJIFILMCCD-RAW ", "rawpy", "raw"),
        ],
    )
    def test_what_needs_an_extra_is_named_with_it(self, monkeypatch, name, start, module, extra):
        monkeypatch.setitem(sys.modules, module, None)

        with pytest.raises(PhotoError, match=rf"^{name}: an? .* photo needs .* pip install 'vectortag\[{extra}\]'"):
            SessionPhotos().add(name, start + bytes(40))

    def test_a_video_without_ffmpeg_is_named_with_it(self, monkeypatch):
        monkeypatch.setattr("vectortag.runtime.decoding.video.ffmpeg", lambda: None)

        with pytest.raises(PhotoError, match=r"^clip\.mov: a video needs ffmpeg"):
            SessionPhotos().add("clip.mov", b"\0\0\0\x14ftypqt  " + bytes(30))
