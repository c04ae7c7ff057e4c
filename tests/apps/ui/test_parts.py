"""The page's parts without a browser: what a visitor has, which tags are listed, models that many share."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vectortag.apps.ui import modes
from vectortag.apps.ui.corrected_photos import copies_folder, correct, corrections_of, undo_correction_of
from vectortag.apps.ui.examples import example_photos
from vectortag.apps.ui.loaded_model import LoadedModel, find_model_paths
from vectortag.apps.ui.modes import MODES, InferenceMode, Standard, register
from vectortag.apps.ui.reports import find_reports, parts_of, read_per_tag, worst_mistakes
from vectortag.apps.ui.search import Outcome, Search, run_search
from vectortag.apps.ui.session_photos import MOST_FINE_MAPS, MOST_PHOTOS, SessionPhotos
from vectortag.apps.ui.settings import Settings, read_settings
from vectortag.apps.ui.tag_list import NEAR_MISSES, rank_tags, tags_to_list
from vectortag.apps.ui.thumbnails import remove_thumbnails, save_thumbnails, thumbnails_of
from vectortag.core.errors import DataError, ModelFolderError, PhotoError
from vectortag.core.types import Tagging, TagScore
from vectortag.inference.search import PhotoIndex
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import DEFAULT_MODEL, find_model_folder, read_model_folder
from vectortag.model.words import text_model
from vectortag.personal.corrections import Correction, read_corrections

STANDARD = Standard()


def content(seed: int = 0, size: tuple[int, int] = (40, 30)) -> bytes:
    """A PNG of random colours."""
    colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours).resize(size).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def model(tiny_model: Path) -> LoadedModel:
    return LoadedModel(read_model_folder(tiny_model))


class Counting(InferenceMode):
    """Says how often it looked, and whether two looked at once."""

    name = "counting"
    about = "For tests."

    def __init__(self) -> None:
        self.looks, self.inside, self.most = 0, 0, 0

    def feature_map(self, embedder, photo):
        self.looks += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        made = embedder.feature_map(photo)
        threading.Event().wait(0.01)
        self.inside -= 1
        return made


class TestVisit:
    def test_the_network_sees_a_photo_once_whatever_the_profile(self, model):
        visit, mode = SessionPhotos(), Counting()
        photo = visit.add("a.png", content())

        analyses = [visit.analyse(photo, model, mode, profile) for profile in ("precise", "balanced", "thorough")]

        assert mode.looks == 1
        assert [a.tagging["dog"].threshold for a in analyses] == pytest.approx([0.7, 0.5, 0.3])
        assert len({a.tagging["dog"].score for a in analyses}) == 1

    def test_it_says_what_the_tagger_says(self, model, tagger):
        visit = SessionPhotos()
        photo = visit.add("a.png", content(3))

        analysis, expected = visit.analyse(photo, model, STANDARD), tagger.analyse(content(3))

        assert analysis.tagging.scores == expected.tagging.scores
        assert analysis.tagging.path == "a.png"
        np.testing.assert_array_equal(analysis.heatmap("dog").values, expected.heatmap("dog").values)

    def test_a_photo_that_is_looked_at_has_fine_maps_after_one_more_pass(self, model, tagger):
        visit, mode = SessionPhotos(), Counting()
        photo = visit.add("a.png", content(3))
        visit.analyse(photo, model, mode)

        analyses = [visit.analyse(photo, model, mode, profile, fine=True) for profile in ("precise", "balanced")]

        assert mode.looks == 2
        expected = tagger.explain(content(3), "dog")
        for analysis in analyses:
            np.testing.assert_allclose(analysis.heatmap("dog").values, expected.values, atol=1e-3)
            assert analysis.heatmap("dog").score == pytest.approx(expected.score, abs=1e-5)

    def test_what_fine_maps_come_from_is_kept_of_the_last_photos_alone(self, model):
        visit, mode = SessionPhotos(), Counting()
        photos = [visit.add(f"{number}.png", content(number)) for number in range(MOST_FINE_MAPS + 1)]
        for photo in (photos[0], *photos[1:-1], photos[0], photos[-1]):
            visit.analyse(photo, model, mode, fine=True)

        assert len(visit.fine_maps) == MOST_FINE_MAPS
        assert {place[0] for place in visit.fine_maps} == {photo.key for photo in photos} - {photos[1].key}

    def test_the_profile_thorough_looks_at_the_largest_size(self, two_sizes):
        visit, mode, model = SessionPhotos(), Counting(), LoadedModel(two_sizes)
        photo = visit.add("a.png", content(3))

        taggings = [visit.analyse(photo, model, mode, profile).tagging for profile in ("balanced", "thorough") * 2]

        assert mode.looks == 2
        assert [tagging.size for tagging in taggings] == [32, 64, 32, 64]
        assert taggings[1].tags == Tagger.load(two_sizes, profile="thorough").tag(content(3)).tags

    def test_the_same_content_is_one_photo(self):
        visit = SessionPhotos()

        assert visit.add("a.png", content()) is visit.add("b.png", content())
        assert list(visit.photos.values()) == [visit.photo]

    def test_a_photo_too_many_is_refused_by_name(self):
        visit = SessionPhotos()
        for number in range(MOST_PHOTOS):
            visit.add(f"{number}.png", content(number, (4, 4)))

        with pytest.raises(PhotoError, match=rf"more\.png: there are {MOST_PHOTOS} photos already"):
            visit.add("more.png", content(MOST_PHOTOS))

    def test_large_and_broken_files_are_refused_by_name(self, monkeypatch):
        monkeypatch.setattr("vectortag.apps.ui.session_photos.MOST_PIXELS", 1000)
        with pytest.raises(PhotoError, match=r"big\.png: 40 x 30 pixels are more than the limit of 1,000"):
            SessionPhotos().add("big.png", content())
        with pytest.raises(PhotoError, match=r"half\.png: broken photo"):
            SessionPhotos().add("half.png", content(size=(20, 20))[:100])
        with pytest.raises(PhotoError, match=r"vast\.png: larger than 50 MB"):
            SessionPhotos().add("vast.png", bytes(50_000_001))
        monkeypatch.setattr("vectortag.apps.ui.session_photos.MOST_MEGABYTES_TOGETHER", 0)
        with pytest.raises(PhotoError, match=r"a\.png: all photos together are larger"):
            SessionPhotos().add("a.png", content(size=(20, 20)))

    def test_removing_the_chosen_photo_chooses_another(self):
        visit = SessionPhotos()
        one, other = visit.add("a.png", content(1)), visit.add("b.png", content(2))

        visit.remove(one)

        assert visit.photo is other


class TestSearch:
    NAMES = ("mountain", "cat", "dogs")

    @pytest.fixture
    def shipped(self) -> LoadedModel:
        return LoadedModel(find_model_folder("lite0"))

    @pytest.fixture
    def visit(self, shipped: LoadedModel) -> SessionPhotos:
        """Three photos that the network has seen."""
        visit, examples = SessionPhotos(), example_photos()
        for name in self.NAMES:
            visit.analyse(visit.add(name, examples[name].read_bytes()), shipped, STANDARD)
        return visit

    @staticmethod
    def names(outcome: Outcome) -> list[str]:
        return [photo.name for photo in outcome.photos]

    def test_a_noun_ranks_all_photos_and_the_network_does_not_run(self, shipped, visit, monkeypatch):
        monkeypatch.setattr(shipped, "feature_map", None)

        outcome = run_search(Search("dogs"), visit, shipped, STANDARD)

        assert self.names(outcome)[0] == "dogs"
        assert sorted(self.names(outcome)) == sorted(self.NAMES)
        assert (outcome.problem, outcome.doubt) == (None, None)

    def test_it_ranks_as_the_index_of_the_command_line(self, shipped, visit):
        index = PhotoIndex.of(shipped.tagger(), [example_photos()[name] for name in self.NAMES])

        expected = [found.photo.stem for found in index.search("sky", top=3)]

        assert self.names(run_search(Search("sky"), visit, shipped, STANDARD)) == expected

    def test_tags_choose_with_a_sentence_and_without(self, shipped, visit):
        for sentence, expected in (("", ["cat", "dogs"]), ("dogs", ["dogs", "cat"])):
            outcome = run_search(Search(sentence, has=["animal"]), visit, shipped, STANDARD)
            assert self.names(outcome) == expected
        assert self.names(run_search(Search(has_not=["dog"]), visit, shipped, STANDARD)) == ["mountain", "cat"]

    def test_without_the_text_model_a_sentence_is_told_and_the_photos_stay(self, shipped, visit, monkeypatch):
        monkeypatch.setattr(text_model, "PACKAGE", "vectortag_no_such_package")

        outcome = run_search(Search("a dog by a door", has_not=["cat"]), visit, shipped, STANDARD)

        assert self.names(outcome) == ["mountain", "dogs"]
        assert "pip install 'vectortag[words]'" in str(outcome.problem)

    def test_a_model_without_words_says_what_to_do(self, model):
        visit = SessionPhotos()
        visit.analyse(visit.add("a.png", content()), model, STANDARD)

        outcome = run_search(Search("dog"), visit, model, STANDARD)

        assert "knows no words. Teach it: vectortag learn-words tiny" in str(outcome.problem)
        assert self.names(outcome) == ["a.png"]

    def test_nothing_of_the_photos_is_kept_on_disk(self, shipped, visit, home):
        run_search(Search("dogs"), visit, shipped, STANDARD)

        assert not (home / "cache" / "directions").exists()

    def test_blanks_are_no_search(self):
        assert not Search("  ")
        assert Search("a")
        assert Search(has=["dog"])


class TestServedModel:
    def test_passes_of_several_visitors_run_one_after_the_other(self, model):
        mode = Counting()
        threads = [threading.Thread(target=model.feature_map, args=(content(n), mode)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (mode.looks, mode.most) == (4, 1)

    def test_a_tag_that_is_added_leaves_the_tagger_that_others_hold_as_it_was(self, model):
        held = model.tagger()

        with model.changing() as own:
            own.add_tag("boat house", [content(n) for n in range(3)])

        assert "boat house" not in held.tags
        assert "boat house" in model.tagger().tags
        assert model.tagger() is model.tagger()

    def test_an_analysis_knows_a_tag_that_was_added_since_without_a_new_pass(self, model):
        visit, mode = SessionPhotos(), Counting()
        photo = visit.add("a.png", content())
        visit.analyse(photo, model, mode)

        with model.changing() as own:
            own.add_tag("boat house", [content(n) for n in range(3)])

        assert visit.analyse(photo, model, mode).tagging["boat house"].score > 0
        assert mode.looks == 1

    def test_models_of_a_folder_stand_beside_the_shipped_ones(self, tiny_model, tmp_path):
        found = find_model_paths([tiny_model.parent])

        assert tiny_model in found
        assert found[0].name == DEFAULT_MODEL
        assert find_model_paths([tiny_model]) == found
        with pytest.raises(ModelFolderError, match="no such folder"):
            find_model_paths([tmp_path / "nowhere"])


class TestModes:
    def test_a_second_mode_can_be_registered_and_none_twice(self, monkeypatch):
        monkeypatch.setattr(modes, "MODES", {"standard": STANDARD})

        register(Counting)

        assert list(modes.MODES) == ["standard", "counting"]
        with pytest.raises(ValueError, match='"counting" is registered already'):
            register(Counting)

    def test_the_standard_mode_is_the_first(self):
        assert next(iter(MODES)) == "standard"


class TestRows:
    TAGGING = Tagging(
        path=None,
        model="m",
        runtime="r",
        precision="f32",
        size=224,
        tags=(),
        scores=tuple(
            TagScore(name, score, limit)
            for name, score, limit in [("sea", 0.4, 0.5), ("dog", 0.6, 0.5), ("hot dog", 0.9, None), ("sky", 0.3, 0.2)]
        ),
    )

    def test_found_tags_come_first_by_score_and_a_tag_without_threshold_is_never_found(self):
        rows = rank_tags(self.TAGGING)

        assert [(row.tag, row.found) for row in rows] == [
            ("dog", True),
            ("sky", True),
            ("hot dog", False),
            ("sea", False),
        ]

    def test_one_threshold_decides_for_all(self):
        assert [row.tag for row in rank_tags(self.TAGGING, 0.5) if row.found] == ["hot dog", "dog"]

    def test_a_search_takes_part_of_a_name_or_a_synonym(self):
        rows = rank_tags(self.TAGGING)

        assert [row.tag for row in tags_to_list(rows, search=" DOG ")] == ["dog", "hot dog"]
        assert [row.tag for row in tags_to_list(rows, search="ocean", synonym="sea")] == ["sea"]

    def test_without_a_search_only_the_nearest_misses_are_listed(self):
        scores = tuple(TagScore(str(n), n / 100, 0.8) for n in range(100))
        rows = rank_tags(Tagging(None, "m", "r", "f32", 224, (), scores))

        assert len(tags_to_list(rows)) == 20 + NEAR_MISSES


class TestKept:
    def test_a_corrected_photo_is_kept_until_it_is_taken_back(self, tagger):
        photo = SessionPhotos().add("a.PNG", content())

        correct(tagger, photo, "dog", True)
        correct(tagger, photo, "sea", False)

        (copy,) = copies_folder().iterdir()
        assert copy.read_bytes() == content()
        assert read_corrections() == [Correction(copy, "dog", True), Correction(copy, "sea", False)]
        assert corrections_of(photo) == {"dog": True, "sea": False}
        undo_correction_of(photo, "dog")
        assert copy.exists()
        undo_correction_of(photo, "sea")
        assert not copy.exists()
        assert read_corrections() == []

    def test_the_thumbnails_of_a_tag(self, model):
        save_thumbnails(model.folder, "boat/house", [content(1), content(2, (3000, 100))])

        pictures = thumbnails_of(model.folder, "boat/house")
        assert len(pictures) == 2
        for picture in pictures:
            with Image.open(picture) as image:
                assert max(image.size) == 240
        assert model.tagger().additions == ()  # they are no tags
        remove_thumbnails(model.folder, "boat/house")
        assert thumbnails_of(model.folder, "boat/house") == []


class TestReports:
    def test_the_reports_of_trained_models_are_found(self, tiny_model, write_tiny_model, tmp_path, home):
        trained = write_tiny_model(tmp_path / "runs" / "mine")
        report = tmp_path / "runs" / "mine.run" / "report"
        report.mkdir(parents=True)
        (report / "README.md").write_text("# How\n\n![Curve](curve.png)\n\n![Gone](gone.png)\nEnd\n")
        (report / "curve.png").write_bytes(content())
        (report / "per_tag.csv").write_text("data,tag,f1\nset,sea,0.5\nset,sky,\n")

        assert find_reports([trained, read_model_folder(tiny_model)]) == {trained.id: report}
        assert list(parts_of(report)) == ["# How\n\n", report / "curve.png", "\n\n", "\nEnd\n"]
        assert read_per_tag(report) == [
            {"data": "set", "tag": "sea", "f1": 0.5},
            {"data": "set", "tag": "sky", "f1": None},
        ]
        with pytest.raises(DataError, match="cannot be read"):
            list(parts_of(tmp_path))

    def test_the_worst_mistakes_are_those_furthest_on_the_wrong_side(
        self, tagger, tiny_model: Path, make_data_set: Callable[..., Path]
    ):
        folder = make_data_set({f"{n}.jpg": "dog" if n % 2 else "beach" for n in range(12)})

        found, what = worst_mistakes(read_model_folder(tiny_model), folder)

        assert what == "12 photos"
        assert found
        for one in found:
            score = tagger.tag(one.photo)[one.tag].score
            assert one.score == pytest.approx(score, abs=1e-5)
            assert (score >= one.threshold) != one.has
            assert one.has == (one.tag == ("dog" if int(one.photo.stem) % 2 else "beach")) or one.tag == "animal"
        assert max(sum(one.tag == tag for one in found) for tag in tagger.tags) <= 3


def test_the_settings_survive_the_command_line(tmp_path):
    settings = Settings((tmp_path / "runs",), (tmp_path / "photos", tmp_path / "more.csv"))

    assert read_settings(["page.py", *settings.to_arguments(), "--other"]) == settings


def test_every_example_photo_is_offered():
    assert {"cat", "temple"} <= example_photos().keys()
    assert all(file.is_file() for file in example_photos().values())
