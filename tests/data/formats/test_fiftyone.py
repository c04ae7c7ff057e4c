"""Exports of FiftyOne, as its documentation describes their files."""

from __future__ import annotations

import pytest

from vectortag.core.errors import DataError
from vectortag.data.formats.convert import convert

SAMPLES = {
    "samples": [
        {
            "filepath": "data/1.jpg",
            "tags": ["train"],
            "ground_truth": {
                "_cls": "Detections",
                "detections": [{"label": "dog"}, {"label": "cat"}, {"label": "dog"}],
            },
            "predictions": {"_cls": "Detections", "detections": [{"label": "horse"}]},
            "weather": {"_cls": "Classification", "label": "sunny"},
        },
        {
            "filepath": "data/2.jpg",
            "tags": ["validation", "hard"],
            "ground_truth": {"_cls": "Classifications", "classifications": [{"label": "sea"}]},
        },
    ]
}


@pytest.fixture(autouse=True)
def _photos(make_photo):
    for name in ("1.jpg", "2.jpg"):
        make_photo(f"set/data/{name}")


def test_the_fields_of_samples_are_words_and_their_tags_are_parts(write, read, tmp_path):
    write("set/samples.json", SAMPLES)

    done = convert(tmp_path / "set", output=tmp_path / "metadata.csv")

    assert read(done.output) == {"1.jpg": ({"dog", "cat", "sunny"}, "train"), "2.jpg": ({"sea"}, "val")}
    assert done.format == ("fiftyone",)


@pytest.mark.parametrize(
    "labels",
    [
        {"1": 0, "2": [1]},
        {"1": "dog", "2": ["sea"]},
        {"1": [{"label": 0, "bounding_box": [0, 0, 1, 1]}], "2": [{"label": 1}]},
        {"1": {"label": "dog", "confidence": 1.0}, "2": {"label": "sea"}},
    ],
    ids=["numbers", "words", "detections", "objects"],
)
def test_labels_of_classification_and_detection_are_read(write, read, tmp_path, labels):
    write("set/labels.json", {"classes": ["dog", "sea", "cat"], "labels": labels})

    done = convert(tmp_path / "set", output=tmp_path / "metadata.csv")

    assert read(done.output) == {"1.jpg": ({"dog"}, None), "2.jpg": ({"sea"}, None)}
    assert (tmp_path / "known_tags.txt").read_text() == "dog\nsea\ncat\n"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("labels.json", {"classes": ["dog"], "labels": {"1": 7}}, "class 7 is none of the 1 classes"),
        ("labels.json", {"classes": ["dog"], "labels": {"1": 1.5}}, "expected a word of 1 to"),
        ("labels.json", {"labels": {"gone": "dog"}}, "gone is not there"),
        ("labels.json", {"labels": {"../1": "dog"}}, r"\.\./1 is not below"),
        ("labels.json", {"labels": []}, "not an export of FiftyOne: labels"),
        ("samples.json", {"samples": [{"filepath": "/etc/passwd"}]}, "/etc/passwd is not below"),
        ("samples.json", {"samples": [{}]}, r"samples\[0\]: expected the name of a photo, got ''"),
        ("samples.json", {"samples": {}}, "not an export of FiftyOne: samples"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(write, tmp_path, name, content, problem):
    write(f"set/{name}", content)

    with pytest.raises(DataError, match=problem):
        convert(tmp_path / "set", output=tmp_path / "metadata.csv")


def test_outlines_and_points_have_words_and_a_label_may_be_missing(write, read, tmp_path):
    lanes = {"_cls": "Polylines", "polylines": [{"_cls": "Polyline", "label": "lane"}, {"_cls": "Polyline"}]}
    nose = {"_cls": "Keypoints", "keypoints": [{"_cls": "Keypoint", "label": "nose"}, {"label": None}]}
    sample = {"filepath": "data/1.jpg", "tags": [], "road": lanes, "points": nose, "one": {"_cls": "Detection"}}
    write("set/samples.json", {"samples": [sample]})

    done = convert(tmp_path / "set", output=tmp_path / "metadata.csv")

    assert read(done.output) == {"1.jpg": ({"lane", "nose"}, None)}
