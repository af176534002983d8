"""Faces as table rows, with the same columns in all formats.

`p_` columns are the probabilities of the last classification, and `s_` columns are smoothed over
time. `top` and `confidence` come from the smoothed probabilities if available.
"""

from typing import Any, Final

from pydantic import Field, create_model

from emolens.contract.base import SHOT, Label, Record, Share
from emolens.core.emotion import LABELS
from emolens.core.errors import EmolensError
from emolens.core.face import FaceResult
from emolens.core.frame import Cell, FrameResult


class _FaceColumns(Record):
    x_min: float | None = Field(default=None, description="Left edge of the box in pixels.")
    y_min: float | None = Field(default=None, description="Upper edge of the box in pixels.")
    x_max: float | None = Field(default=None, description="Right edge of the box in pixels.")
    y_max: float | None = Field(default=None, description="Lower edge of the box in pixels.")
    detection_score: Share | None = Field(
        default=None, description="The detector's score; empty if no detector ran."
    )
    label: Label | None = Field(
        default=None, description="The class to display; empty if emolens abstains."
    )
    top: Label | None = Field(default=None, description="The most probable class.")
    confidence: Share | None = Field(default=None, description="The probability of `top`.")


class _FrameColumns(Record):
    frame: int = Field(description="Number of the frame in its source, from 0.")
    # Sources may report NaN, which tables can store and JSON cannot.
    media_time_s: float = Field(
        allow_inf_nan=True, description="Time of the frame in its source, in seconds."
    )
    shot: int = Field(ge=1, description=SHOT)
    track_id: int | None = Field(
        default=None, description="Number of the track; empty in a frame without a face."
    )


class _ImageColumns(Record):
    path: str = Field(description="The path as given, or as listed in a folder.")
    face: int | None = Field(
        default=None,
        description="Number of the face in the image, from 1, largest first; empty without a face.",
    )
    width: int | None = Field(
        default=None, description="Width in pixels; empty if the image cannot be read."
    )
    height: int | None = Field(
        default=None, description="Height in pixels; empty if the image cannot be read."
    )


def _class_columns(prefix: str, description: str) -> dict[str, Any]:
    return {
        f"{prefix}_{label}": (
            Share | None,
            Field(default=None, description=description.format(label=label)),
        )
        for label in LABELS
    }


_SCORE_COLUMNS: Final[dict[str, Any]] = {
    **_class_columns("p", "Probability of {label} in the last classification."),
    **_class_columns("s", "Probability of {label}, smoothed over time; empty outside a stream."),
    "assessable": (
        bool | None,
        Field(default=None, description="Whether the face can be assessed."),
    ),
    "reasons": (
        str | None,
        Field(
            default=None,
            description="Why the face cannot be assessed, separated by spaces; empty if it can.",
        ),
    ),
}
_FACE: Final[dict[str, Any]] = {
    **{name: (field.annotation, field) for name, field in _FaceColumns.model_fields.items()},
    **_SCORE_COLUMNS,
}
FaceRow: Final[type[Record]] = create_model(
    "FaceRow", __base__=Record, __doc__="A row of `FrameResult.to_rows`: one face.", **_FACE
)
TableRow: Final[type[Record]] = create_model(
    "TableRow",
    __base__=_FrameColumns,
    __doc__="A row of `emolens video --table`: one face, or a frame without faces.",
    **_FACE,
)
ImageRow: Final[type[Record]] = create_model(
    "ImageRow",
    __base__=_ImageColumns,
    __doc__="A row of `emolens image --table`: one face, or an image without a face.",
    **_FACE,
    error=(
        str | None,
        Field(default=None, description="Identifier of the error if the image cannot be read."),
    ),
    message=(str | None, Field(default=None, description="The error as a message for users.")),
)
ROW_COLUMNS: Final = tuple(FaceRow.model_fields)
"""The keys of every row of `FrameResult.to_rows`, in order."""
TABLE_COLUMNS: Final = tuple(TableRow.model_fields)
"""The columns of a video table, in order."""
IMAGE_TABLE_COLUMNS: Final = tuple(ImageRow.model_fields)
"""The columns of an image table, in order."""


def face_rows(result: FrameResult) -> list[dict[str, Cell]]:
    """Return one dict with `ROW_COLUMNS` for each face; an empty list without faces."""
    return [FaceRow(**_values(face)).model_dump() for face in result.faces]


def table_rows(result: FrameResult) -> list[dict[str, Cell]]:
    """Return one dict with `TABLE_COLUMNS` for each face, or a single one without faces."""
    frame = {
        "frame": result.frame_index,
        "media_time_s": result.media_time_s,
        "shot": result.shot,
    }
    rows = [
        TableRow(**frame, track_id=face.track_id, **_values(face)) for face in result.faces
    ] or [TableRow(**frame)]
    return [row.model_dump() for row in rows]


def image_rows(path: str, result: FrameResult) -> list[dict[str, Cell]]:
    """Return one dict with `IMAGE_TABLE_COLUMNS` for each face, or a single one without faces."""
    width, height = result.size_wh
    image = {"path": path, "width": width, "height": height}
    rows = [
        ImageRow(**image, face=number, **_values(face))
        for number, face in enumerate(result.faces, start=1)
    ] or [ImageRow(**image)]
    return [row.model_dump() for row in rows]


def image_error_rows(path: str, error: EmolensError) -> list[dict[str, Cell]]:
    """Return the row of an image that cannot be read, with `IMAGE_TABLE_COLUMNS`."""
    values = {"path": path, "error": error.code, "message": str(error)}
    return [ImageRow(**values).model_dump()]


def _values(face: FaceResult) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = face.box.to_tuple()
    smoothed = face.smoothed.to_dict() if face.smoothed else {}
    return {
        "x_min": x_min,
        "y_min": y_min,
        "x_max": x_max,
        "y_max": y_max,
        "detection_score": face.detection_score,
        "label": None if face.label is None else face.label.label,
        "top": face.top.label,
        "confidence": face.confidence,
        **{f"p_{label}": value for label, value in face.raw.to_dict().items()},
        **{f"s_{label}": value for label, value in smoothed.items()},
        "assessable": face.assessable,
        "reasons": " ".join(face.reasons) or None,
    }
