"""What the service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from vectortag.apps.server.limits import Admission
from vectortag.core.errors import PhotoError
from vectortag.core.types import Tagging

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 12, 16)


class Metrics:
    """The counters of one service, in a registry of its own."""

    def __init__(self, admission: Admission) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "vectortag_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "vectortag_request_seconds", "From a request's head to its answer.", ["route"], buckets=SECONDS,
            registry=registry,
        )  # fmt: skip
        self.errors = Counter(
            "vectortag_errors", "Requests refused or failed, by problem.", ["kind"], registry=registry
        )
        self.photos = Counter("vectortag_photos", "Photos tagged, or not readable.", ["outcome"], registry=registry)
        self.batches = Histogram("vectortag_batch_size", "Photos in a batch.", buckets=SIZES, registry=registry)
        self.waiting = Histogram(
            "vectortag_queue_seconds",
            "From a request's last byte to its photos' tags.",
            buckets=SECONDS,
            registry=registry,
        )
        queue = Gauge("vectortag_queue_photos", "Photos in hand: read, and not answered yet.", registry=registry)
        queue.set_function(lambda: admission.photos)
        memory = Gauge("vectortag_queue_bytes", "Bytes of the photos in hand.", registry=registry)
        memory.set_function(lambda: admission.bytes)
        Gauge("vectortag_queue_limit_photos", "Photos in hand at most.", registry=registry).set(admission.limits.queue)

    def tagged(self, results: Sequence[Tagging | PhotoError], seconds: float) -> None:
        """Count the photos of a request, and how long they took together."""
        failed = sum(isinstance(result, PhotoError) for result in results)
        self.photos.labels("failed").inc(failed)
        self.photos.labels("tagged").inc(len(results) - failed)
        self.waiting.observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
