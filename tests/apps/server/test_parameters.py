"""The query parameters of each route: what is refused, and what the OpenAPI document says of them."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from vectortag.core.types import Tagging
from vectortag.model.calibration import Profile

parameters = pytest.importorskip("vectortag.apps.server.parameters")
pydantic = pytest.importorskip("pydantic")
QUERIES = [value for _, value in inspect.getmembers(parameters, inspect.isclass) if value.__name__.endswith("Options")]


@pytest.fixture(scope="module")
def described(small: Any) -> dict[str, dict[str, Any]]:
    """By "POST /v1/tag", the schema of each query parameter by name."""
    document = small.ask("GET", "/openapi.json").json
    return {
        f"{method.upper()} {path}": {
            one["name"]: one["schema"] for one in route.get("parameters", []) if one["in"] == "query"
        }
        for path, methods in document["paths"].items()
        for method, route in methods.items()
    }


def test_without_a_query_photos_are_tagged_as_the_library_does():
    given = parameters.TagOptions().model_dump()

    defaults = {name: one.default for name, one in inspect.signature(Tagging.select).parameters.items()}
    assert {name: given[name] for name in ("threshold", "top_k", "all_scores")} == {
        name: defaults[name] for name in ("threshold", "top_k", "all_scores")
    }
    assert given["profile"] == "balanced"
    assert given["model"] is given["language"] is None


@pytest.mark.parametrize("options", QUERIES, ids=lambda options: options.__name__)
def test_a_parameter_that_there_is_not_is_refused_by_every_route(options: Any):
    needed = {"name": "pet"} if "name" in options.model_fields else {}

    assert options(**needed)
    with pytest.raises(pydantic.ValidationError, match="treshold"):
        options(**needed, treshold=0.5)


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ("TagOptions", {"threshold": 1.01}),
        ("TagOptions", {"threshold": float("nan")}),
        ("TagOptions", {"top_k": 0}),
        ("TagOptions", {"top_k": 100_001}),
        ("TagOptions", {"profile": "best"}),
        ("TagOptions", {"language": "x" * 41}),
        ("ExplainOptions", {"opacity": -0.1}),
        ("ExplainOptions", {"form": "gif"}),
        ("ExplainOptions", {"tag": ["dog"] * 1001}),
        ("NewTagOptions", {}),
        ("NewTagOptions", {"name": ""}),
        ("NewTagOptions", {"name": "x" * 61}),
        ("NewTagOptions", {"name": "pet", "parent": ["dog"] * 101}),
    ],
)
def test_a_value_beyond_its_limits_is_refused(options: str, given: dict[str, Any]):
    with pytest.raises(pydantic.ValidationError) as caught:
        getattr(parameters, options)(**given)

    assert caught.value.errors()[0]["loc"][0] == next(reversed(given), "name")


def test_every_parameter_is_described_with_its_limits(described: dict[str, dict[str, Any]]):
    tag = described["POST /v1/tag"]

    assert set(tag) == {"model", "profile", "threshold", "top_k", "all_scores", "language"}
    assert tag["profile"]["enum"] == list(get_args(Profile))
    numbers = next(one for one in tag["threshold"]["anyOf"] if one["type"] == "number")
    assert (numbers["minimum"], numbers["maximum"]) == (0, 1)
    for schema in itertools.chain.from_iterable(route.values() for route in described.values()):
        assert schema.get("description"), schema


@pytest.mark.parametrize("query", ["top_k=0", "threshold=2", "threshold=nan", "profile=best", "colour=red"])
def test_an_option_that_is_none_is_a_problem(small: Any, make_photo: Callable[..., Path], query: str):
    reply = small.post(f"/v1/tag?{query}", make_photo().read_bytes())

    assert (reply.status, reply.kind) == (422, "wrong-parameter")
    assert query.partition("=")[0] in reply.json["detail"]
