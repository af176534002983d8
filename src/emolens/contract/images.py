"""What emolens says about an image: the faces in it, or why it could not be read."""

from typing import Any

from pydantic import Field

from emolens.contract.base import Label, Probabilities, Record, Share
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
        description="The detector's score; null where no detector ran."
    )
    label: Label | None = Field(
        description="The class shown to people; null where emolens abstains."
    )
    top: Label = Field(description="The most probable class, also where `label` is null.")
    confidence: Share = Field(description="The probability of `top`.")
    probabilities: Probabilities = Field(
        description="What `top` and `confidence` are taken from: of a stream smoothed over time."
    )
    assessable: bool = Field(description="Whether the face is good enough to read.")
    reasons: list[str] = Field(description="Why it is not.")


class TrackedFaceRecord(FaceRecord):
    """One face of a stream."""

    track_id: int = Field(description="Number of the track: the same face from frame to frame.")
    raw_probabilities: Probabilities = Field(description="Those of the last look alone.")
    scores_age_s: float = Field(ge=0, description="Seconds since that look.")


class ErrorRecord(Record):
    """What went wrong."""

    code: str = Field(description="A short word that stays the same.")
    message: str = Field(description="For people.")


class FacesRecord(Record):
    """The faces of an image in memory."""

    width: int = Field(ge=1, description="Pixels.")
    height: int = Field(ge=1, description="Pixels.")
    faces: list[TrackedFaceRecord | FaceRecord] = Field(description="The largest first.")
    warnings: list[str] = Field(default=[], description="What to know about the input, for people.")


class ImageRecord(Record):
    """A line of `emolens image --jsonl`."""

    path: str = Field(description="As it was given, or found in a folder.")
    width: int | None = Field(description="Pixels; null where it could not be read.")
    height: int | None = Field(description="Pixels; null where it could not be read.")
    error: ErrorRecord | None = Field(description="Why it could not be read.")
    faces: list[FaceRecord] = Field(description="The largest first; empty where there is none.")
    warnings: list[str] = Field(default=[], description="What to know about the image, for people.")


class FrameRecord(Record):
    """A line of `emolens live --jsonl`."""

    time: str = Field(default="", description="When the frame was captured: ISO 8601, UTC.")
    frame: int = Field(description="Number of the frame in its source, from 0.")
    media_time_s: float = Field(description="Time of the frame in its source, in seconds.")
    dropped_before: int = Field(ge=0, description="Frames dropped since the line before.")
    width: int = Field(ge=1, description="Pixels.")
    height: int = Field(ge=1, description="Pixels.")
    faces: list[TrackedFaceRecord | FaceRecord] = Field(description="The largest first.")
    warnings: list[str] = Field(
        default=[], description="What to know about the source, for people."
    )


def face_record(face: FaceResult) -> FaceRecord | TrackedFaceRecord:
    """The record of a face; of one with a track, a `TrackedFaceRecord`."""
    values: dict[str, Any] = {
        "box": list(face.box.to_tuple()),
        "detection_score": face.detection_score,
        "label": None if face.label is None else face.label.label,
        "top": face.top.label,
        "confidence": face.confidence,
        "probabilities": face.scores.to_dict(),
        "assessable": face.quality.is_assessable,
        "reasons": [reason.value for reason in face.quality.reasons],
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
    """The record of all faces of an image."""
    return FacesRecord(**_found(result))


def image_record(path: str, result: FrameResult) -> ImageRecord:
    """The record of an image file that could be read."""
    return ImageRecord(path=path, error=None, **_found(result))


def image_error_record(path: str, error: EmolensError) -> ImageRecord:
    """The record of an image file that could not be read."""
    why = ErrorRecord(code=error.code, message=str(error))
    return ImageRecord(path=path, width=None, height=None, error=why, faces=[])


def frame_record(result: FrameResult, *, time: str | None = None) -> FrameRecord:
    """The record of a frame of a stream; `time` is when it was captured, ISO 8601."""
    return FrameRecord(
        **({} if time is None else {"time": time}),
        frame=result.frame_index,
        media_time_s=result.media_time_s,
        dropped_before=result.dropped_before,
        **_found(result),
    )


def _found(result: FrameResult) -> dict[str, Any]:
    width, height = result.size_wh
    found: dict[str, Any] = {
        "width": width,
        "height": height,
        "faces": [face_record(face) for face in result.faces],
    }
    return found | ({"warnings": list(result.warnings)} if result.warnings else {})
