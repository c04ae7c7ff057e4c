"""The pointing game: what counts as a hit, and what a COCO-style file and a data set become."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from vectortag.inference.tagger import Tagger

SIZE = (80, 60)


@pytest.fixture(scope="module")
def pointing() -> ModuleType:
    """benchmarks/pointing.py, which is no part of the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        module = importlib.import_module("pointing")
        yield module
        for name in ("pointing", "measuring"):
            sys.modules.pop(name, None)


def warm_at(row: int, column: int) -> np.ndarray:
    """(6, 8): one warm cell of 10 x 10 pixels; its middle is the maximum."""
    heatmap = np.zeros((6, 8), np.float32)
    heatmap[row, column] = 1
    return heatmap


class TestHits:
    @pytest.mark.parametrize(
        ("box", "tolerance", "hit"),
        [
            ((30, 20, 40, 30), 0, True),
            ((50, 20, 60, 30), 0, False),
            ((49, 20, 60, 30), 15, True),  # the maximum is at (34.5, 24.5)
            ((51, 20, 60, 30), 15, False),
            ((30, 40.5, 40, 50), 15, False),
        ],
    )
    def test_a_hit_is_a_maximum_at_most_so_far_from_a_box(self, pointing, box, tolerance, hit):
        assert pointing.judge(warm_at(2, 3), SIZE, [box], tolerance).hit is hit

    def test_any_box_of_the_tag_will_do(self, pointing):
        assert pointing.judge(warm_at(2, 3), SIZE, [(0, 0, 5, 5), (30, 20, 40, 30)], 0).hit

    def test_an_empty_map_hits_nothing(self, pointing):
        judged = pointing.judge(np.zeros((6, 8), np.float32), SIZE, [(0, 0, *SIZE)], 15)

        assert (judged.hit, judged.empty, judged.inside, judged.boxes) == (False, True, 0, 1)

    def test_shares_are_of_the_map_as_it_is_drawn(self, pointing):
        even = pointing.judge(np.full((6, 8), 0.7, np.float32), SIZE, [(0, 0, 20, 30)], 0)
        sharp = pointing.judge(warm_at(2, 3), SIZE, [(30, 20, 40, 30)], 0)

        assert (even.inside, even.boxes, even.hot) == (pytest.approx(1 / 8), 1 / 8, 1)
        assert sharp.inside > 0.4
        assert sharp.hot < 0.03


class TestCoco:
    @pytest.fixture
    def boxes(self, make_photo: Callable[..., Path], tmp_path: Path) -> Path:
        """Two photos with boxes of dogs, a ship and a kite, which is no tag; a third one with nothing."""
        for number in (1, 2, 3):
            make_photo(f"photos/{number}.jpg", size=SIZE, seed=number)
        names = {7: "dog", 8: "ship", 9: "kite"}
        annotations = [(1, 7, [0, 0, 80, 60]), (1, 7, [5, 5, 10, 10]), (1, 9, [0, 0, 4, 4]), (2, 8, [70, 50, 10, 10])]
        content = {
            "images": [{"id": n, "file_name": f"{n}.jpg", "width": 80, "height": 60} for n in (1, 2, 3)],
            "categories": [{"id": key, "name": name, "supercategory": "thing"} for key, name in names.items()],
            "annotations": [
                {"id": place, "image_id": photo, "category_id": category, "bbox": box, "iscrowd": 0}
                for place, (photo, category, box) in enumerate(annotations)
            ],
        }
        file = tmp_path / "instances.json"
        file.write_text(json.dumps(content))
        return file

    def test_boxes_are_those_of_the_model_s_tags(self, pointing, boxes, tagger):
        taxonomy = tagger.folder.manifest.taxonomy

        one, other = pointing.read_boxes(boxes, boxes.parent / "photos", taxonomy, tagger.tags, "coco")

        assert one.boxes == {"dog": [(0, 0, 80, 60), (5, 5, 15, 15)]}
        assert other.boxes == {"boat": [(70, 50, 80, 60)]}
        assert (one.photo.name, one.tolerance) == ("1.jpg", 15)

    def test_a_row_for_each_size_counts_the_hits(self, pointing, boxes, tiny_model, tmp_path, monkeypatch, capsys):
        options = ["--photos", tmp_path / "photos", "--boxes", boxes, "--models", tiny_model, "--sizes", 32, 64]
        options += ["--least", 1, "--json", tmp_path / "out.json"]
        monkeypatch.setattr(sys, "argv", ["pointing.py", *map(str, options)])

        pointing.main()

        rows = json.loads((tmp_path / "out.json").read_text())["rows"]
        tagger = Tagger.load(tiny_model)
        for row, fine in zip(rows, (False, True), strict=True):
            boat = tagger.explain(tmp_path / "photos/2.jpg", "boat", fine=fine).values
            drawn = np.asarray(Image.fromarray(boat).resize(SIZE, Image.Resampling.BILINEAR))
            y, x = np.unravel_index(drawn.argmax(), drawn.shape)
            hits = 1 + (x >= 55 and y >= 35)  # the dog's box is the whole photo
            assert (row["overall"], row["by tag"], row["maps"], row["tags"]) == (50 * hits, 50 * hits, 2, 2)
        assert [row["size"] for row in rows] == [32, 64]
        assert f"| {tagger.folder.id} | 64 |" in capsys.readouterr().out


def test_in_a_collage_a_tag_takes_part_that_one_photo_of_four_has(pointing, make_data_set, tagger, tmp_path):
    tags = {"1.jpg": "puppy", "2.jpg": "dog", "3.jpg": "boat", "4.jpg": "sea, animal", "5.jpg": "beach"}
    data = make_data_set(tags, splits=dict.fromkeys(tags, "val") | {"5.jpg": "train"})

    (scene,) = pointing.make_collages(data / "metadata.csv", tmp_path, tagger.folder.manifest.taxonomy, tagger.tags)

    assert set(scene.boxes) == {"boat", "sea"}  # two show a dog, and three an animal
    with Image.open(scene.photo) as collage:
        assert collage.size == (512, 512)
        for tag, photo in (("boat", "3.jpg"), ("sea", "4.jpg")):
            ((left, top, right, bottom),) = scene.boxes[tag]
            quarter = np.asarray(collage.crop((left, top, right, bottom)))
            with Image.open(data / photo) as own:
                np.testing.assert_array_equal(quarter, np.asarray(own.convert("RGB").resize((256, 256))))
