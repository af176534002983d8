"""`GET /v1/models`: the models of the server, and its limits."""

import functools
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emolens.contract import SCHEMA_VERSION
from emolens.contract.server import ModelsAnswer
from emolens.core.emotion import LABELS
from emolens.server.openapi import error_responses
from emolens.server.services import Services, services_of

router = APIRouter()


@router.get(
    "/v1/models",
    summary="Describe the models of the server, and its limits.",
    response_model=ModelsAnswer,
    responses=error_responses(401, 403, 503),
)
async def models(request: Request) -> Response:
    """Answer with the models, their measured accuracy, the classes and the limits."""
    return JSONResponse(_answer(services_of(request)))


@functools.lru_cache(maxsize=1)
def _answer(services: Services) -> dict[str, Any]:
    made = services.models.image_analyzer().provenance
    return ModelsAnswer(
        schema_version=SCHEMA_VERSION,
        labels=list(LABELS),
        model=made.model,
        detector=made.detector,
        limits=services.limits.record(),
    ).to_dict()
