"""`/v1/jobs`: analyses of videos, which clients poll, fetch and delete."""

import os
import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, BinaryIO, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from emolens.contract.server import JobRecord
from emolens.core.errors import UnsupportedFormatError
from emolens.server.clip_process import ClipOptions
from emolens.server.clips import OutputKind
from emolens.server.media_types import ANY_TYPE, media_type_of
from emolens.server.openapi import BINARY, error_responses
from emolens.server.services import services_of

_VIDEO_TYPES: Final = (
    *("video/mp4", "video/webm", "video/x-matroska", "video/quicktime", "video/x-msvideo"),
    *("video/mpeg", "video/mp2t"),
)
_VIDEO: Final[dict[str, Any]] = {
    "description": f"The bytes of a video file. The media type is that of the video, or "
    f"`{ANY_TYPE}`.",
    "required": True,
    "content": dict.fromkeys((*_VIDEO_TYPES, ANY_TYPE), BINARY),
}
_EXAMPLE: Final = {
    "id": "q3nL0aW6bq3zqk1lH8nO4A",
    "name": "clip.mp4",
    "state": "failed",
    "n_frames": 0,
    "n_expected": 750,
    "error": {"code": "source", "message": "clip.mp4 has sound but no video track"},
    "warnings": [],
    "failures": [],
    "outputs": [],
    "expires_s": 3590.5,
}
_RECORD: Final[dict[str, Any]] = {"content": {"application/json": {"example": _EXAMPLE}}}
_OUTPUT_TYPES: Final = (
    *("text/csv", "application/x-ndjson", "application/vnd.apache.parquet"),
    *("application/json", "text/html"),
)
_OUTPUT: Final[dict[str, Any]] = {
    "description": "The file, as an attachment.",
    "content": dict.fromkeys(_OUTPUT_TYPES, BINARY),
}
_CHUNK_BYTES: Final = 64 * 1024
_NOT_ASCII: Final = re.compile(r"[^A-Za-z0-9._ ()-]")

JobId = Annotated[str, Path(max_length=64, description="Identifier of the job.")]
Output = Annotated[OutputKind, Path(description="The output to fetch.")]


class FileStream(StreamingResponse):
    """An answer with the content of an open file, which it closes."""

    def __init__(self, file: BinaryIO, *, headers: Mapping[str, str], media_type: str) -> None:
        chunks = iter(partial(file.read, _CHUNK_BYTES), b"")
        super().__init__(chunks, headers=headers, media_type=media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        with self._file:
            await super().__call__(scope, receive, send)


class JobQuery(ClipOptions):
    """The parameters of a new job. A model of all of them, so that an unknown one is refused."""

    name: str = Field(
        default="", description="Name of the video in the outputs.", examples=["clip.mp4"]
    )


router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


def client_of(request: Request) -> str | None:
    """Return the name of the key of a request, or None if the server has no keys."""
    client: str | None = getattr(request.state, "client", None)
    return client


@router.post(
    "",
    status_code=202,
    summary="Track faces in a video and classify their apparent expression.",
    response_model=JobRecord,
    response_description="The job, which waits or runs. Its address is in `Location`.",
    openapi_extra={"requestBody": _VIDEO},
    responses={202: _RECORD, **error_responses(401, 403, 408, 413, 415, 422, 503)},
)
async def create_job(request: Request, query: Annotated[JobQuery, Query()]) -> Response:
    """Store a video and analyse it as soon as the videos before it are analysed.

    The video is deleted when it is analysed, and the results an hour later.
    """
    services = services_of(request)
    check_video_type(request.headers.get("content-type", ""))
    chunks = services.bodies.chunks(request, services.limits.clip_bytes)
    options = ClipOptions(**query.model_dump(exclude={"name"}))
    record = await services.clips.create(query.name, chunks, options, client_of(request))
    headers = {"Location": f"{router.prefix}/{record.id}"}
    return JSONResponse(record.to_dict(), 202, headers)


@router.get(
    "/{job_id}",
    summary="Get the state of a job.",
    response_model=JobRecord,
    responses={200: _RECORD, **error_responses(401, 403, 404, 422, 503)},
)
async def get_job(request: Request, job_id: JobId) -> Response:
    """Return the state: `waiting`, `running`, `done` or `failed`, and the outputs if it is done."""
    record = services_of(request).clips.record(job_id, client_of(request))
    return JSONResponse(record.to_dict())


@router.get(
    "/{job_id}/{output}",
    summary="Get an output of a job.",
    response_class=StreamingResponse,
    responses={200: _OUTPUT, **error_responses(401, 403, 404, 422, 503)},
)
async def get_output(request: Request, job_id: JobId, output: Output) -> Response:
    """Return the table (one row per face and frame), the summary (JSON) or the report (HTML)."""
    clips = services_of(request).clips
    found = clips.open_output(job_id, client_of(request), output)
    headers = {
        "Content-Disposition": attachment(found.name),
        "Content-Length": str(os.fstat(found.file.fileno()).st_size),
    }
    return FileStream(found.file, headers=headers, media_type=found.media_type)


@router.delete(
    "/{job_id}",
    status_code=204,
    summary="Delete a job.",
    responses=error_responses(401, 403, 404, 422, 503),
)
async def delete_job(request: Request, job_id: JobId) -> Response:
    """Stop the analysis if it runs, and delete the video and the results."""
    await services_of(request).clips.delete(job_id, client_of(request))
    return Response(status_code=204)


def check_video_type(declared: str) -> None:
    """Check that the declared media type is that of a video, or none.

    Args:
        declared: The `Content-Type` header; empty if there is none.

    Raises:
        UnsupportedFormatError: It is another one.
    """
    media_type = media_type_of(declared)
    if media_type in ("", ANY_TYPE) or media_type.startswith("video/"):
        return
    raise UnsupportedFormatError(
        f"the media type {media_type!r} is not that of a video; allowed: video/* and {ANY_TYPE}. "
        f"Send the header Content-Type: {ANY_TYPE}."
    )


def attachment(name: str) -> str:
    """Return a `Content-Disposition` header that makes browsers save a file.

    Source: RFC 6266, appendix D: an ASCII name for old clients, then the name as UTF-8.
    """
    plain = _NOT_ASCII.sub("_", name)
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{encoded}'
