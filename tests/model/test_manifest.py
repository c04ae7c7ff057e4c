"""The manifest's schema: strict, and every list as long as the tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import ShapeError
from vectortag.core.schema import SchemaError, from_json, to_json, to_plain
from vectortag.model.manifest import Manifest, OperatingPoint

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def fields(tiny_fields: Mapping[str, Any]) -> dict[str, Any]:
    """A whole manifest as it is read from JSON, to be spoilt by the tests."""
    head = [{"kind": "mlp", "tags": 4}, {"kind": "linear", "tags": 2}]
    manifest = Manifest(**tiny_fields, head=head, files={"model.onnx": "0" * 64})
    return to_plain(manifest)


def refused(fields: dict[str, Any]) -> str:
    """The first reason why a manifest is refused."""
    with pytest.raises(SchemaError) as caught:
        from_json(Manifest, json.dumps(fields))
    return str(caught.value)


def test_a_manifest_is_the_same_after_json(fields: dict[str, Any]):
    manifest = from_json(Manifest, json.dumps(fields))

    assert from_json(Manifest, to_json(manifest)) == manifest


def test_a_tag_without_a_threshold_gets_nan(fields: dict[str, Any]):
    fields["operating_points"][0]["thresholds"]["precise"] = [0.25, None, 0.5, None, 0.75, 1.0]

    point = Manifest(**fields).operating_points[0]
    stored = OperatingPoint.of(point.size, point.calibration)
    assert stored.thresholds["precise"] == pytest.approx(point.thresholds["precise"])
    assert (stored.slope, stored.bias) == (pytest.approx(point.slope), pytest.approx(point.bias))

    thresholds = point.calibration.thresholds["precise"]

    assert thresholds.dtype == np.float32
    np.testing.assert_array_equal(thresholds, np.float32([0.25, np.nan, 0.5, np.nan, 0.75, 1.0]))


@pytest.fixture
def three_sizes(fields: dict[str, Any]) -> Manifest:
    """48 pixels by default; 32 and 64, too."""
    (point,) = fields["operating_points"]
    return Manifest(**{**fields, "operating_points": [{**point, "size": size} for size in (48, 64, 32)]})


def test_the_first_size_is_that_of_all_profiles_but_thorough(three_sizes: Manifest):
    sizes = {profile: three_sizes.point_for(profile).size for profile in ("precise", "balanced", "thorough")}

    assert three_sizes.sizes == (48, 64, 32)
    assert sizes == {"precise": 48, "balanced": 48, "thorough": 64}


def test_a_size_that_is_not_offered_is_an_error_that_names_the_others(three_sizes: Manifest):
    assert three_sizes.operating_point(32).size == 32
    with pytest.raises(ShapeError, match=r'model "tiny": no input size of 224 pixels\. It offers: 48, 64, 32'):
        three_sizes.operating_point(224)


def test_a_size_stands_once(fields: dict[str, Any]):
    fields["operating_points"] *= 2

    assert "operating_points has one input size twice" in refused(fields)


def test_a_network_of_one_size_offers_one(fields: dict[str, Any]):
    (point,) = fields["operating_points"]
    fields["backbone"]["any_size"] = False
    fields["operating_points"].append({**point, "size": 64})

    assert "the network takes one input size only" in refused(fields)


def test_a_data_set_is_found_by_its_name(fields: dict[str, Any]):
    info = {"name": "coco", "train_photos": 3, "known": ["dog"], "validation": ["0123456789abcdef"]}

    manifest = Manifest(**{**fields, "data_sets": [info]})

    assert manifest.data_set("coco") == manifest.data_sets[0]
    assert manifest.data_set("corel5k") is None


@pytest.mark.parametrize("where", [(), ("backbone",), ("pixels",), ("head", 0), ("operating_points", 0), ("taxonomy",)])
def test_an_unknown_key_is_refused_at_every_level(fields: dict[str, Any], where: tuple[str | int, ...]):
    inner: Any = fields
    for step in where:
        inner = inner[step]
    inner["extra"] = 1

    assert refused(fields).startswith(f'unknown key "{".".join(map(str, (*where, "extra")))}". Keys allowed there: ')


def test_no_tag_stands_twice(fields: dict[str, Any]):
    fields["tags"][1] = "animal"

    assert "tags has one tag twice" in refused(fields)


def test_the_heads_blocks_have_as_many_tags_as_the_manifest(fields: dict[str, Any]):
    fields["head"][1]["tags"] = 3

    assert "the head's blocks have 7 tags, the manifest 6" in refused(fields)


@pytest.mark.parametrize("name", ["slope", "bias"])
@pytest.mark.parametrize("change", [list.pop, lambda numbers: numbers.append(0.5)], ids=["short", "long"])
def test_calibration_has_one_number_for_each_tag(fields: dict[str, Any], name: str, change: Change):
    change(fields["operating_points"][0][name])

    assert f"operating point 32: {name} has not one number for each of 6 tags" in refused(fields)


@pytest.mark.parametrize("profile", ["precise", "balanced", "thorough"])
def test_every_profile_has_one_threshold_for_each_tag(fields: dict[str, Any], profile: str):
    fields["operating_points"][0]["thresholds"][profile].pop()

    assert f"operating point 32: {profile} has not one number for each of 6 tags" in refused(fields)


def test_no_profile_is_left_out(fields: dict[str, Any]):
    del fields["operating_points"][0]["thresholds"]["thorough"]

    assert "thresholds at size 32: expected the profiles precise, balanced, thorough" in refused(fields)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_are_finite(fields: dict[str, Any], number: float):
    fields["operating_points"][0]["slope"][0] = number

    problem = f"slope.0: expected a finite number, got {number}"
    assert refused(fields) == f"operating_points.0.{problem}"
    with pytest.raises(SchemaError, match=f"^{problem}$"):
        OperatingPoint(**fields["operating_points"][0])


def test_a_number_too_large_for_a_float_is_not_finite(fields: dict[str, Any]):
    text = to_json(Manifest(**fields)).replace('"bias":[-9.0', '"bias":[-1e999')

    with pytest.raises(SchemaError, match=r"^operating_points\.0\.bias\.0: expected a finite number, got -inf$"):
        from_json(Manifest, text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_figure_is_null_where_it_is_no_number(fields: dict[str, Any], number: str):
    text = to_json(Manifest(**{**fields, "metrics": {"map": float("nan")}}))

    assert from_json(Manifest, text).metrics == {"map": None}
    with pytest.raises(SchemaError, match=r"malformed|out of range"):
        from_json(Manifest, text.replace('"map":null', f'"map":{number}'))


@pytest.mark.parametrize("name", ["", ".hidden", "../tiny", "a/b", "my model", "line\n"])
def test_a_name_can_be_a_folders_name(fields: dict[str, Any], name: str):
    fields["name"] = name

    assert refused(fields).startswith("name: expected `str` matching regex")


@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "A" * 64, "0" * 64 + "\n"])
def test_a_hash_is_64_hex_digits(fields: dict[str, Any], digest: str):
    fields["files"]["model.onnx"] = digest

    assert refused(fields).startswith("files.model.onnx: expected `str` matching regex")


@pytest.mark.parametrize("key", ["tags", "head", "operating_points"])
def test_no_list_is_empty(fields: dict[str, Any], key: str):
    fields[key] = []

    assert refused(fields) == f"{key}: expected `array` of length >= 1, got []"


def test_a_manifest_does_not_change(fields: dict[str, Any]):
    with pytest.raises(AttributeError, match="immutable"):
        Manifest(**fields).name = "other"
