"""The HTTP application: predict, generate, model, health, metrics, and the page."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import FileResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.cors import CORSMiddleware

from deployments.api import metrics
from deployments.api.answering import answer, describe, model_of
from deployments.api.generating import BusyError, generate
from deployments.api.guarding import GENERATE, PREDICT, Guard
from deployments.api.problems import MEDIA_TYPE, Problem, ProblemDetails, install_handlers
from deployments.api.schemas import (
    GenerateRequest,
    GenerateResponse,
    Health,
    ModelInfo,
    PredictRequest,
    PredictResponse,
)
from deployments.api.security import RateLimit, caller, read_keys, warn_if_open
from deployments.api.service import Service
from deployments.api.settings import ApiSettings

PAGE = Path(__file__).parent / "page"
Caller = Annotated[str, Depends(caller)]
log = logging.getLogger("sentimill.api")


WHEN = {
    400: "The body is not JSON",
    401: "The key is missing or wrong",
    404: "That run is not served",
    408: "The body did not arrive in time",
    413: "The body is too large",
    415: "The body is not declared as JSON, or is compressed",
    422: "The request is not as this document says, or asks for too much",
    429: "The key has used up its texts for now; Retry-After says until when",
    503: "Not ready, or more is waiting than can be answered in time; Retry-After says when to come back",
    504: "No answer within `timeout_ms`, or within the service's own limit where that is shorter",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries of the problems (RFC 9457) that a path may answer with."""
    content = {MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}}
    return {status: {"description": WHEN[status], "content": content} for status in statuses}


api = APIRouter()


@api.post(
    PREDICT,
    response_model=PredictResponse,
    responses=problems(400, 401, 404, 408, 413, 415, 422, 429, 503, 504),
)
async def predict(body: PredictRequest, request: Request, who: Caller) -> Response:
    """Labels, probabilities and levels of one text or up to 256."""
    await request.app.state.rate_limit.require(who, len(body.texts))
    return _json(await answer(request.app.state.service, body))


@api.get("/v1/model", response_model=ModelInfo, responses=problems(401, 404, 422, 503))
async def model(
    request: Request, who: Caller, run: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """What is served: run, labels, thresholds, card and scores."""
    return _json(describe(model_of(request.app.state.service, run)))


@api.get("/healthz", response_model=Health)
async def healthz() -> Health:
    """Whether the process lives."""
    return Health()


@api.get("/readyz", response_model=Health, responses=problems(503))
async def readyz(request: Request) -> Health:
    """Whether requests are answered."""
    model_of(request.app.state.service, None)
    return Health()


@api.get(
    "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}, **problems(401)}
)
async def exposition(who: Caller) -> Response:
    """Prometheus metrics, summed over the workers."""
    return Response(metrics.exposition(), headers={"content-type": CONTENT_TYPE_LATEST})


generation = APIRouter()


@generation.post(
    GENERATE, response_model=GenerateResponse, responses=problems(400, 401, 408, 413, 415, 422, 429, 503)
)
async def write(body: GenerateRequest, request: Request, who: Caller) -> Response:
    """Texts for a label set and a topic, from the run's generator, cleaned and scrubbed."""
    await request.app.state.rate_limit.require(who, body.n_texts)
    served = model_of(request.app.state.service, None)
    try:
        return _json(await asyncio.to_thread(generate, served, body))
    except BusyError:
        raise Problem(
            503, "Texts are being written for another request. Try again in 5 s.", {"Retry-After": "5"}
        ) from None
    except ValueError as error:
        raise Problem(422, str(error)) from None


def _page_of(file: Path) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        return FileResponse(file)

    return show


def _json(value: Any) -> Response:
    return Response(value.model_dump_json(), media_type="application/json")


def create_app(settings: ApiSettings | None = None) -> FastAPI:
    """Build the application; the model is loaded when it starts.

    Args:
        settings: From the environment unless given.

    Raises:
        ValueError: Keys cannot be read.
    """
    settings = settings or ApiSettings()
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        metrics.forget_dead_workers()
        await service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="Sentimill",
        description="A multi-label classifier as it was evaluated: same scrubber, same thresholds.",
        version="1",
        lifespan=lifespan,
        docs_url=None,  # their scripts come from elsewhere
        redoc_url=None,
    )
    app.state.service, app.state.keys, app.state.rate_limit = (
        service,
        read_keys(settings),
        RateLimit(settings),
    )
    warn_if_open(settings, app.state.keys)
    install_handlers(app)
    app.include_router(api)
    if settings.generate:
        app.include_router(generation)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
        )
    # File by file: a mount at "/" would answer for every path, with 405 where 404 is right and the reverse.
    for file in PAGE.iterdir():
        app.add_route(
            "/" if file.name == "index.html" else f"/{file.name}", _page_of(file), include_in_schema=False
        )
    app.add_middleware(
        Guard,
        max_body_bytes=settings.max_body_bytes,
        require_room=service.batcher.require_room,
    )
    return app
