"""Health checks, and metrics for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from vectortag.apps.server.problems import Problem, declared
from vectortag.apps.server.responses import Health, answer, declared_answer
from vectortag.apps.server.routes import service_of

router = APIRouter(tags=["operation"])


@router.get(
    "/healthz", summary="Is the process alive?", responses={**declared_answer(Health), **declared(400, 421, 500)}
)
async def healthz() -> Response:
    return answer(Health())


@router.get(
    "/readyz",
    summary="Can the service tag a photo now?",
    responses={**declared_answer(Health), **declared(400, 421, 500, 503)},
)
async def readyz(request: Request) -> Response:
    if not service_of(request).ready:
        raise Problem(503, "not-ready", "The queue is full, or a model has stopped", headers={"Retry-After": "1"})
    return answer(Health())


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **declared(400, 401, 421, 500)},
)
async def metrics(request: Request) -> Response:
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)
