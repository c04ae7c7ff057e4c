"""COCO's JSON: instances and captions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vectortag.core.errors import DataError
from vectortag.data.formats.convert import convert

INSTANCES: dict[str, Any] = {
    "info": {"year": 2017},
    "images": [{"id": 7, "file_name": "7.jpg", "width": 64}, {"id": 8, "file_name": "8.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 18, "segmentation": [[1, 2, 3]], "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 18},
        {"id": 3, "image_id": 7, "category_id": 2},
    ],
    "categories": [{"id": 18, "name": "dog"}, {"id": 2, "name": "traffic light"}, {"id": 3, "name": "cat"}],
}


def test_categories_become_words_and_a_photo_without_any_is_a_row(write, make_photo, read, tmp_path):
    for name in ("7.jpg", "8.jpg"):
        make_photo(f"set/{name}")

    done = convert(write("set/_annotations.coco.json", INSTANCES), output=tmp_path / "set" / "metadata.csv")

    assert read(done.output) == {"7.jpg": ({"dog", "traffic light"}, None), "8.jpg": (set(), None)}
    assert (done.format, done.photos, done.words, done.parts) == (("coco",), 2, 2, {})
    assert (tmp_path / "set" / "known_tags.txt").read_text() == "dog\ntraffic light\ncat\n"


def test_the_folders_of_coco_are_found_and_its_parts_are_the_column_split(write, make_photo, read, tmp_path):
    sources = []
    for part, name in (("train2017", "1.jpg"), ("val2017", "2.jpg")):
        make_photo(f"{part}/{name}")
        content = {**INSTANCES, "images": [{"id": 7, "file_name": name}]}
        sources.append(write(f"annotations/instances_{part}.json", content))

    done = convert(*sources, output=tmp_path / "coco" / "metadata.csv")

    assert read(done.output) == {
        name: ({"dog", "traffic light"}, part) for part, name in (("train", "1.jpg"), ("val", "2.jpg"))
    }
    assert done.parts == {"train": 1, "val": 1}


def test_captions_give_the_names_that_the_taxonomy_knows(write, make_photo, read, tmp_path):
    make_photo("7.jpg")
    sentences = ["Two dogs run on the beach.", "A brown dog; qwertz!"]
    annotations = [{"image_id": 7, "caption": sentence} for sentence in sentences]

    done = convert(
        write("captions.json", {"images": INSTANCES["images"][:1], "annotations": annotations}),
        output=tmp_path / "metadata.csv",
    )

    ((words, _),) = read(done.output).values()
    assert {"dog", "beach"} <= words
    assert not words & {"qwertz", "a", "two"}
    assert not (tmp_path / "known_tags.txt").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"annotations": [{"image_id": 9, "category_id": 2}]}, r"annotations\[0\]: image_id 9 is none of the 2 images"),
        ({"annotations": [{"image_id": 7, "category_id": 99}]}, r"annotations\[0\]: category_id 99 is none of the 3"),
        ({"images": [{"id": 7, "file_name": "../../etc/passwd"}]}, r"images\[0\]: \.\./\.\./etc/passwd is not below"),
        ({"images": [{"id": 7, "file_name": "/etc/passwd"}]}, r"/etc/passwd is not below .*Pass --photos"),
        ({"images": []}, "images: expected at least one, got none"),
        ({"images": 3}, "not COCO's JSON: images"),
        ({"images": [{"id": 7}]}, r"not COCO's JSON: images.*file_name"),
        ({"categories": [{"id": 2, "name": "a\nb"}]}, "expected a word of 1 to"),
        ({"images": [{"id": 7, "file_name": "7.jpg"}, {"id": 8, "file_name": "gone.jpg"}]}, "gone.jpg is not there"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(write, make_photo, tmp_path, change, problem):
    make_photo("7.jpg")

    with pytest.raises(DataError, match=problem):
        convert(write("coco.json", {**INSTANCES, **change}), output=tmp_path / "metadata.csv")

    assert not (tmp_path / "metadata.csv").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"images": [' + "[" * 100_000, "\x00" * 50, '{"images": NaN}'])
def test_a_file_that_is_no_json_of_coco_is_refused(write, tmp_path, text):
    with pytest.raises(DataError, match=r"coco\.json: not COCO's JSON"):
        convert(write("coco.json", text), output=tmp_path / "metadata.csv")


def test_bad_entries_can_be_left_out(write, make_photo, read, tmp_path, caplog):
    make_photo("7.jpg")
    content = json.loads(json.dumps(INSTANCES))
    content["annotations"].append({"image_id": 9, "category_id": 2})

    done = convert(write("coco.json", content), output=tmp_path / "metadata.csv", skip_bad_rows=True)

    assert list(read(done.output)) == ["7.jpg"]
    assert len(done.left_out) == 2
    assert "8.jpg is not there" in caplog.text


def test_the_segments_of_a_panoptic_file_are_words_too(write, make_photo, read, tmp_path):
    make_photo("7.jpg")
    segments = [{"id": 1, "category_id": 18}, {"id": 2, "category_id": 3}]
    annotations = [{"image_id": 7, "file_name": "7.png", "segments_info": segments}]

    done = convert(
        write("panoptic.json", {**INSTANCES, "images": INSTANCES["images"][:1], "annotations": annotations}),
        output=tmp_path / "metadata.csv",
    )

    assert read(done.output) == {"7.jpg": ({"dog", "cat"}, None)}


def test_a_byte_order_mark_before_the_json_does_not_matter(write, make_photo, read, tmp_path):
    make_photo("7.jpg")
    content = json.dumps({**INSTANCES, "images": INSTANCES["images"][:1]})

    done = convert(write("labels.json", "\ufeff" + content), output=tmp_path / "metadata.csv")

    assert read(done.output) == {"7.jpg": ({"dog", "traffic light"}, None)}
