"""vectortag explain"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from vectortag.inference.heatmap_drawing import draw_heatmap
from vectortag.inference.tagger import Tagger

Cli = Callable[..., Any]
MakePhoto = Callable[..., Path]


@pytest.fixture
def photo(make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo in which the tiny model finds animal, dog, boat and vehicle; the test runs in its folder."""
    monkeypatch.chdir(tmp_path)
    return make_photo("beach.jpg", seed=1)


@pytest.fixture
def explain(cli: Cli, tiny_model: Path) -> Cli:
    """explain(path, "--tag", "dog"): `vectortag explain` with the tiny model."""
    return lambda *arguments: cli("explain", *arguments, "--model", tiny_model)


def pngs(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if file.suffix == ".png"}


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        assert image.format == "PNG"
        return np.asarray(image)


class TestFiles:
    def test_a_png_is_written_here_and_its_name_goes_to_stdout(self, explain, photo: Path):
        outcome = explain(photo, "--tag", "beach")

        assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "beach.beach.png\n", "")
        assert pngs(Path()) == {"beach.beach.png"}

    def test_it_shows_the_heat_map_over_the_photo(self, explain, photo: Path, tagger: Tagger):
        explain(photo, "--tag", "beach", "--opacity", 0.8)

        with Image.open(photo) as image:
            expected = draw_heatmap(image, tagger.explain(photo, "beach"), opacity=0.8)
        np.testing.assert_array_equal(pixels(Path("beach.beach.png")), np.asarray(expected))

    def test_without_opacity_it_is_the_photo(self, explain, photo: Path):
        explain(photo, "--tag", "beach", "--opacity", 0)

        with Image.open(photo) as image:
            np.testing.assert_array_equal(pixels(Path("beach.beach.png")), np.asarray(image))

    def test_several_tags_are_several_files(self, explain, photo: Path):
        outcome = explain(photo, "--tag", "dog", "--tag", "sea", "--output", "maps/of/beach")

        assert outcome.stdout.split() == ["maps/of/beach/beach.dog.png", "maps/of/beach/beach.sea.png"]
        assert pngs(Path("maps/of/beach")) == {"beach.dog.png", "beach.sea.png"}

    def test_without_a_tag_all_that_are_found_are_explained(self, explain, photo: Path, tagger: Tagger):
        found = [scored.tag for scored in tagger.tag(photo).tags]

        outcome = explain(photo, "--output", "maps")

        assert len(found) > 2
        assert outcome.stdout.split() == [f"maps/beach.{tag}.png" for tag in found]
        assert pngs(Path("maps")) == {f"beach.{tag}.png" for tag in found}

    def test_a_png_file_may_be_named(self, explain, photo: Path):
        assert explain(photo, "--tag", "sea", "--output", "map.PNG").stdout == "map.PNG\n"
        assert pixels(Path("map.PNG")).shape == (48, 64, 3)

    def test_a_synonym_of_a_tag_will_do(self, explain, photo: Path):
        assert explain(photo, "--tag", "puppy").stdout == "beach.dog.png\n"

    def test_a_tag_may_be_named_in_another_language_and_so_is_its_file(self, explain, photo: Path):
        outcome = explain(photo, "--tag", "HÜNDIN", "--language", "de")

        assert (outcome.status, outcome.stdout) == (0, "beach.Hund.png\n")
        assert explain(photo, "--tag", "dog", "--language", "de", "--overwrite").stdout == "beach.Hund.png\n"

    def test_an_unknown_name_is_answered_in_that_language(self, explain, photo: Path):
        outcome = explain(photo, "--tag", "Hunt", "--language", "de")

        assert outcome.status == 2
        assert 'no tag "Hunt", in Deutsch or English. Did you mean "Hund"?' in outcome.stderr

    def test_names_are_printed_as_they_are(self, explain, photo: Path):
        photo = photo.rename("[bold]:dog:.jpg")

        assert explain(photo, "--tag", "sea").stdout == "[bold]:dog:.sea.png\n"
        assert pngs(Path()) == {"[bold]:dog:.sea.png"}

    def test_a_tag_of_several_words_makes_a_plain_name(self, cli, photo: Path, write_tiny_model, tiny_fields):
        tags = ("animal", "golden gate/bridge", *tiny_fields["tags"][2:])
        model = write_tiny_model(Path("model"), tags=tags).path

        assert cli("explain", photo, "--tag", "golden gate/bridge", "--model", model).stdout == (
            "beach.golden_gate_bridge.png\n"
        )


class TestFineMaps:
    @pytest.mark.parametrize(("option", "fine"), [((), True), (("--fine",), True), (("--coarse",), False)])
    def test_one_photo_has_a_fine_map_unless_a_coarse_one_is_asked_for(self, explain, photo, tagger, option, fine):
        explain(photo, "--tag", "beach", *option)

        with Image.open(photo) as image:
            expected = draw_heatmap(image, tagger.explain(photo, "beach", fine=fine))
        np.testing.assert_array_equal(pixels(Path("beach.beach.png")), np.asarray(expected))

    @pytest.mark.parametrize(("option", "side"), [((), 8), (("--coarse",), 8), (("--fine",), 16)])
    def test_the_maps_of_every_tag_are_coarse_unless_fine_ones_are_asked_for(self, explain, photo, option, side):
        explain(photo, "--all", *option)

        with safe_open("beach.maps.safetensors", "numpy") as stored:
            assert stored.get_tensor("maps").shape == (6, side, side)
            assert stored.metadata()["size"] == "32"

    def test_several_photos_have_coarse_maps_unless_fine_ones_are_asked_for(self, explain, photo, make_photo, tagger):
        make_photo("hill.jpg", seed=2)
        for option, fine in (((), False), (("--fine",), True)):
            explain(photo, "hill.jpg", "--tag", "beach", "--output", "maps", *option)

            with Image.open(photo) as image:
                expected = draw_heatmap(image, tagger.explain(photo, "beach", fine=fine))
            np.testing.assert_allclose(pixels(Path("maps/beach.beach.png")), np.asarray(expected), atol=1)

    def test_a_network_of_one_size_says_once_that_its_maps_are_coarse(self, cli, photo, write_tiny_model, tiny_fields):
        model = write_tiny_model(Path("model"), backbone={**tiny_fields["backbone"], "any_size": False}).path

        outcome = cli("explain", photo, "--tag", "beach", "--tag", "dog", "--model", model)

        assert outcome.stderr == "tiny: its network has a fixed input size, so the heat maps are coarse\n"
        assert "coarse" not in cli("explain", photo, "--tag", "beach", "--coarse", "--model", model).stderr


class TestNotes:
    def test_a_parent_is_seen_as_the_child_that_gave_it_its_score(self, explain, photo: Path):
        outcome = explain(photo, "--tag", "animal", "--tag", "dog")

        assert outcome.stderr == "animal: the heat map is that of dog\n"
        np.testing.assert_array_equal(pixels(Path("beach.animal.png")), pixels(Path("beach.dog.png")))

    def test_a_photo_without_tags_is_said_to_have_none(self, cli, photo: Path, write_tiny_model, tiny_fields):
        (point,) = tiny_fields["operating_points"]
        never = {profile: [None] * 6 for profile in point["thresholds"]}
        model = write_tiny_model(Path("model"), operating_points=[{**point, "thresholds": never}]).path

        outcome = cli("explain", photo, "--model", model)

        assert (outcome.status, outcome.stdout) == (0, "")
        assert outcome.stderr == f"{photo}: no tag reaches its threshold. Choose one with --tag\n"

    def test_an_empty_map_is_said_to_be_empty(self, explain, photo: Path, monkeypatch):
        monkeypatch.setattr("vectortag.model.head.Head.maps", lambda *_: np.zeros((1, 8, 8), np.float32))

        outcome = explain(photo, "--tag", "dog")

        assert outcome.status == 0
        assert outcome.stderr == "dog: no part of the photo supports it; the heat map is empty\n"


class TestFailures:
    def test_one_file_cannot_hold_several_maps(self, explain, photo: Path):
        outcome = explain(photo, "--output", "map.png")

        assert (outcome.status, outcome.stdout) == (2, "")
        assert "map.png: one file cannot hold several heat maps" in outcome.stderr
        assert pngs(Path()) == set()

    def test_an_unknown_tag_is_wrong_usage(self, explain, photo: Path):
        outcome = explain(photo, "--tag", "sea", "--tag", "beech")

        assert (outcome.status, outcome.stdout) == (2, "")
        assert outcome.stderr == (
            'error: model "tiny": no tag "beech". Did you mean "beach"? All tags: vectortag inspect tiny\n'
        )
        assert pngs(Path()) == set()

    @pytest.mark.parametrize("name", ["broken.jpg", "x[/y].jpg"])
    def test_a_broken_photo_is_an_error_that_names_it(self, explain, photo: Path, name):
        broken = Path(name)
        broken.parent.mkdir(exist_ok=True)
        broken.write_text("not a photo")

        outcome = explain(broken, "--tag", "sea")

        assert (outcome.status, outcome.stdout) == (1, "")
        assert outcome.stderr.startswith(f"error: {name}: not a photo in a known format")

    def test_a_file_is_no_folder_for_maps(self, explain, photo: Path):
        outcome = explain(photo, "--tag", "sea", "--output", photo / "maps")

        assert (outcome.status, outcome.stdout) == (1, "")
        assert "cannot be written: Not a directory" in outcome.stderr

    def test_nothing_half_written_stays(self, explain, photo: Path, monkeypatch):
        def save(image: Image.Image, file: Any, form: str, **_: Any) -> None:
            file.write(b"half")
            raise KeyboardInterrupt

        monkeypatch.setattr(Image.Image, "save", save)

        assert explain(photo, "--tag", "sea", "--output", "maps").status == 130
        assert list(Path("maps").iterdir()) == []


class TestManyPhotos:
    @pytest.fixture
    def folder(self, photo: Path, make_photo: MakePhoto, tmp_path: Path) -> Path:
        """Two photos called beach, one in a folder below, and one that is none."""
        (tmp_path / "photos/day").mkdir(parents=True)
        for name, seed in {"beach.jpg": 1, "beach.png": 2, "day/hill.jpg": 3}.items():
            make_photo(f"{seed}.jpg", seed=seed).rename(tmp_path / "photos" / name)
        (tmp_path / "photos/day/broken.jpg").write_text("no photo")
        return Path("photos")

    def test_each_has_its_own_files_in_its_own_folder_and_a_broken_one_is_named(self, explain, folder: Path):
        outcome = explain(folder, "--tag", "sea", "--output", "maps")

        assert outcome.status == 1
        assert outcome.stdout.split() == ["maps/beach.sea.png", "maps/beach.png.sea.png", "maps/day/hill.sea.png"]
        assert "photos/day/broken.jpg: " in outcome.stderr
        for file in outcome.stdout.split():
            assert pixels(Path(file)).ndim == 3

    def test_photos_of_one_name_have_maps_of_several_on_every_file_system(
        self, explain, make_photo: MakePhoto, tmp_path: Path
    ):
        photos = [make_photo(name) for name in ("a/hill.jpg", "b/hill.jpg", "c/hill.jpg", "d/Hill.png")]

        outcome = explain(*photos, "--tag", "sea", "--output", tmp_path / "maps")

        assert [Path(name).name for name in outcome.stdout.split()] == [
            "hill.sea.png",
            "hill.jpg.sea.png",
            "hill.jpg-2.sea.png",
            "Hill.png.sea.png",
        ]

    def test_all_maps_are_one_file_of_numbers_a_photo(self, explain, folder: Path, tagger: Tagger):
        outcome = explain(folder / "beach.png", "--all", "--output", "maps")

        assert outcome.stdout == "maps/beach.maps.safetensors\n"
        analysis = tagger.analyse(folder / "beach.png")
        with safe_open("maps/beach.maps.safetensors", "numpy") as stored:
            metadata, maps, scores = stored.metadata(), stored.get_tensor("maps"), stored.get_tensor("scores")
        assert json.loads(metadata["tags"]) == list(tagger.tags)
        assert (metadata["path"], metadata["model"]) == ("photos/beach.png", tagger.id)
        assert (metadata["runtime"], metadata["precision"]) == ("openvino", "f32")
        np.testing.assert_allclose(maps, [one.values for one in analysis.heatmaps()], atol=2e-3)
        np.testing.assert_allclose(scores, [one.score for one in analysis.tagging.scores], atol=1e-5)

    def test_without_a_folder_for_them_several_photos_are_refused(self, explain, folder: Path):
        outcome = explain(folder, "--tag", "sea")

        assert outcome.status == 2
        assert "4 photos: give a folder for the heat maps with --output" in outcome.stderr

    def test_all_and_one_tag_contradict_each_other(self, explain, photo: Path):
        outcome = explain(photo, "--all", "--tag", "sea")

        assert outcome.status == 2
        assert "--all and --tag cannot be combined" in outcome.stderr

    def test_a_folder_without_photos_needs_no_output(self, explain, tmp_path: Path):
        empty = tmp_path / "empty"
        empty.mkdir()

        outcome = explain(empty)

        assert (outcome.status, outcome.stdout) == (0, "")
        assert outcome.stderr.startswith("no photos in ")
