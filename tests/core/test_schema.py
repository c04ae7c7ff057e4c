"""What is wrong with a file is said by its place, with what was expected and what came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from msgspec import Meta, field

from vectortag.core.schema import Finite, Positive, Schema, SchemaError, from_json, from_plain, to_json, to_plain


class Wheel(Schema, frozen=True, kw_only=True):
    spokes: Positive
    made_of: Literal["steel", "wood"] = "wood"


class Cart(Schema, frozen=True, kw_only=True):
    name: Annotated[str, Meta(pattern=r"^\w+\Z")]
    wheels: tuple[Wheel, ...] = ()
    spare: Mapping[str, tuple[Wheel, ...]] = field(default_factory=dict)
    loads: Mapping[Literal["hay", "wood"], Finite | None] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.wheels) == 3:
            raise ValueError("a cart on three wheels")


class Barn(Schema, frozen=True, kw_only=True):
    carts: Mapping[str, Cart]


OAK = {"spokes": 8}

WRONG = [
    ({}, "name: expected a value, got none"),
    ({"name": 3}, "name: expected `str`, got 3"),
    ({"name": "a b"}, r"name: expected `str` matching regex '^\\w+\\Z', got 'a b'"),
    ({"name": "a", "wheels": [OAK, {"spokes": 0}]}, "wheels.1.spokes: expected `int` >= 1, got 0"),
    ({"name": "a", "wheels": [OAK, {}]}, "wheels.1.spokes: expected a value, got none"),
    ({"name": "a", "wheels": {}}, "wheels: expected `array`, got {}"),
    (
        {"name": "a", "wheels": [{**OAK, "made_of": "tin"}]},
        "wheels.0.made_of: expected 'steel' or 'wood', got 'tin'",
    ),
    ({"name": "a", "wheels": [OAK] * 3}, "a cart on three wheels"),
    (
        {"name": "a", "spare": {"in front": [OAK], "be.hind": [OAK, {"spokes": True}], "top": [{"spokes": True}]}},
        "spare.be.hind.1.spokes: expected `int`, got True",
    ),
    (
        {"name": "a", "spare": {"in front": [{**OAK, "hub": 1}]}},
        'unknown key "spare.in front.0.hub". Keys allowed there: spokes, made_of',
    ),
    ({"name": "a", "loads": {"coal": 1}}, "loads: expected 'hay' or 'wood', got 'coal'"),
    ({"name": "a", "loads": {"hay": 1, "wood": "much"}}, "loads.wood: expected `float | null`, got 'much'"),
    ({"name": "a", "loads": {"hay": float("nan")}}, "loads.hay: expected a finite number, got nan"),
    (
        {"name": "a", "wheel": []},
        'unknown key "wheel". Keys allowed there: name, wheels, spare, loads, notes',
    ),
]


@pytest.mark.parametrize(("fields", "problem"), WRONG)
def test_the_place_and_what_came_are_said_however_it_is_read(fields: dict[str, Any], problem: str):
    for read in (lambda: from_plain(Cart, fields), lambda: from_json(Cart, json.dumps(fields))):
        with pytest.raises(SchemaError) as refusal:
            read()
        assert str(refusal.value) == problem


@pytest.mark.parametrize(("fields", "problem"), [one for one in WRONG if "name" in one[0] and "wheel" not in one[0]])
def test_a_value_that_is_made_by_hand_is_checked_too(fields: dict[str, Any], problem: str):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        Cart(**fields)

    assert str(refusal.value) == problem


def test_a_problem_of_a_whole_value_is_said_with_the_place_of_that_value():
    good, wrong = {"name": "a"}, {"name": "b", "wheels": [OAK] * 3}

    with pytest.raises(SchemaError, match=r"^carts\.second: a cart on three wheels$"):
        from_plain(Barn, {"carts": {"first": good, "second": wrong}})


@pytest.mark.parametrize("text", ["", "{", b"\xff"])
def test_text_that_is_no_json_is_refused(text: str | bytes):
    with pytest.raises(SchemaError, match=r"^not JSON: "):
        from_json(Cart, text)


def test_a_value_is_the_same_after_json_and_its_fields_keep_their_order():
    cart = Cart(name="a", wheels=[OAK], loads={"hay": 2}, notes={"built": [1, None, {"by": "me"}]})

    assert from_json(Cart, to_json(cart)) == from_plain(Cart, to_plain(cart)) == cart
    assert cart.wheels == (Wheel(spokes=8),)
    assert list(to_plain(cart)) == ["name", "wheels", "spare", "loads", "notes"]
    assert to_json(cart.wheels[0]) == '{"spokes":8,"made_of":"wood"}'


class Version(str):
    """As torch has its own."""

    __slots__ = ()


def test_numbers_of_numpy_and_special_texts_are_written_as_plain_ones_and_what_is_no_number_as_null():
    notes = {"mean": np.float64(0.5), "made by": Version("2.6"), "worst": float("nan"), "best": float("inf")}

    assert to_plain(Cart(name="a", notes=notes))["notes"] == {
        "mean": 0.5,
        "made by": "2.6",
        "worst": None,
        "best": None,
    }


def test_a_key_that_is_no_text_is_refused():
    with pytest.raises(SchemaError, match=r"^notes: expected `str`, got `int`$"):
        Cart(name="a", notes={1: 2})


def test_what_has_no_form_in_json_is_not_written():
    with pytest.raises(TypeError, match="ndarray cannot be written as JSON"):
        to_json(Cart(name="a", notes={"all": np.zeros(2)}))
