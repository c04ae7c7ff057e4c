"""Errors as RFC 9457 problem documents: the one way in which the service says no."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
URN = "urn:vectortag:"


class ProblemDocument(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:vectortag:too-large",
                    "title": "Content Too Large",
                    "status": 413,
                    "detail": "A photo has more than 33,554,432 bytes. Send a smaller one",
                }
            ]
        }
    )

    type: str = Field(
        description="The kind of problem, for programs: `urn:vectortag:` and a word that will not change."
    )
    title: str = Field(description="The standard phrase of the status.")
    status: int = Field(description="The HTTP status.", ge=400, le=599)
    detail: str = Field(description="For people: what is wrong, and what to do.")


class Problem(Exception):
    """An error that ends the request with a problem document.

    Args:
        status: the HTTP status.
        kind: a word for programs; the end of `type`.
        detail: a message for people.
    """

    def __init__(self, status: int, kind: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers

    def document(self) -> dict[str, Any]:
        return {"type": URN + self.kind, "title": phrase(self.status), "status": self.status, "detail": self.detail}

    def response(self) -> Response:
        return Response(to_json(self.document()), self.status, self.headers, MEDIA_TYPE)


def phrase(status: int) -> str:
    """The phrase of a status in RFC 9110, such as "Content Too Large" for 413; some Pythons have older ones."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or HTTPStatus(status).phrase


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem responses of a route, for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {status: {"description": phrase(status), "content": content} for status in statuses}


def raise_as_problems(app: FastAPI) -> None:
    """Turn the errors of FastAPI and Starlette into problems, which the guard answers."""

    @app.exception_handler(HTTPException)
    async def of_the_framework(_: Request, error: HTTPException) -> None:  # no such route, wrong method
        kind = phrase(error.status_code).lower().replace(" ", "-")
        raise Problem(error.status_code, kind, str(error.detail), headers=error.headers) from error

    @app.exception_handler(RequestValidationError)
    async def of_a_parameter(_: Request, error: RequestValidationError) -> None:
        first = error.errors()[0]
        where = ": ".join(str(part) for part in first["loc"])
        raise Problem(422, "wrong-parameter", f"{where}: {first['msg']}") from error
