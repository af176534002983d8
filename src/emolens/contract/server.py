"""Records of `emolens serve`: answers of the REST API and messages of the WebSocket."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from emolens.contract.base import Label, Record, Share
from emolens.contract.images import ErrorRecord, FaceRecord, FrameRecord, ImageRecord
from emolens.contract.provenance import DetectorRecord, ExpressionModelRecord
from emolens.core.emotion import LABELS

MapRow = list[float]
JobState = Literal["waiting", "running", "done", "failed"]
CaptureTime = Annotated[
    float, Field(description="Capture time that the client sent with the frame, unchanged.")
]


class ErrorAnswer(Record):
    """The answer to a request that fails."""

    error: ErrorRecord
    request_id: str = Field(description="The `X-Request-ID` of the request, for the logs.")


class StatusAnswer(Record):
    """The answer of `/livez` and `/readyz`."""

    status: str


class ImagesAnswer(Record):
    """The answer to several images."""

    images: list[ImageRecord] = Field(description="One record per image, in the order received.")


class FaceMapsRecord(FaceRecord):
    """One face with a map of each class."""

    maps: Annotated[
        dict[str, list[MapRow]],
        Field(json_schema_extra={"required": list(LABELS)}),
    ] = Field(
        description="Mapping of classes to n x n numbers, rows from the top. Positive for the "
        "class and negative against it."
    )
    centers: list[float] = Field(
        description="Centres of the n rows and of the n columns, as fractions of the side of "
        "`square`."
    )
    square: list[float] = Field(
        min_length=4,
        max_length=4,
        description="The classified square: x_min, y_min, x_max, y_max in pixels. It may extend "
        "beyond the image.",
    )
    rotation_degrees: float = Field(
        description="Clockwise rotation of the square about its centre, in degrees."
    )


class ExplanationRecord(Record):
    """The maps of all faces of an image."""

    path: str = Field(description="The name of the image as given.")
    width: int = Field(ge=1, description="Width in pixels.")
    height: int = Field(ge=1, description="Height in pixels.")
    kind: Literal["occlusion", "activation"] = Field(
        description="occlusion: how much a probability drops when a region is blurred. activation: "
        "class-activation map."
    )
    agreement: str = Field(description="How well such maps agree with the model, as measured.")
    faces: list[FaceMapsRecord] = Field(description="The faces, largest first.")
    n_left_out: int = Field(ge=0, description="Smaller faces beyond the limit of the server.")
    warnings: list[str] = Field(default=[], description="Warnings about the image, for users.")


class LimitsRecord(Record):
    """The limits that a client needs to know."""

    image_bytes: int
    image_pixels: int
    images: int
    upload_bytes: int
    frame_bytes: int
    frame_pixels: int
    dropped_per_s: int
    clip_bytes: int
    clip_s: float
    clip_pixels: int
    keep_s: float


class ModelsAnswer(Record):
    """The models of the server, and its limits."""

    schema_version: str
    labels: list[Label]
    model: ExpressionModelRecord
    detector: DetectorRecord
    limits: LimitsRecord


class TicketAnswer(Record):
    """A ticket that opens one stream."""

    ticket: str
    expires_s: float = Field(description="Seconds until the ticket expires.")


class JobRecord(Record):
    """An analysis of a video."""

    id: str = Field(description="Identifier of the job; whoever knows it may fetch the results.")
    name: str = Field(description="Name of the video as given.")
    state: JobState
    n_frames: int = Field(ge=0, description="Analysed frames so far.")
    n_expected: int | None = Field(description="Expected frames; null if unknown.")
    error: ErrorRecord | None = Field(description="The cause if the job failed.")
    warnings: list[str] = Field(description="Warnings about the video, for users.")
    failures: list[str] = Field(
        description="Parts of the video that could not be analysed; empty on success."
    )
    outputs: list[str] = Field(
        description="Outputs that can be fetched: `table`, `summary`, `report`."
    )
    expires_s: float = Field(
        ge=0,
        description="Seconds until the job is deleted. They count from the end of the analysis.",
    )


class StreamStart(Record):
    """The first message of a client on a stream."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    type: Literal["start"]
    ticket: str | None = Field(
        default=None, max_length=256, description="A ticket of `/v1/tickets`."
    )
    min_confidence: Share = Field(
        default=0.0, description="Minimum smoothed probability of a label."
    )


class StreamReady(Record):
    """The answer of the server to `start`."""

    type: Literal["ready"]
    limits: LimitsRecord


class StreamResult(Record):
    """The result for one frame of a stream."""

    type: Literal["result"]
    captured_s: CaptureTime
    processing_ms: float = Field(
        ge=0, description="Milliseconds from the arrival of the frame to its result."
    )
    n_received: int = Field(ge=0, description="Frames received so far.")
    n_dropped: int = Field(
        ge=0, description="Frames dropped so far, because a newer one had arrived."
    )
    result: FrameRecord


class StreamError(Record):
    """An error on a stream; the connection stays open if it concerns one frame only."""

    type: Literal["error"]
    captured_s: CaptureTime | None = None
    error: ErrorRecord
