"""A server with some of the routes, and only the services that they need."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import Response

from emolens.core.errors import EmolensError
from emolens.pipeline.models import Models
from emolens.server.bodies import Bodies
from emolens.server.errors import error_answer, status_answer
from emolens.server.settings import Limits
from emolens.server.workers import Workers


@dataclass(eq=False)
class SomeServices:
    """The services that the routes for images and models use."""

    models: Models
    workers: Workers
    bodies: Bodies
    limits: Limits


def answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, EmolensError)
    return error_answer(error, "1")


def answer_wrong_parameter(request: Request, error: Exception) -> Response:
    return status_answer(422, str(error), "1")


@contextlib.contextmanager
def client_of(
    *routers: APIRouter, models: Models, limits: Limits | None = None
) -> Iterator[TestClient]:
    limits = limits or Limits()
    workers = Workers(1, limits.waiting)
    app = FastAPI()
    app.state.services = SomeServices(models, workers, Bodies(limits), limits)
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(EmolensError, answer_error)
    app.add_exception_handler(RequestValidationError, answer_wrong_parameter)
    try:
        with TestClient(app) as client:
            yield client
    finally:
        workers.stop()
