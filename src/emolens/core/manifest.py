"""What a model file says about itself; the text form stands inside the ONNX file."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TypeVar

from emolens.core.emotion import LABELS
from emolens.core.errors import ModelError

SCHEMA_VERSION = 1
# Stands in for the digest while the digest itself is computed.
BLANK_SHA256 = "0" * 64

_Spec = TypeVar("_Spec", "InputSpec", "ModelManifest", "LandmarkManifest")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a face becomes a network's input.

    Attributes:
        size_px: Side of the square input.
        color: Always `"gray"`.
        mean: Subtracted after scaling grey values to 0..1.
        std: Divided by afterwards.
        interpolation: Always `"area"`: area averaging when shrinking, bilinear when growing.
        framing: Which data set's framing of faces the model was trained on; always `"fer2013"`.
    """

    size_px: int
    mean: float
    std: float
    color: str = "gray"
    interpolation: str = "area"
    framing: str = "fer2013"

    def __post_init__(self) -> None:
        if not 16 <= self.size_px <= 512:
            raise ModelError(f"input.size_px must be 16..512, got {self.size_px}")
        if not (math.isfinite(self.mean) and math.isfinite(self.std) and self.std > 0):
            raise ModelError(
                f"input.mean must be finite and input.std > 0, got {self.mean}, {self.std}"
            )
        for key, got, allowed in (
            ("color", self.color, "gray"),
            ("interpolation", self.interpolation, "area"),
            ("framing", self.framing, "fer2013"),
        ):
            if got != allowed:
                raise ModelError(f"input.{key} must be {allowed!r}, got {got!r}")


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """Origin, meaning and measured quality of an emotion model.

    Attributes:
        name: The model's name.
        labels: Its classes; anything but the order of `Emotion` is refused.
        input: How faces are prepared for it.
        temperature: The logits are divided by this before the softmax
            (Guo et al. 2017, "On Calibration of Modern Neural Networks").
        dataset: What it was trained on.
        code_revision: Git revision of the code that trained it, or `"unknown"`.
        metrics: Figures measured on the validation split, e.g. `{"accuracy": 0.66}`.
        license: Licence of the weights (SPDX identifier).
        pretrained: Networks whose weights it began with, joined by `" + "`; empty for a model that
            was trained from scratch.
        sha256: SHA-256 of the file with these 64 digits replaced by zeros.
        schema_version: Version of this list of fields.
    """

    name: str
    labels: tuple[str, ...]
    input: InputSpec
    temperature: float
    dataset: str
    code_revision: str
    metrics: Mapping[str, float]
    license: str
    pretrained: str = ""
    sha256: str = BLANK_SHA256
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if tuple(self.labels) != LABELS:
            raise ModelError(
                f"the model's labels are {list(self.labels)}; they must be {list(LABELS)}, "
                "in this order"
            )
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ModelError(f"temperature must be > 0, got {self.temperature}")
        _check_version_and_digest(self.schema_version, self.sha256)

    def to_json(self) -> str:
        """The manifest as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "ModelManifest":
        """Read `to_json`'s text; raises `ModelError` for unknown, missing or wrong values."""
        values = _read_object(text)
        given = values.get("input")
        if not isinstance(given, dict):
            raise ModelError("the model's manifest must be a JSON object with an object 'input'")
        spec = _build(InputSpec, given, "input.")
        labels = values.get("labels")
        if not isinstance(labels, list):
            raise ModelError(f"the manifest's labels must be a list, got {labels!r}")
        return _build(ModelManifest, {**values, "input": spec, "labels": tuple(labels)}, "")


@dataclass(frozen=True, slots=True)
class LandmarkManifest:
    """Origin, input and measured quality of a landmark model.

    Attributes:
        name: The model's name.
        size_px: Side of the grey close-up that it reads.
        scale: Side of the close-up in longer sides of the face's box.
        dataset: What it was trained on.
        teachers: The detectors that taught it.
        code_revision: Git revision of the code that trained it, or `"unknown"`.
        metrics: Figures measured on the validation images.
        license: Licence of the weights (SPDX identifier).
        sha256: SHA-256 of the file with these 64 digits replaced by zeros.
        schema_version: Version of this list of fields.
    """

    name: str
    size_px: int
    scale: float
    dataset: str
    teachers: str
    code_revision: str
    metrics: Mapping[str, float]
    license: str
    sha256: str = BLANK_SHA256
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if not 16 <= self.size_px <= 512:
            raise ModelError(f"size_px must be 16..512, got {self.size_px}")
        if not 1 <= self.scale <= 3:
            raise ModelError(f"scale must be 1..3, got {self.scale}")
        _check_version_and_digest(self.schema_version, self.sha256)

    def to_json(self) -> str:
        """The manifest as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "LandmarkManifest":
        """Read `to_json`'s text; raises `ModelError` for unknown, missing or wrong values."""
        return _build(LandmarkManifest, _read_object(text), "")


def _read_object(text: str) -> dict[str, object]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ModelError(f"the model's manifest is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ModelError("the model's manifest must be a JSON object")
    return values


def _check_version_and_digest(schema_version: int, sha256: str) -> None:
    if schema_version != SCHEMA_VERSION:
        raise ModelError(
            f"manifest schema_version is {schema_version}, this emolens reads {SCHEMA_VERSION}; "
            "export the model again with this version"
        )
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ModelError(f"sha256 must be 64 hexadecimal digits, got {sha256!r}")


def _build(cls: type[_Spec], values: Mapping[str, object], prefix: str) -> _Spec:
    known = {field.name for field in fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ModelError(
            f"the manifest has unknown keys {[prefix + key for key in unknown]}; "
            f"known: {[prefix + key for key in sorted(known)]}"
        )
    try:
        return cls(**values)  # type: ignore[arg-type]  # wrong types end in the TypeError below
    except TypeError as error:
        raise ModelError(f"the manifest does not fit: {error}") from error
