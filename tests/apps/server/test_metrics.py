"""The metrics that Prometheus reads."""

from __future__ import annotations


def test_the_metrics_count(serve_tiny, cat):
    started = serve_tiny()
    started.form("/v1/tag", ("photos", cat), ("photos", b"?"))
    started.post("/v1/tag", b"?")
    started.ask("GET", "/nowhere/secret.jpg")

    text = started.ask("GET", "/metrics").body.decode()

    for line in (
        'vectortag_requests_total{method="POST",route="/v1/tag",status="200"} 1.0',
        'vectortag_requests_total{method="GET",route="unknown",status="404"} 1.0',
        'vectortag_photos_total{outcome="tagged"} 1.0',
        'vectortag_photos_total{outcome="failed"} 2.0',
        'vectortag_errors_total{kind="unreadable-photo"} 1.0',
        "vectortag_batch_size_count 1.0",
        "vectortag_queue_photos 0.0",
        "vectortag_queue_bytes 0.0",
    ):
        assert line in text.splitlines()
    assert 'vectortag_request_seconds_count{route="/v1/tag"} 2.0' in text
    assert "secret" not in text
