"""Records of an image: the faces in it, or the error that prevented reading it."""

from typing import Any

from pydantic import Field

from emolens.contract.base import SHOT, Label, Probabilities, Record, Share
from emolens.core.errors import EmolensError
from emolens.core.face import FaceResult
from emolens.core.frame import FrameResult


class FaceRecord(Record):
    """One face."""

    box: list[float] = Field(
        min_length=4,
        max_length=4,
        description="x_min, y_min, x_max, y_max in pixels, origin top left, half-open.",
    )
    detection_score: Share | None = Field(
        description="The detector's score; null if no detector ran."
    )
    label: Label | None = Field(description="The class to display; null if emolens abstains.")
    top: Label = Field(description="The most probable class, even if `label` is null.")
    confidence: Share = Field(description="The probability of `top`.")
    probabilities: Probabilities = Field(
        description="The probability of each class; smoothed over time in a stream."
    )
    assessable: bool = Field(description="Whether the face can be assessed.")
    reasons: list[str] = Field(description="Reasons why the face cannot be assessed.")


class TrackedFaceRecord(FaceRecord):
    """One face of a stream."""

    track_id: int = Field(description="Number of the track: the same face from frame to frame.")
    raw_probabilities: Probabilities = Field(
        description="The probabilities of the last classification, before smoothing."
    )
    scores_age_s: float = Field(ge=0, description="Seconds since the last classification.")


class ErrorRecord(Record):
    """An error."""

    code: str = Field(description="A stable identifier of the error.")
    message: str = Field(description="The message for users.")


class FacesRecord(Record):
    """The faces of an image in memory."""

    width: int = Field(ge=1, description="Width in pixels.")
    height: int = Field(ge=1, description="Height in pixels.")
    faces: list[TrackedFaceRecord | FaceRecord] = Field(description="The faces, largest first.")
    warnings: list[str] = Field(default=[], description="Warnings about the input, for users.")


class ImageRecord(Record):
    """A line of `emolens image --jsonl`."""

    path: str = Field(description="The path as given, or as listed in a folder.")
    width: int | None = Field(description="Width in pixels; null if the image cannot be read.")
    height: int | None = Field(description="Height in pixels; null if the image cannot be read.")
    error: ErrorRecord | None = Field(description="The error if the image cannot be read.")
    faces: list[FaceRecord] = Field(description="The faces, largest first; empty without faces.")
    warnings: list[str] = Field(default=[], description="Warnings about the image, for users.")


class FrameRecord(Record):
    """A line of `emolens live --jsonl`."""

    time: str = Field(default="", description="Capture time of the frame: ISO 8601, UTC.")
    frame: int = Field(description="Number of the frame in its source, from 0.")
    media_time_s: float = Field(description="Time of the frame in its source, in seconds.")
    dropped_before: int = Field(ge=0, description="Frames dropped since the previous line.")
    shot: int = Field(ge=1, description=SHOT)
    width: int = Field(ge=1, description="Width in pixels.")
    height: int = Field(ge=1, description="Height in pixels.")
    faces: list[TrackedFaceRecord | FaceRecord] = Field(description="The faces, largest first.")
    warnings: list[str] = Field(default=[], description="Warnings about the source, for users.")


def face_record(face: FaceResult) -> FaceRecord | TrackedFaceRecord:
    """Create the record of a face; a `TrackedFaceRecord` if it has a track."""
    values: dict[str, Any] = {
        "box": list(face.box.to_tuple()),
        "detection_score": face.detection_score,
        "label": None if face.label is None else face.label.label,
        "top": face.top.label,
        "confidence": face.confidence,
        "probabilities": face.scores.to_dict(),
        "assessable": face.assessable,
        "reasons": [reason.value for reason in face.reasons],
    }
    if face.track_id is None:
        return FaceRecord(**values)
    return TrackedFaceRecord(
        **values,
        track_id=face.track_id,
        raw_probabilities=face.raw.to_dict(),
        scores_age_s=face.scores_age_s,
    )


def faces_record(result: FrameResult) -> FacesRecord:
    """Create the record of all faces of an image."""
    return FacesRecord(**_faces_values(result))


def image_record(path: str, result: FrameResult) -> ImageRecord:
    """Create the record of an analysed image file."""
    return ImageRecord(path=path, error=None, **_faces_values(result))


def image_error_record(path: str, error: EmolensError) -> ImageRecord:
    """Create the record of an image file that cannot be read."""
    cause = ErrorRecord(code=error.code, message=str(error))
    return ImageRecord(path=path, width=None, height=None, error=cause, faces=[])


def frame_record(result: FrameResult, *, time: str | None = None) -> FrameRecord:
    """Create the record of a frame of a stream; `time` is its capture time in ISO 8601."""
    return FrameRecord(
        **({} if time is None else {"time": time}),
        frame=result.frame_index,
        media_time_s=result.media_time_s,
        dropped_before=result.dropped_before,
        shot=result.shot,
        **_faces_values(result),
    )


def _faces_values(result: FrameResult) -> dict[str, Any]:
    width, height = result.size_wh
    values: dict[str, Any] = {
        "width": width,
        "height": height,
        "faces": [face_record(face) for face in result.faces],
    }
    return values | ({"warnings": list(result.warnings)} if result.warnings else {})
