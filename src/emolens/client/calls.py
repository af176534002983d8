"""Requests of the protocol, and how their answers are read; both clients send them."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeAlias, TypedDict, TypeVar, Unpack, cast
from urllib.parse import quote

from pydantic import ValidationError

from emolens.client.failures import error_of_answer, protocol_error
from emolens.client.files import FileBody, ImageFile, read_image_file
from emolens.client.libraries import httpx
from emolens.contract import ImageRecord, Record, SessionRecord
from emolens.contract.server import (
    ExplanationRecord,
    ImagesAnswer,
    JobRecord,
    ModelsAnswer,
)
from emolens.core.errors import InputError

T = TypeVar("T")
AnyRecord = TypeVar("AnyRecord", bound=Record)
Value: TypeAlias = str | float | bool | None
MapKind: TypeAlias = Literal["occlusion", "activation"]


class ClipOptions(TypedDict, total=False):
    """Options of the analysis of a video; those that are not given are the server's.

    Attributes:
        table: Format of the table; `csv` by default.
        report: Whether to make the page of the video; True by default.
        min_confidence: Minimum smoothed probability of a label.
        detect_hz: Detections per second; 0 for every frame.
        cuts: Whether tracks end at cuts.
    """

    table: Literal["csv", "parquet", "jsonl"]
    report: bool
    min_confidence: float
    detect_hz: float
    cuts: bool


# The server recognises formats by their content.
_BINARY: Final = "application/octet-stream"
_BYTES: Final = {"Content-Type": _BINARY}


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request.

    Attributes:
        method: HTTP method.
        path: Path below the address of the server.
        read: Function that reads a successful answer.
        query: Parameters; None leaves one to the server.
        headers: Headers of this request only.
        body: Body, or None.
        files: (name, bytes) of each file of a form, or None.
        is_repeatable: Whether a second execution changes nothing.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    query: Mapping[str, Value] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | FileBody | None = None
    files: list[tuple[str, bytes]] | None = None
    is_repeatable: bool = True


def build_request(
    call: Call[T], http: httpx.Client | httpx.AsyncClient, body: object
) -> httpx.Request:
    """Create the request of a call; `body` is its body in a form that the client sends."""
    return http.build_request(
        call.method,
        call.path,
        params={name: value for name, value in call.query.items() if value is not None},
        headers=dict(call.headers),
        content=body,  # type: ignore[arg-type]  # bytes, or chunks that fit the client
        files=[("images", (*file, _BINARY)) for file in call.files] if call.files else None,
    )


def read_answer(call: Call[T], answer: httpx.Response, address: str) -> T:
    """Return what an answer says.

    Raises:
        EmolensError: It is an error, or not an answer of `emolens serve`.
    """
    if not answer.is_success:
        raise error_of_answer(answer.status_code, answer.headers, answer.content, address)
    try:
        return call.read(answer)
    except ValidationError as error:
        raise protocol_error(address, f"it is no {error.title}") from error


def analyze(
    image: ImageFile, *, name: str | None, min_confidence: float, face_crops: bool, sideways: bool
) -> Call[ImageRecord]:
    """Analyse an image."""
    file_name, body = read_image_file(image)
    query: dict[str, Value] = {
        "name": file_name if name is None else name,
        "min_confidence": min_confidence,
    }
    query |= {"face_crops": face_crops, "sideways": sideways}
    return Call("POST", "/v1/analyze", _record(ImageRecord), query, _BYTES, body)


def analyze_many(
    images: Iterable[ImageFile], *, min_confidence: float, face_crops: bool, sideways: bool
) -> Call[list[ImageRecord]]:
    """Analyse several images.

    Raises:
        InputError: There are none.
    """
    files = []
    for number, image in enumerate(images, start=1):
        name, content = read_image_file(image)
        files.append((name or f"image-{number}", content))
    if not files:
        raise InputError("images is empty; allowed: 1 or more")
    query: dict[str, Value] = {"min_confidence": min_confidence, "face_crops": face_crops}
    query |= {"sideways": sideways}
    return Call("POST", "/v1/analyze", _images, query, files=files)


def explain(
    image: ImageFile, *, name: str | None, kind: MapKind | None, face_crops: bool, sideways: bool
) -> Call[ExplanationRecord]:
    """Explain an image in numbers."""
    file_name, body = read_image_file(image)
    query: dict[str, Value] = {"name": file_name if name is None else name, "kind": kind}
    query |= {"face_crops": face_crops, "sideways": sideways}
    headers = {**_BYTES, "Accept": "application/json"}
    return Call("POST", "/v1/explain", _record(ExplanationRecord), query, headers, body)


def explain_png(
    image: ImageFile, *, emotion: str | None, kind: MapKind | None, face_crops: bool, sideways: bool
) -> Call[bytes | None]:
    """Explain an image in a drawing."""
    _, body = read_image_file(image)
    query: dict[str, Value] = {"emotion": emotion, "kind": kind}
    query |= {"face_crops": face_crops, "sideways": sideways}
    return Call("POST", "/v1/explain", _png, query, {**_BYTES, "Accept": "image/png"}, body)


def models() -> Call[ModelsAnswer]:
    """Describe the models and limits of the server."""
    return Call("GET", "/v1/models", _record(ModelsAnswer))


def create_job(path: str | os.PathLike[str], **options: Unpack[ClipOptions]) -> Call[JobRecord]:
    """Upload a video."""
    body = FileBody.of(path)
    query: dict[str, Value] = {"name": body.path.name}
    query |= cast("dict[str, Value]", options)
    headers = {**_BYTES, "Content-Length": str(body.n_bytes)}
    # A second upload would be a second job.
    return Call("POST", "/v1/jobs", _record(JobRecord), query, headers, body, is_repeatable=False)


def job(job_id: str) -> Call[JobRecord]:
    """Describe a job."""
    return Call("GET", _job_path(job_id), _record(JobRecord))


def job_summary(job_id: str) -> Call[SessionRecord]:
    """Fetch the summary of a job."""
    return Call("GET", f"{_job_path(job_id)}/summary", _record(SessionRecord))


def job_file(job_id: str, output: Literal["table", "report"]) -> Call[bytes]:
    """Fetch an output of a job."""
    return Call("GET", f"{_job_path(job_id)}/{output}", _content)


def delete_job(job_id: str) -> Call[None]:
    """Delete a job."""
    return Call("DELETE", _job_path(job_id), _nothing)


def _job_path(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"


def _record(kind: type[AnyRecord]) -> Callable[[httpx.Response], AnyRecord]:
    return lambda answer: kind.model_validate_json(answer.content)


def _images(answer: httpx.Response) -> list[ImageRecord]:
    return ImagesAnswer.model_validate_json(answer.content).images


def _png(answer: httpx.Response) -> bytes | None:
    return answer.content or None


def _content(answer: httpx.Response) -> bytes:
    return answer.content


def _nothing(_: httpx.Response) -> None:
    return None
