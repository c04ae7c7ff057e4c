"""The health checks."""

from __future__ import annotations


def test_they_say_ok(server):
    assert server.ask("GET", "/healthz").json == server.ask("GET", "/readyz").json == {"status": "ok"}


def test_a_service_whose_model_died_is_not_ready(serve_tiny, cat):
    started = serve_tiny()

    started.service.default.close()

    assert started.ask("GET", "/readyz").kind == "not-ready"
    assert started.ask("GET", "/healthz").status == 200
