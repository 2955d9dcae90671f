"""Errors as RFC 9457 problem details: one shape for all, and never a word of what was sent."""

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Send

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 5
log = logging.getLogger("sentimill.api")


class FieldError(BaseModel):
    """One value that is not as it should be."""

    pointer: str = Field(examples=["/texts/0"])
    detail: str = Field(examples=["String should have at least 1 character"])


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Service Unavailable"])
    status: int = Field(examples=[503])
    detail: str = Field(examples=["The queue is full; expected room for one more text. Try again in 1 s."])
    errors: list[FieldError] = Field([], description="Values that are wrong, five at most.")


class Problem(Exception):  # noqa: N818  (RFC 9457's own word)
    """An answer other than the one that was asked for."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: dict[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.errors = status, detail, headers or {}, list(errors)

    def body(self) -> bytes:
        """Problem details as JSON; only ASCII, so that odd input cannot break the encoding."""
        title = HTTPStatus(self.status).phrase
        details = ProblemDetails(title=title, status=self.status, detail=self.detail, errors=self.errors)
        return json.dumps(details.model_dump()).encode()

    def response(self) -> Response:
        """The same as an HTTP response."""
        return Response(self.body(), self.status, self.headers, MEDIA_TYPE)

    async def send(self, send: Send) -> None:
        """Answer from a middleware, before there is a request object."""
        body = self.body()
        fields = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **self.headers}
        headers = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def install_handlers(app: FastAPI) -> None:
    """Answer every kind of failure with a problem."""

    @app.exception_handler(Problem)
    async def ours(request: Request, problem: Problem) -> Response:
        return problem.response()

    @app.exception_handler(HTTPException)
    async def theirs(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if headers.get("Allow") == "GET":
            headers["Allow"] = "GET, HEAD"  # which the guard answers for every path that has GET
        return Problem(error.status_code, str(error.detail), headers).response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        more = f" {len(found)} values are wrong." if len(found) > 1 else ""
        detail = f"The request does not match the schema at /openapi.json.{more} See errors."
        return Problem(422, detail, errors=[_field_error(item) for item in found[:MAX_ERRORS]]).response()

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        # The type alone: a message may quote the text.
        log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
        return Problem(500, "Something went wrong here. It has been logged.").response()


def _field_error(item: dict[str, Any]) -> FieldError:
    parts = [str(part)[:60] for part in item["loc"] if part != "body"]
    return FieldError(pointer="/" + "/".join(parts), detail=str(item["msg"]))
