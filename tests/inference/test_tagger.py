"""From photos to tags and heat maps, on the tiny model of conftest.py."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import (
    ModelFolderError,
    PhotoError,
    ShapeError,
    UnknownModelError,
    UnknownTagError,
    VectorTagError,
)
from vectortag.core.types import ByteArray, FailedTagging, FloatArray, Tagging
from vectortag.inference.many_photos import SCORED_TOGETHER
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder
from vectortag.runtime.embedder import GROUP, GROUPS_PER_THREAD, Embedder

MakePhoto = Callable[..., Path]


@pytest.fixture
def photos(make_photo: MakePhoto) -> list[Path]:
    return [make_photo(f"{seed}.jpg", seed=seed) for seed in range(20)]


@pytest.fixture
def taggings(tagger: Tagger, photos: list[Path]) -> list[Tagging]:
    return list(tagger.tag_many(photos))


def names(tagging: Tagging) -> set[str]:
    return {scored.tag for scored in tagging.tags}


class TestTagging:
    def test_one_photo_is_tagged_as_among_many(self, tagger: Tagger, photos: list[Path], taggings: list[Tagging]):
        for photo, tagging in zip(photos, taggings, strict=True):
            alone = tagger.tag(photo)

            assert (alone.path, alone.model) == (tagging.path, tagging.model)
            assert [scored.tag for scored in alone.tags] == [scored.tag for scored in tagging.tags]
            assert [scored.score for scored in alone.scores] == pytest.approx(
                [scored.score for scored in tagging.scores], abs=1e-5
            )

    def test_every_tag_has_a_score_in_the_models_order(self, tagger: Tagger, taggings: list[Tagging]):
        for tagging in taggings:
            assert tuple(scored.tag for scored in tagging.scores) == tagger.tags
            assert all(0 <= scored.score <= 1 for scored in tagging.scores)

    def test_the_tags_are_those_whose_score_reaches_their_threshold(self, taggings: list[Tagging]):
        for tagging in taggings:
            assert names(tagging) == {
                s.tag for s in tagging.scores if s.threshold is not None and s.score >= s.threshold
            }
        assert {"beach", "dog", "boat"} <= set().union(*map(names, taggings))

    def test_a_score_that_equals_its_threshold_is_enough(self, tagger: Tagger, photos: list[Path]):
        tagger.thresholds[:] = np.float32([scored.score for scored in tagger.tag(photos[0]).scores])

        assert names(tagger.tag(photos[0])) == set(tagger.tags)

    def test_a_tag_without_a_threshold_is_never_predicted(self, taggings: list[Tagging]):
        assert max(tagging["sea"].score for tagging in taggings) > 0.7
        assert not any("sea" in names(tagging) for tagging in taggings)
        assert {tagging["sea"].threshold for tagging in taggings} == {None}

    def test_the_tags_come_with_the_highest_score_first(self, taggings: list[Tagging]):
        assert max(len(tagging.tags) for tagging in taggings) >= 3
        for tagging in taggings:
            assert list(tagging.tags) == sorted(tagging.tags, key=lambda scored: -scored.score)

    def test_no_parent_is_below_its_child(self, taggings: list[Tagging]):
        for tagging in taggings:
            assert tagging["animal"].score == tagging["dog"].score
            assert tagging["vehicle"].score > tagging["boat"].score

    def test_scores_are_the_calibrated_logits_of_the_head(self, tagger: Tagger, photos: list[Path]):
        embedding = tagger.embedder.feature_map(photos[0]).mean(axis=(1, 2))
        logit = float(tagger.folder.head.logits(embedding[None])[0, 1])

        assert tagger.tag(photos[0])["beach"].score == pytest.approx(1 / (1 + np.exp(-(2.4 * logit + 2.2))), abs=1e-5)

    def test_a_tagging_says_what_made_it(self, tagger: Tagger, photos: list[Path]):
        tagging = tagger.tag(str(photos[0]))

        assert tagging.path == str(photos[0])
        assert (tagging.model, tagging.runtime, tagging.precision) == (tagger.folder.id, "openvino", "f32")
        assert tagging.model.startswith("tiny@")

    def test_a_photo_from_memory_gets_the_same_tags_and_has_no_path(self, tagger: Tagger, make_photo: MakePhoto):
        path = make_photo("lossless.png", size=(32, 32))
        image = Image.open(path)

        for photo in (path.read_bytes(), image, np.asarray(image)):
            tagging = tagger.tag(photo)
            assert tagging.path is None
            assert tagging.scores == tagger.tag(path).scores

    def test_a_score_is_found_by_its_tag(self, taggings: list[Tagging]):
        assert taggings[0]["beach"] == taggings[0].scores[1]
        with pytest.raises(KeyError, match="beech"):
            taggings[0]["beech"]

    def test_a_broken_photo_fails_alone(self, tagger: Tagger, make_photo: MakePhoto, tmp_path: Path):
        (tmp_path / "broken.jpg").write_text("not a photo")
        results = list(tagger.tag_many([make_photo("a.jpg"), str(tmp_path / "broken.jpg"), make_photo("b.jpg"), b"?"]))

        assert [type(result) for result in results] == [Tagging, FailedTagging, Tagging, FailedTagging]
        assert (results[1].path, results[3].path) == (str(tmp_path / "broken.jpg"), "photo")
        assert isinstance(results[1].error, PhotoError)

    def test_a_broken_photo_on_its_own_is_an_error(self, tagger: Tagger, tmp_path: Path):
        with pytest.raises(PhotoError, match="gone"):
            tagger.tag(tmp_path / "gone.jpg")


class TestExplaining:
    def test_a_heat_map_is_on_the_networks_grid_between_0_and_1(self, tagger: Tagger, photos: list[Path]):
        heatmap = tagger.explain(photos[0], "beach", fine=False)

        assert (heatmap.values.shape, heatmap.values.dtype) == ((8, 8), np.float32)
        assert (heatmap.values.min(), heatmap.values.max()) == (0, 1)
        assert (heatmap.tag, heatmap.source) == ("beach", "beach")

    def test_the_map_of_a_parent_is_that_of_the_child_that_gave_its_score(self, tagger: Tagger, photos: list[Path]):
        parent, child = (tagger.explain(photos[0], tag) for tag in ("animal", "dog"))

        assert (parent.tag, parent.source, parent.score) == ("animal", "dog", child.score)
        np.testing.assert_array_equal(parent.values, child.values)
        assert not parent.is_empty

    def test_the_map_of_a_parent_that_scores_higher_by_itself_is_its_own(self, tagger: Tagger, photos: list[Path]):
        assert tagger.explain(photos[0], "vehicle").source == "vehicle"

    def test_a_heat_map_has_the_score_of_the_tagging(self, tagger: Tagger, photos: list[Path]):
        analysis = tagger.analyse(photos[0])

        for heatmap in analysis.heatmaps():
            assert heatmap.score == analysis.tagging[heatmap.tag].score

    def test_all_heat_maps_come_in_the_models_order_and_some_in_the_order_asked_for(
        self, tagger: Tagger, photos: list[Path]
    ):
        analysis = tagger.analyse(photos[0])
        some = analysis.heatmaps(["boat", "beach"])

        assert tuple(heatmap.tag for heatmap in analysis.heatmaps()) == tagger.tags
        assert [heatmap.tag for heatmap in some] == ["boat", "beach"]
        np.testing.assert_array_equal(some[1].values, analysis.heatmap("beach").values)

    def test_many_photos_are_analysed_in_order_and_a_broken_one_fails_alone(
        self, tagger: Tagger, photos: list[Path], tmp_path: Path
    ):
        (tmp_path / "broken.jpg").write_text("no photo")

        first, broken, second = tagger.analyse_many([photos[0], tmp_path / "broken.jpg", photos[1]])

        assert isinstance(broken, FailedTagging)
        for analysis, photo in ((first, photos[0]), (second, photos[1])):
            alone = tagger.analyse(photo)
            assert analysis.tagging.path == str(photo)
            np.testing.assert_allclose(analysis.own_scores, alone.own_scores, atol=1e-5)
            for one, other in zip(analysis.heatmaps(), alone.heatmaps(), strict=True):
                np.testing.assert_allclose(one.values, other.values, atol=1e-3)

    def test_a_fine_heat_map_has_twice_as_many_cells_a_side_and_the_same_score(
        self, tagger: Tagger, photos: list[Path]
    ):
        coarse, fine = (tagger.explain(photos[0], "beach", fine=fine) for fine in (False, True))

        assert (coarse.values.shape, fine.values.shape) == ((8, 8), (16, 16))
        assert (fine.tag, fine.source, fine.score) == (coarse.tag, coarse.source, coarse.score)

    def test_a_fine_heat_map_is_that_of_the_larger_input(self, tagger: Tagger, photos: list[Path]):
        seen = tagger.embedder.at(64).feature_map(photos[0])

        fine = tagger.analyse(photos[0], fine=True).heatmap("beach")

        np.testing.assert_array_equal(fine.values, tagger.scorer.head.maps(seen, [tagger.place("beach")])[0])

    def test_the_score_of_the_normal_size_says_whose_fine_map_a_parent_has(self, tagger: Tagger, photos: list[Path]):
        """At the larger size "animal" would win by itself; the map must be of the child that the score is of."""
        analysis = tagger.analyse(photos[0], fine=True)
        at_large = analysis.fine.mean(axis=(1, 2))[None]
        place = tagger.place("animal")
        logits = tagger.scorer.logits(at_large)[0]
        tagger.scorer.calibration.bias[place] = -9 - logits[place] + logits.max() + 1
        before = tagger.scorer.hierarchy.sources(analysis.own_scores)[place]
        assert tagger.scorer.hierarchy.sources(tagger.scorer.own_scores(at_large)[0])[place] == place != before

        assert analysis.heatmap("animal").source == "dog"
        np.testing.assert_array_equal(analysis.heatmap("animal").values, analysis.heatmap("dog").values)

    def test_many_photos_may_be_looked_at_finely(self, tagger: Tagger, photos: list[Path], tmp_path: Path):
        (tmp_path / "broken.jpg").write_text("no photo")

        first, broken, second = tagger.analyse_many([photos[0], tmp_path / "broken.jpg", photos[1]], fine=True)

        assert isinstance(broken, FailedTagging)
        for analysis, photo in ((first, photos[0]), (second, photos[1])):
            assert analysis.heatmap("beach").values.shape == (16, 16)
            np.testing.assert_allclose(analysis.own_scores, tagger.analyse(photo).own_scores, atol=1e-5)

    def test_photos_that_were_analysed_are_not_kept(self, tiny_model: Path, photos: list[Path]):
        """Thousands of photos from memory would be too many."""
        alive: set[int] = set()

        class Watched(bytes):
            def __del__(self) -> None:
                alive.discard(id(self))

        def watched() -> Iterator[bytes]:
            for photo in itertools.islice(itertools.cycle(photos), 200):
                one = Watched(photo.read_bytes())
                alive.add(id(one))
                yield one

        tagger = Tagger.load(tiny_model, threads=2)
        for fine in (False, True):
            most = max(len(alive) for _ in tagger.analyse_many(watched(), fine=fine))
            in_flight = GROUPS_PER_THREAD * GROUP * 3  # with a spare thread on two cores
            assert most <= in_flight + 2 * SCORED_TOGETHER + 2 * GROUP  # scored ones, the next ones, the first ones

    def test_a_network_of_one_size_has_coarse_maps_only(
        self, write_tiny_model: Callable[..., ModelFolder], tiny_fields, tmp_path: Path, photos: list[Path]
    ):
        folder = write_tiny_model(tmp_path / "vit", backbone={**tiny_fields["backbone"], "any_size": False})

        assert Tagger.load(folder).explain(photos[0], "beach", fine=True).values.shape == (8, 8)

    def test_an_analysis_runs_the_network_once_however_many_heat_maps_follow(
        self, tagger: Tagger, photos: list[Path], monkeypatch: pytest.MonkeyPatch
    ):
        session, runs = tagger.embedder.session, []

        class Counting:
            runtime, precision, threads = session.runtime, session.precision, session.threads

            def run(self, images: ByteArray, *, batch: int = 1, concurrent: bool = False) -> FloatArray:
                runs.append(len(images))
                return session.run(images, batch=batch, concurrent=concurrent)

        counting = Tagger(tagger.folder, Embedder(Counting(), tagger.embedder.recipe, tagger.embedder.size))
        analysis = counting.analyse(photos[0])
        for tag in counting.tags:
            analysis.heatmap(tag)
        analysis.heatmaps()

        assert runs == [1]
        assert analysis.tagging.scores == tagger.tag(photos[0]).scores

    @pytest.mark.parametrize("name", ["dog", "puppy", "Dog", " PUPPY "])
    def test_a_tag_is_known_by_its_synonyms_in_any_case(self, tagger: Tagger, photos: list[Path], name: str):
        assert tagger.explain(photos[0], name).tag == "dog"

    def test_an_unknown_tag_is_an_error_with_the_nearest_one(self, tagger: Tagger, photos: list[Path]):
        with pytest.raises(UnknownTagError, match=r'model "tiny": no tag "beech"\. Did you mean "beach"\? All tags:'):
            tagger.explain(photos[0], "beech")

    def test_an_unknown_tag_is_noticed_before_the_photo_is_read(self, tagger: Tagger, tmp_path: Path):
        with pytest.raises(UnknownTagError):
            tagger.explain(tmp_path / "gone.jpg", "beech")

    def test_one_unknown_tag_among_others_is_an_error(self, tagger: Tagger, photos: list[Path]):
        with pytest.raises(UnknownTagError, match="beech"):
            tagger.analyse(photos[0]).heatmaps(["dog", "beech"])

    def test_a_feature_map_that_was_kept_is_analysed_as_its_photo_is(self, tagger: Tagger, make_photo: MakePhoto):
        analysis = tagger.analyse(make_photo())

        again = tagger.analysis_of(make_photo(), analysis.feature_map)

        assert again.tagging == analysis.tagging
        np.testing.assert_array_equal(again.heatmap("dog").values, analysis.heatmap("dog").values)


class TestLoading:
    def test_a_model_is_loaded_by_its_name(self, tiny_model: Path, home: Path):
        shutil.copytree(tiny_model, home / "models/mine")

        assert Tagger.load("mine").folder.path == home / "models/mine"

    def test_an_unknown_model_is_an_error(self):
        with pytest.raises(UnknownModelError, match='no model "nothing"'):
            Tagger.load("nothing")

    def test_a_changed_model_is_an_error(self, tiny_model: Path, tmp_path: Path):
        folder = shutil.copytree(tiny_model, tmp_path / "changed")
        (folder / "head.safetensors").write_bytes(b"changed")

        with pytest.raises(ModelFolderError, match=r"head\.safetensors: changed"):
            Tagger.load(folder)

    def test_the_profile_decides_how_many_tags_there_are(self, tiny_model: Path, photos: list[Path]):
        counts = {}
        for profile, threshold in (("precise", 0.7), ("balanced", 0.5), ("thorough", 0.3)):
            taggings = list(Tagger.load(tiny_model, profile=profile).tag_many(photos))
            counts[profile] = sum(len(tagging.tags) for tagging in taggings)
            assert taggings[0]["beach"].threshold == pytest.approx(threshold)

        assert counts["precise"] < counts["balanced"] < counts["thorough"]

    def test_an_unknown_profile_is_an_error_with_the_known_ones(self, tiny_model: Path):
        with pytest.raises(VectorTagError, match=r'no profile "wild"\. Expected one of: precise, balanced, thorough'):
            Tagger.load(tiny_model, profile="wild")

    def test_the_first_operating_point_is_the_default(
        self,
        write_tiny_model: Callable[..., ModelFolder],
        tiny_fields: dict[str, list[dict[str, object]]],
        tmp_path: Path,
    ):
        (point,) = tiny_fields["operating_points"]
        larger = {**point, "size": 64}

        folder = write_tiny_model(tmp_path / "two-sizes", operating_points=[larger, point])

        assert Tagger.load(folder.path).embedder.size == 64


class TestSizes:
    @pytest.mark.parametrize(("profile", "size"), [("precise", 32), ("balanced", 32), ("thorough", 64)])
    def test_the_profile_thorough_looks_at_the_largest_size(self, two_sizes, photos, profile, size):
        tagger = Tagger.load(two_sizes, profile=profile)

        assert tagger.embedder.size == tagger.tag(photos[0]).size == size

    def test_a_size_has_curves_and_thresholds_of_its_own(self, two_sizes, photos):
        tagger = Tagger.load(two_sizes, size=64)

        tagging = tagger.tag(photos[0])

        logit = float(tagger.folder.head.logits(tagger.embedder.at(64).feature_map(photos[0]).mean((1, 2))[None])[0, 1])
        assert tagging["beach"].score == pytest.approx(1 / (1 + np.exp(-(2.4 * logit + 1.1))), abs=1e-5)
        assert [scored.threshold for scored in tagging.scores] == pytest.approx([0.1] * 6)

    def test_the_size_that_is_asked_for_counts_more_than_the_profile_s(self, two_sizes):
        assert Tagger.load(two_sizes, profile="thorough", size=32).embedder.size == 32

    @pytest.mark.parametrize("size", [0, 48, 128])
    def test_another_size_is_an_error_that_names_the_offered_ones(self, two_sizes, size):
        with pytest.raises(ShapeError, match=rf'model "tiny": no input size of {size} pixels\. It offers: 32, 64'):
            Tagger.load(two_sizes, size=size)

    def test_fine_maps_are_twice_the_default_whatever_the_size_of_the_scores(self, two_sizes, photos):
        for size in (32, 64):
            heatmap = Tagger.load(two_sizes, size=size).explain(photos[0], "beach")
            assert heatmap.values.shape == (16, 16)

    def test_what_is_taught_at_one_size_is_taught_at_the_default_one(self, two_sizes, photos):
        """The background is of that size: examples of another would differ from it by their size alone."""
        rows = []
        for size in (32, 64):
            tagger = Tagger.load(two_sizes, size=size)
            added = tagger.add_tag("our boat", photos[:5])
            rows.append(tagger.scorer.head.blocks[-1].w)
            tagger.remove_tag("our boat")
            assert added.size == 32
        np.testing.assert_array_equal(*rows)

    def test_an_added_tag_has_a_score_at_every_size(self, two_sizes, photos):
        Tagger.load(two_sizes).add_tag("our boat", photos[:5])

        scores = [Tagger.load(two_sizes, size=size).tag(photos[0])["our boat"].score for size in (32, 64)]

        assert scores[0] != scores[1]
        assert min(scores) > 0


class TestImports:
    def test_tagging_never_imports_what_only_training_needs(self, tiny_model: Path, make_photo: MakePhoto):
        code = (
            "import sys, vectortag\n"
            "tagger = vectortag.Tagger.load(sys.argv[1])\n"
            "tagger.tag(sys.argv[2]), list(tagger.tag_many(sys.argv[2:])), tagger.explain(sys.argv[2], 'dog')\n"
            "print(*sorted({'torch', 'torchvision', 'timm', 'onnx', 'lightning'} & set(sys.modules)))"
        )

        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", code, tiny_model, make_photo()],
            capture_output=True,
            text=True,
            check=True,
        )

        assert (run.stdout, run.stderr) == ("\n", "")
