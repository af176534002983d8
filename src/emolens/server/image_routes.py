"""`POST /v1/analyze`: faces in one image or in several."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emolens.contract import ImageRecord
from emolens.contract.server import ImagesAnswer
from emolens.core.errors import EmolensError, InputError, RequestTooLargeError
from emolens.jobs.images import ImageOutcome, analyze_encoded
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.server.bodies import unless_gone
from emolens.server.errors import log_unexpected, record_of
from emolens.server.image_options import AnalyzeOptions
from emolens.server.media_types import check_media_type
from emolens.server.names import checked_name
from emolens.server.openapi import IMAGE_OR_IMAGES, error_responses
from emolens.server.services import Services, services_of
from emolens.server.workers import Lane

_MULTIPART: Final = "multipart/form-data"

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded image.

    Attributes:
        name: Its checked name.
        media_type: The declared media type; empty if there is none.
        encoded: The image file.
    """

    name: str
    media_type: str
    encoded: bytes


Run = Callable[[Upload], Awaitable[ImageOutcome]]
"""Analyses an uploaded image."""


@router.post(
    "/v1/analyze",
    summary="Detect faces in images and classify their apparent expression.",
    response_model=ImageRecord | ImagesAnswer,
    openapi_extra={"requestBody": IMAGE_OR_IMAGES},
    responses=error_responses(401, 403, 408, 413, 415, 422, 503),
)
async def analyze(request: Request, options: Annotated[AnalyzeOptions, Query()]) -> Response:
    """Answer an image with its record, and a form with several images with a list of records.

    An image of a form that cannot be read has an error in its record; the others are analysed.
    """
    services = services_of(request)
    name = checked_name(options.name, "image")
    analyzer = services.models.image_analyzer(
        face_crops=options.face_crops,
        sideways=options.sideways,
        max_pixels=services.limits.image_pixels,
        min_confidence=options.min_confidence,
    )
    run = partial(_analyze, services, analyzer)
    with services.workers.place(Lane.IMAGES):
        if request.headers.get("content-type", "").lower().startswith(_MULTIPART):
            return await _answer_form(request, run)
        async with services.bodies.whole(request, services.limits.image_bytes) as body:
            upload = Upload(name, request.headers.get("content-type", ""), body)
            outcome = await unless_gone(request, run(upload))
    if outcome.error is not None:
        raise outcome.error
    return JSONResponse(outcome.record.to_dict())


async def _answer_form(request: Request, run: Run) -> Response:
    services = services_of(request)
    async with services.bodies.whole(request, services.limits.upload_bytes) as body:
        uploads = await _parts(request, body, services)
        outcomes = await unless_gone(request, _each(uploads, run))
    records = [_record(outcome, request.state.request_id) for outcome in outcomes]
    return JSONResponse(ImagesAnswer(images=records).model_dump(exclude_unset=True))


async def _each(uploads: list[Upload], run: Run) -> list[ImageOutcome]:
    # One after the other: a form must not take all workers.
    return [await run(upload) for upload in uploads]


def _record(outcome: ImageOutcome, request_id: str) -> ImageRecord:
    """Return the record of an image of a form, in which unexpected errors are not described."""
    error = outcome.error
    if error is None:
        return outcome.record
    log_unexpected(error, request_id)
    return ImageRecord(path=outcome.path, width=None, height=None, error=record_of(error), faces=[])


async def _analyze(services: Services, analyzer: ImageAnalyzer, upload: Upload) -> ImageOutcome:
    def work() -> ImageOutcome:
        try:
            check_media_type(upload.media_type, upload.encoded)
        except EmolensError as error:
            return ImageOutcome(upload.name, error=error)
        return analyze_encoded(
            analyzer, upload.name, upload.encoded, max_pixels=services.limits.image_pixels
        )

    outcome = await services.workers.run(Lane.IMAGES, work)
    if outcome.result is not None:
        services.metrics.images.inc()
        services.metrics.faces.inc(len(outcome.result.faces))
    return outcome


class _InMemoryParser(MultiPartParser):
    """A parser of forms that never writes files to the disk; the body is limited already."""

    spool_max_size = 1 << 40


async def _parts(request: Request, body: bytes, services: Services) -> list[Upload]:
    """Return the images of a form.

    Raises:
        InputError: The form is damaged, has no image, too many, or one with a name that is none.
        RequestTooLargeError: An image is larger than allowed.
    """
    limits = services.limits

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        parser = _InMemoryParser(
            request.headers, chunks(), max_files=limits.images, max_fields=limits.images
        )
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        reason = getattr(error, "message", None) or "it has no boundary"
        raise InputError(f"the form cannot be read: {reason}") from error
    try:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if not files:
            raise InputError("the form has no file. Add images, each with a file name.")
        return [await _upload(file, limits.image_bytes) for file in files]
    finally:
        await form.close()


async def _upload(file: UploadFile, max_bytes: int) -> Upload:
    name = checked_name(file.filename or "", "image")
    if (file.size or 0) > max_bytes:
        raise RequestTooLargeError(
            f"{name!r} is larger than {max_bytes:,} bytes. Send a smaller one."
        )
    return Upload(name, file.content_type or "", await file.read())
