"""The application: routes, error answers, and the start and stop of what they share."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from functools import partial
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from emolens.contract.server import StatusAnswer, TicketAnswer
from emolens.core.errors import BusyError, EmolensError, InputNotFoundError
from emolens.server import (
    explain_routes,
    image_routes,
    job_routes,
    metrics,
    model_routes,
    streams,
)
from emolens.server.access import TICKET_S
from emolens.server.description import describe
from emolens.server.errors import error_answer, internal_answer, log_unexpected, status_answer
from emolens.server.guard import Guard
from emolens.server.logs import log
from emolens.server.openapi import error_responses
from emolens.server.services import Services, services_of
from emolens.server.warm_up import warm_up
from emolens.server.workers import Lane

_STATIC: Final = str(files("emolens.server") / "static")
# FastAPI records requests with OpenTelemetry if an application has set it up. Images are nobody
# else's, so that is off whatever the environment says.
_NO_TELEMETRY: Final = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}

router = APIRouter()
no_streams = APIRouter()


def build_app(services: Services) -> ASGIApp:
    """Build the application.

    Args:
        services: What the handlers share. Its workers are stopped with the application.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await services.clips.start()
        warming = asyncio.create_task(_become_ready(services))
        try:
            yield
        finally:
            services.is_stopping = True
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
            await services.clips.stop()
            await asyncio.to_thread(services.workers.stop)

    app = FastAPI(
        title="emolens",
        version="1",
        lifespan=lifespan,
        docs_url=None,  # pages that load scripts from other servers
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # a redirect would repeat the `Host` that the client sent
        telemetry=_NO_TELEMETRY,  # type: ignore[arg-type]  # a plain dict
    )
    app.state.services = services
    for one in (router, image_routes.router, explain_routes.router, streams.router):
        app.include_router(one)
    app.include_router(job_routes.router)
    app.include_router(model_routes.router)
    app.include_router(no_streams)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_exception_handler(EmolensError, _answer_own_error)
    app.add_exception_handler(RequestValidationError, _answer_wrong_value)
    app.add_exception_handler(HTTPException, _answer_status)
    app.add_exception_handler(Exception, _answer_unexpected)
    describe(app, needs_key=services.access.needs_key)
    return Guard(app, services)


async def _become_ready(services: Services) -> None:
    try:
        # In a worker, whose end a stop does not wait for without limit.
        await services.workers.run(Lane.IMAGES, partial(warm_up, services.models))
    except Exception:  # noqa: BLE001 (the server stays alive and says that it is not ready)
        log("warm-up failed", level=logging.ERROR, exc_info=True)
        return
    services.is_warm = True
    log("ready")


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """Answer the page of the server."""
    return FileResponse(f"{_STATIC}/index.html", media_type="text/html; charset=utf-8")


@router.head("/livez", include_in_schema=False)
@router.get(
    "/livez",
    summary="Check that the server runs.",
    response_model=StatusAnswer,
    responses=error_responses(403),
)
async def live() -> StatusAnswer:
    """Answer at once, even while models load or all workers are busy."""
    return StatusAnswer(status="alive")


@no_streams.websocket("/{path:path}")
async def no_stream(websocket: WebSocket) -> None:  # noqa: ARG001 (FastAPI passes it)
    """Refuse a stream at another path than `/v1/stream`."""
    raise InputNotFoundError("there is no stream at this address. Use /v1/stream.")


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    summary="Check that the server is ready for requests.",
    response_model=StatusAnswer,
    responses=error_responses(403, 503),
)
async def ready(request: Request) -> StatusAnswer:
    """Answer 200 after the warm-up and 503 before it and while the server stops."""
    if not services_of(request).is_ready:
        raise BusyError("the server is not ready. Try again later.", retry_after_s=2.0)
    return StatusAnswer(status="ready")


@router.get(
    "/metrics",
    summary="Get counters for Prometheus.",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **error_responses(401, 403),
    },
)
async def scrape(request: Request) -> Response:
    """Answer all counters in Prometheus' text format."""
    return Response(services_of(request).metrics.text(), media_type=metrics.CONTENT_TYPE)


@router.post(
    "/v1/tickets",
    summary="Get a ticket that opens one stream.",
    response_model=TicketAnswer,
    responses=error_responses(401, 403, 503),
)
async def ticket(request: Request) -> TicketAnswer:
    """Create a ticket for a browser, which cannot send a key with a WebSocket."""
    access = services_of(request).access
    return TicketAnswer(ticket=access.issue_ticket(request.state.client), expires_s=TICKET_S)


async def _answer_own_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, EmolensError)  # noqa: S101 (registered for this class)
    log_unexpected(error, request.state.request_id)
    return error_answer(error, request.state.request_id)


async def _answer_wrong_value(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this class)
    return status_answer(422, _first_problem(error.errors()), request.state.request_id)


async def _answer_status(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this class)
    return status_answer(
        error.status_code, str(error.detail), request.state.request_id, error.headers
    )


async def _answer_unexpected(request: Request, _error: Exception) -> JSONResponse:
    # The guard logs the error, which starlette raises again.
    return internal_answer(request.state.request_id)


def _first_problem(problems: Any) -> str:
    problem = problems[0]
    place = " ".join(str(part) for part in problem["loc"])
    unknown = "unknown parameter. /openapi.json has all of them."
    return f"{place}: {unknown if problem['type'] == 'extra_forbidden' else problem['msg']}"
