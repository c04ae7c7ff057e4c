"""Problem documents, RFC 9457."""

from __future__ import annotations

import json

import pytest

problems = pytest.importorskip("vectortag.apps.server.problems")


def test_a_problem_is_a_document_with_its_status_and_its_headers():
    response = problems.Problem(503, "busy", "Try again later", headers={"Retry-After": "1"}).response()

    assert (response.status_code, response.media_type) == (503, "application/problem+json")
    assert response.headers["retry-after"] == "1"
    assert json.loads(response.body) == {
        "type": "urn:vectortag:busy",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "Try again later",
    }


@pytest.mark.parametrize(
    ("status", "phrase"), [(404, "Not Found"), (413, "Content Too Large"), (422, "Unprocessable Content")]
)
def test_phrases_are_those_of_rfc_9110_in_every_python(status: int, phrase: str):
    assert problems.phrase(status) == phrase


def test_declared_statuses_refer_to_the_document():
    declared = problems.declared(401, 413)

    assert list(declared) == [401, 413]
    assert declared[413]["description"] == "Content Too Large"
    assert declared[413]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
    }
