"""The service keeps to its own OpenAPI document, whatever it is sent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

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


def test_every_reference_leads_somewhere(document):
    references = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))

    assert set(references) == set(document["components"]["schemas"])


def test_answers_have_examples(document):
    schemas = document["components"]["schemas"]

    for name in ("ScoredTag", "PhotoResult", "ModelSummary", "AddedTagAnswer", "ProblemDocument"):
        assert "examples" in json.dumps(schemas[name]), name


def test_schemathesis_finds_no_crash_and_no_undeclared_answer(serve, tmp_path, need_module):
    """Every check but one: a body of random bytes fits the document, and is no photo, so it is refused."""
    need_module("schemathesis")
    from vectortag.apps.server.auth import new_key, read_keys

    key = new_key(tmp_path / "keys", "schemathesis")
    started = serve(access={"keys": read_keys(tmp_path / "keys")})
    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{started.address}/openapi.json"]
    options = ["--header", f"Authorization: Bearer {key}", "--exclude-checks", "positive_data_acceptance"]
    settings = ["--max-examples", "5", "--seed", "1", "--suppress-health-check", "all", "--no-color"]

    outcome = subprocess.run([*command, *options, *settings], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stdout
    assert "9 selected / 9 total" in outcome.stdout
    assert started.metric('vectortag_requests_total{method="POST",route="/v1/tag",status="200"}', key) > 0
    assert started.metric('vectortag_requests_total{method="POST",route="/v1/tag",status="500"}', key) == 0
