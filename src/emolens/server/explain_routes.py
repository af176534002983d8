"""`POST /v1/explain`: maps of each class over the faces of an image."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emolens.contract.server import ExplanationRecord
from emolens.core.errors import ConfigError, ModelError
from emolens.explanation import FaceExplainer, MapKind
from emolens.explanation.agreement import agreement_text
from emolens.imaging.decode import decode_named
from emolens.jobs.explain import explain_faces
from emolens.jobs.images import explaining_errors
from emolens.media.images import encode_image
from emolens.pipeline.models import Models
from emolens.server.bodies import unless_gone
from emolens.server.image_options import ExplainOptions
from emolens.server.media_types import check_media_type, prefers
from emolens.server.names import checked_name
from emolens.server.openapi import BINARY, IMAGE, PNG_TYPE, error_responses
from emolens.server.services import Services, services_of
from emolens.server.workers import Lane

_JSON_TYPE: Final = "application/json"

router = APIRouter()


@router.post(
    "/v1/explain",
    summary="Compute maps of each class for the faces of an image.",
    response_model=ExplanationRecord,
    openapi_extra={"requestBody": IMAGE},
    responses={
        200: {
            "description": "The maps as numbers or, with `Accept: image/png`, as an image.",
            "content": {PNG_TYPE: BINARY},
        },
        204: {"description": "With `Accept: image/png`: no face is detected."},
        **error_responses(401, 403, 408, 413, 415, 422, 503),
    },
)
async def explain(request: Request, options: Annotated[ExplainOptions, Query()]) -> Response:
    """Explain the largest faces of an image.

    A map shows which regions of the face matter to the model. It does not explain why a face has
    an expression.
    """
    services = services_of(request)
    is_drawn = prefers(",".join(request.headers.getlist("accept")), PNG_TYPE, _JSON_TYPE)
    wanted = options.model_copy(update={"name": checked_name(options.name, "image")})
    with services.workers.place(Lane.MAPS):
        async with services.bodies.whole(request, services.limits.image_bytes) as encoded:
            check_media_type(request.headers.get("content-type", ""), encoded)
            work = partial(_answer, services, wanted, encoded, is_drawn=is_drawn)
            return await unless_gone(request, services.workers.run(Lane.MAPS, work))


def _answer(
    services: Services, wanted: ExplainOptions, encoded: bytes, *, is_drawn: bool
) -> Response:
    models, limits = services.models, services.limits
    kind = wanted.kind or models.default_map_kind
    explainer = _explainer(models, kind)
    detector = None if wanted.face_crops else models.detector(sideways=wanted.sideways)
    agreement = agreement_text(kind, models.classifier.model_sha256)
    with explaining_errors():
        decoded = decode_named(wanted.name, encoded, max_pixels=limits.image_pixels)
        found = explain_faces(decoded, explainer, detector, max_faces=limits.explained_faces)
        if not is_drawn:
            return JSONResponse(found.record(wanted.name, kind, agreement).to_dict())
        if not found.faces:
            return Response(status_code=204)
        drawn = found.draw(wanted.emotion, note=agreement)
        return Response(encode_image(drawn, ".png"), media_type=PNG_TYPE)


def _explainer(models: Models, kind: MapKind) -> FaceExplainer:
    try:
        return models.explainer_of(kind)
    except ModelError as error:
        # The models are loaded, so the model has no maps of this kind: the request is to blame.
        raise ConfigError(
            f"kind is '{kind}', and the model has no {kind} maps; allowed: '{MapKind.OCCLUSION}'"
        ) from error
