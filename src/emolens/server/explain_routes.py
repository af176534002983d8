"""`POST /v1/explain`: maps of each class over the faces of an image."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emolens.contract.server import ExplanationRecord
from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError, ModelError
from emolens.explanation import FaceExplainer, MapKind
from emolens.explanation.agreement import agreement_text
from emolens.imaging.decode import decode_named
from emolens.jobs.explain import explain_faces
from emolens.jobs.images import explaining_errors
from emolens.media.images import encode_image
from emolens.pipeline.models import Models
from emolens.server.bodies import unless_gone
from emolens.server.media_types import check_media_type, prefers
from emolens.server.names import checked_name
from emolens.server.openapi import BINARY, IMAGE, PNG_TYPE, error_responses
from emolens.server.services import Services, services_of
from emolens.server.workers import Lane

_JSON_TYPE: Final = "application/json"

router = APIRouter()


@dataclass(frozen=True, slots=True)
class ExplanationRequest:
    """A request for maps.

    Attributes:
        name: Checked name of the image.
        emotion: The class to draw, or None for all seven.
        kind: Kind of the maps, or None for the one that agrees best with the model.
        face_crops: Whether the image is a single cropped face.
        sideways: Whether an image without a detected face is rotated.
        is_drawn: Whether the answer is a PNG image.
    """

    name: str
    emotion: Emotion | None
    kind: MapKind | None
    face_crops: bool
    sideways: bool
    is_drawn: bool


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
async def explain(
    request: Request,
    *,
    emotion: Annotated[
        Emotion | None,
        Query(
            description="Draw only this class, enlarged. Default: all seven. The numbers are "
            "always those of all classes.",
            examples=["happy"],
        ),
    ] = None,
    kind: Annotated[
        MapKind | None,
        Query(
            description="occlusion: how much a probability drops when a region is blurred. "
            "activation: class-activation map. Default: the kind that agrees best with the model.",
            examples=["occlusion"],
        ),
    ] = None,
    name: Annotated[
        str, Query(description="Name of the image in the answer.", examples=["a.jpg"])
    ] = "image",
    face_crops: Annotated[
        bool, Query(description="Treat the image as one cropped face; do not detect.")
    ] = False,
    sideways: Annotated[
        bool, Query(description="Rotate an image without a detected face and detect again.")
    ] = True,
) -> Response:
    """Explain the largest faces of an image.

    A map shows which regions of the face matter to the model. It does not explain why a face has
    an expression.
    """
    services = services_of(request)
    services.workers.check_free(Lane.MAPS)
    is_drawn = prefers(",".join(request.headers.getlist("accept")), PNG_TYPE, _JSON_TYPE)
    wanted = ExplanationRequest(
        checked_name(name, "image"), emotion, kind, face_crops, sideways, is_drawn
    )
    async with services.bodies.whole(request, services.limits.image_bytes) as encoded:
        check_media_type(request.headers.get("content-type", ""), encoded)
        work = partial(_answer, services, wanted, encoded)
        return await unless_gone(request, services.workers.run(Lane.MAPS, work))


def _answer(services: Services, wanted: ExplanationRequest, encoded: bytes) -> Response:
    models, limits = services.models, services.limits
    kind = wanted.kind or models.default_map_kind
    explainer = _explainer(models, kind)
    detector = None if wanted.face_crops else models.detector(sideways=wanted.sideways)
    agreement = agreement_text(kind, models.classifier.model_sha256)
    with explaining_errors():
        decoded = decode_named(wanted.name, encoded, max_pixels=limits.image_pixels)
        found = explain_faces(decoded, explainer, detector, max_faces=limits.explained_faces)
        if not wanted.is_drawn:
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
