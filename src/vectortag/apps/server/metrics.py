"""The metrics of the service, for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from vectortag.apps.server.admission import Admission
from vectortag.core.errors import PhotoError
from vectortag.core.types import Tagging

SECOND_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZE_BUCKETS = (1, 2, 4, 8, 12, 16)


class Metrics:
    """The metrics of one service, in their own registry."""

    def __init__(self, admission: Admission) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "vectortag_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "vectortag_request_seconds",
            "Seconds from the head of a request to its response.",
            ["route"],
            buckets=SECOND_BUCKETS,
            registry=registry,
        )
        self.errors = Counter(
            "vectortag_errors", "Requests refused or failed, by kind of problem.", ["kind"], registry=registry
        )
        self.photos = Counter("vectortag_photos", "Photos tagged or failed.", ["outcome"], registry=registry)
        self.batches = Histogram("vectortag_batch_size", "Photos per batch.", buckets=SIZE_BUCKETS, registry=registry)
        self.waiting = Histogram(
            "vectortag_queue_seconds",
            "Seconds from the last byte of a request to the tags of its photos.",
            buckets=SECOND_BUCKETS,
            registry=registry,
        )
        queue = Gauge(
            "vectortag_queue_photos", "Photos in progress: received, and not answered yet.", registry=registry
        )
        queue.set_function(lambda: admission.photos)
        memory = Gauge("vectortag_queue_bytes", "Bytes of the photos in progress.", registry=registry)
        memory.set_function(lambda: admission.bytes)
        Gauge("vectortag_queue_limit_photos", "Limit of photos in progress.", registry=registry).set(
            admission.limits.queue
        )

    def tagged(self, results: Sequence[Tagging | PhotoError], seconds: float) -> None:
        """Count the photos of a request, and the seconds from its last byte to their tags."""
        failed = sum(isinstance(result, PhotoError) for result in results)
        self.photos.labels("failed").inc(failed)
        self.photos.labels("tagged").inc(len(results) - failed)
        self.waiting.observe(seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
