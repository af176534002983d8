"""The manifest of a model, which is stored as JSON inside the ONNX file."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TypeVar

from emolens.core.emotion import LABELS
from emolens.core.errors import ModelError

SCHEMA_VERSION = 1
# Placeholder in the file while its digest is computed.
BLANK_SHA256 = "0" * 64

_Spec = TypeVar("_Spec", "InputSpec", "ModelManifest", "LandmarkManifest")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The preprocessing of a face crop for a network.

    Attributes:
        size_px: Side of the square input in pixels, 16..512.
        color: Always `"gray"`.
        mean: Mean to subtract from grey values in 0..1.
        std: Standard deviation to divide by afterwards.
        interpolation: Always `"area"`: area averaging to shrink, bilinear to enlarge.
        framing: Framing of faces in the training data; always `"fer2013"`.
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
    """The manifest of an emotion model: origin, input, labels and metrics.

    Attributes:
        name: Name of the model.
        labels: The classes, always in the order of `Emotion`.
        input: Preprocessing of face crops.
        temperature: Divisor of the logits before the softmax, > 0
            (Guo et al. 2017, "On Calibration of Modern Neural Networks").
        dataset: The training data.
        code_revision: Git revision of the training code, or `"unknown"`.
        metrics: Metrics on the validation split, e.g. `{"accuracy": 0.66}`.
        license: Licence of the weights (SPDX identifier).
        pretrained: Networks with the initial weights, joined by `" + "`; empty for a model trained
            from scratch.
        sha256: SHA-256 of the file with these 64 digits replaced by zeros.
        schema_version: Version of these fields.
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
                f"the model's labels are {list(self.labels)}; allowed: {list(LABELS)}, "
                "in this order"
            )
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ModelError(f"temperature must be > 0, got {self.temperature}")
        _check_version_and_digest(self.schema_version, self.sha256)

    def to_json(self) -> str:
        """Return the manifest as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "ModelManifest":
        """Parse the text of `to_json`.

        Raises:
            ModelError: A key is unknown or missing, or a value is not allowed.
        """
        values = _read_object(text)
        spec_values = values.get("input")
        if not isinstance(spec_values, dict):
            raise ModelError("the model's manifest must be a JSON object with an object 'input'")
        spec = _build(InputSpec, spec_values, "input.")
        labels = values.get("labels")
        if not isinstance(labels, list):
            raise ModelError(f"the manifest's labels must be a list, got {labels!r}")
        return _build(ModelManifest, {**values, "input": spec, "labels": tuple(labels)}, "")


@dataclass(frozen=True, slots=True)
class LandmarkManifest:
    """The manifest of a landmark model: origin, input and metrics.

    Attributes:
        name: Name of the model.
        size_px: Side of the square grey input crop in pixels, 16..512.
        scale: Side of the crop divided by the longer side of the face's box, 1..3.
        dataset: The training data.
        teachers: The detectors that labelled the training data.
        code_revision: Git revision of the training code, or `"unknown"`.
        metrics: Metrics on the validation images.
        license: Licence of the weights (SPDX identifier).
        sha256: SHA-256 of the file with these 64 digits replaced by zeros.
        schema_version: Version of these fields.
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
        """Return the manifest as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "LandmarkManifest":
        """Parse the text of `to_json`.

        Raises:
            ModelError: A key is unknown or missing, or a value is not allowed.
        """
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
            f"manifest schema_version is {schema_version}; this version of emolens reads "
            f"{SCHEMA_VERSION}. Export the model again with this version."
        )
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ModelError(f"sha256 must be 64 hexadecimal digits, got {sha256!r}")


def _build(cls: type[_Spec], values: Mapping[str, object], prefix: str) -> _Spec:
    known = {field.name for field in fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ModelError(
            f"the manifest has unknown keys {[prefix + key for key in unknown]}; "
            f"allowed: {[prefix + key for key in sorted(known)]}"
        )
    try:
        return cls(**values)  # type: ignore[arg-type]  # wrong types raise the TypeError below
    except TypeError as error:
        raise ModelError(
            f"the manifest has missing keys or values of a wrong type: {error}"
        ) from error
