"""How the service is doing: probes for whoever runs it, counters for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic_core import to_json

from vectortag.apps.server.problems import Problem, declared
from vectortag.apps.server.routes import service_of
from vectortag.apps.server.schema import Health

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Is the process alive?", response_model=Health, responses=declared(421, 500))
async def healthz() -> Response:
    return _ok()


@router.get("/readyz", summary="Would a photo be tagged now?", response_model=Health, responses=declared(421, 500, 503))
async def readyz(request: Request) -> Response:
    if not service_of(request).ready:
        raise Problem(503, "not-ready", "The queue is full, or a model does not answer", headers={"Retry-After": "1"})
    return _ok()


def _ok() -> Response:
    return Response(to_json({"status": "ok"}), media_type="application/json")


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **declared(401, 421, 500)},
)
async def metrics(request: Request) -> Response:
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)
