"""The health checks."""

from __future__ import annotations

import pytest


def test_they_say_ok(server):
    assert server.ask("GET", "/healthz").json == server.ask("GET", "/readyz").json == {"status": "ok"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/v1/models", "/metrics"])
def test_head_is_get_without_a_body(server, path):
    head, get = server.ask("HEAD", path), server.ask("GET", path)

    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert "content-length" in head.headers


def test_head_of_what_is_not_there(server):
    assert server.ask("HEAD", "/nowhere").status == 404
    assert server.ask("HEAD", "/v1/tag").status == 405


def test_a_service_whose_model_died_is_not_ready(serve_tiny, cat):
    started = serve_tiny()

    started.service.default.close()

    assert started.ask("GET", "/readyz").kind == "not-ready"
    assert started.ask("GET", "/healthz").status == 200
