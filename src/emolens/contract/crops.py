"""Rows of the table beside cropped faces."""

from typing import Final

from pydantic import Field

from emolens.contract.base import Record, Share


class CropRow(Record):
    """A row of `crops.csv` from `emolens crop`: one face, or an image without a face."""

    file: str | None = Field(
        default=None, description="Path of the crop in the folder; empty if none was written."
    )
    path: str = Field(description="The path of the image as given, or as listed in a folder.")
    face: int | None = Field(
        default=None,
        description="Number of the face in the image, from 1, largest first; empty without a face.",
    )
    width: int | None = Field(
        default=None, description="Width of the image; empty if it cannot be read."
    )
    height: int | None = Field(
        default=None, description="Height of the image; empty if it cannot be read."
    )
    x_min: float | None = Field(default=None, description="Left edge of the box in pixels.")
    y_min: float | None = Field(default=None, description="Upper edge of the box in pixels.")
    x_max: float | None = Field(default=None, description="Right edge of the box in pixels.")
    y_max: float | None = Field(default=None, description="Lower edge of the box in pixels.")
    crop_x_min: float | None = Field(
        default=None, description="Left edge of the cropped square before its rotation, in pixels."
    )
    crop_y_min: float | None = Field(
        default=None, description="Upper edge of the cropped square before its rotation, in pixels."
    )
    crop_side: float | None = Field(
        default=None, description="Side of the cropped square in pixels of the image."
    )
    turn_degrees: float | None = Field(
        default=None, description="Clockwise rotation of the square about its centre."
    )
    detection_score: Share | None = Field(default=None, description="The detector's score.")
    sharpness: float | None = Field(
        default=None, description="Fine detail at 48 px; 0 is a flat surface."
    )
    assessable: bool | None = Field(default=None, description="Whether the face can be assessed.")
    reasons: str | None = Field(
        default=None, description="Reasons why the face cannot be assessed, with spaces between."
    )
    error: str | None = Field(
        default=None, description="Identifier of the error if the image cannot be read."
    )
    message: str | None = Field(default=None, description="The error as a message for users.")


CROP_COLUMNS: Final = tuple(CropRow.model_fields)
"""The columns of `crops.csv`, in order."""
