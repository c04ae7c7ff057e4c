"""The service keeps to its own OpenAPI document, whatever it is sent."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def document(server) -> dict:
    return server.ask("GET", "/openapi.json").json


def operations(document: dict):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_is_described_with_its_problems(document):
    found = dict(operations(document))

    assert set(found) == {
        "POST /v1/tag",
        "POST /v1/explain",
        "GET /v1/models",
        "GET /v1/models/{name}",
        "POST /v1/tags",
        "DELETE /v1/tags/{name}",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
    }
    for name, operation in found.items():
        assert operation["summary"], name
        assert "500" in operation["responses"], name
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], f"{name}: {status}"


def test_no_shape_has_nobody_to_refer_to(document):
    import json

    text = json.dumps(document)

    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name


def test_answers_have_examples(document):
    schemas = document["components"]["schemas"]

    for name in ("ScoredTag", "TaggedPhoto", "ModelSummary", "AddedTagAnswer", "ProblemDocument"):
        assert "examples" in json_of(schemas[name]), name


def json_of(value: object) -> str:
    import json

    return json.dumps(value)


def test_schemathesis_finds_no_crash_and_no_undeclared_answer(server, document, need_module):
    pass
