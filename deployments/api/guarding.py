"""What every request passes: bounds on its body, its type, headers, metrics, refusal while overloaded."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.api import metrics
from deployments.api.batching import OverloadedError
from deployments.api.problems import Problem
from deployments.api.security import HEADERS

PREDICT = "/v1/predict"
GENERATE = "/v1/generate"
PATHS = {PREDICT, GENERATE, "/v1/model", "/healthz", "/readyz", "/metrics", "/"}
"""Paths that metrics name; all others count as one, or anybody could make up thousands."""
BODY_S = 10.0
"""Seconds within which a body has to arrive."""


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: What it guards.
        max_body_bytes: Largest body.
        require_room: Raises `OverloadedError` while no more texts can be taken.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, require_room: Callable[[], None]) -> None:
        self._app, self._max_bytes, self._require_room = app, max_body_bytes, require_room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start, path = time.perf_counter(), scope["path"] if scope["path"] in PATHS else "other"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_extra(message["headers"])]
                spent = time.perf_counter() - start
                metrics.latency.labels(path, message["status"]).observe(spent)
            await send(message)

        if scope["method"] == "HEAD":  # answered as GET (RFC 9110, 9.3.2); the server leaves the body out
            scope = {**scope, "method": "GET"}
        try:
            self._require_sendable(scope)
            body = await self._body(scope, receive)
        except OverloadedError as error:
            await refusal(error).send(guarded)
        except Problem as problem:
            await problem.send(guarded)
        else:
            await self._app(scope, _replay(body, receive), guarded)

    def _require_sendable(self, scope: Scope) -> None:
        """Refuse what cannot be answered before anything is spent on the request."""
        if scope["path"] == PREDICT:
            self._require_room()
        if scope["path"] in (PREDICT, GENERATE) and scope["method"] == "POST":
            require_json(dict(scope["headers"]))

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Read the body, as far as it is within the bounds."""
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        too_large = Problem(
            413,
            f"The body is larger than {self._max_bytes} bytes; expected less. Send fewer texts at a time.",
        )
        if not length.isdigit() or int(length) > self._max_bytes:
            raise too_large
        if length == b"0" and b"transfer-encoding" not in headers:
            return b""
        parts, size = [], 0
        try:
            async with asyncio.timeout(BODY_S):
                while True:
                    message = await receive()
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > self._max_bytes:
                        raise too_large
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise Problem(408, f"The body did not arrive within {BODY_S:.0f} s. Send it at once.") from None


def require_json(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a body that is not plain JSON.

    Raises:
        Problem: 415.
    """
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if encoding != "identity":
        raise Problem(
            415,
            f"The body's content-encoding is {encoding[:60]}; expected none. Send it uncompressed.",
            {"Accept-Encoding": "identity"},
        )
    media_type = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            415,
            f"The content-type is {media_type[:60] or 'missing'}; expected application/json. Set the header.",
            {"Accept-Post": "application/json"},
        )


def refusal(error: OverloadedError) -> Problem:
    """503 with Retry-After."""
    metrics.refused.labels("overload").inc()
    return Problem(
        503,
        f"More texts are waiting than can be judged in time. Try again in {error.retry_s} s.",
        {"Retry-After": str(error.retry_s)},
    )


def _extra(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    there = {name.lower() for name, _ in headers}
    return [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in there]


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
