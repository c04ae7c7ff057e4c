"""The FastAPI application: routes, middleware and the OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi

import vectortag
from vectortag.apps.server import health, routes
from vectortag.apps.server.guard import BEARER, OPEN_PATHS, Access, Guard
from vectortag.apps.server.problems import ProblemDocument, raise_as_problems
from vectortag.apps.server.responses import answer_schemas
from vectortag.apps.server.service import Service

DESCRIPTION = (
    "Tags for photos, each with a calibrated score and its own threshold, and heat maps that show which part of the "
    "photo supports a tag. Errors are RFC 9457 problem documents. If the service needs API keys, send "
    "`Authorization: Bearer KEY`."
)


def create_app(service: Service, access: Access | None = None, *, log_requests: bool = False) -> FastAPI:
    """The application of a service; the service is closed when the application shuts down."""
    access = access or Access()

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    # No documentation pages: they would load scripts from another host.
    app = FastAPI(
        title="VectorTag",
        version=vectortag.__version__,
        description=DESCRIPTION,
        lifespan=closing,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.include_router(routes.router)
    app.include_router(health.router)
    raise_as_problems(app)
    app.add_middleware(Guard, access=access, metrics=service.metrics, log_requests=log_requests)
    if access.origins:
        _allow_origins(app, access.origins)
    document = _openapi(app, with_keys=access.keys is not None)
    app.openapi = lambda: document  # type: ignore[method-assign]
    return app


def _allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After"],
    )


def _openapi(app: FastAPI, *, with_keys: bool) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(answer_schemas(), ProblemDocument=ProblemDocument.model_json_schema())
    if with_keys:
        components["securitySchemes"] = {"key": BEARER.model.model_dump(mode="json", by_alias=True, exclude_none=True)}
        for path, operations in document["paths"].items():
            if path not in OPEN_PATHS:
                for operation in operations.values():
                    operation["security"] = [{"key": []}]
    return document
