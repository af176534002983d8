"""Training recipes: all settings of a run as plain values, with validation.

`recipe_file` reads recipes from TOML. Unknown keys are refused, which catches typing errors.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from emolens.core.emotion import LABELS, N_EMOTIONS
from emolens.datasets.cleaning import DropRule
from emolens.datasets.targets import Target
from emolens.training.network_sections import FaceResNetSection, NetworkSection, ResNetSection
from emolens.training.recipe_section import Count, Fraction, Section, SidePx


class DataSection(Section):
    """A data set, its cleaning and its weight.

    A recipe has one `[data]` section or several `[[data]]` sections.
    """

    name: str = "unnamed"
    """Name of the data set in messages and in the manifest of the model."""
    source: Path
    """Any source that `emolens data info` reads; training uses its `train` split."""
    validation: Path | None = None
    """Source of the `validation` split; by default `source`."""
    hold_out: float = Field(0.0, ge=0, lt=1)
    """Fraction of the training faces used for validation, for a source without a validation split.
    Faces of one subject stay together, as do identical images."""
    target: Target = Target.LABEL
    """Training target: the source's `label`, or FER+'s `majority`, `soft` or `multi` target. It is
    the ground truth of the validation too."""
    drop: tuple[DropRule, ...] = ()
    """Training faces to drop: `not_a_face`, `duplicates`, `conflicts`, `leaks`."""
    refuse: tuple[DropRule, ...] = ()
    """The same rules as checks: the run stops if one of them applies to any training face."""
    clean: Path | None = None
    """A file of `emolens data audit --clean` that lists training rows to drop, before `drop`."""
    damaged: Literal["refuse", "skip"] = "refuse"
    """Whether a missing or damaged image or a label out of range stops the run (`refuse`), or is
    skipped and counted (`skip`)."""
    weight: float = Field(1.0, gt=0)
    """Weight of each face of this source in the loss."""
    repeat: float = Field(1.0, gt=0)
    """Mean number of times each face of this source is drawn in an epoch."""
    label_smoothing: Fraction | None = None
    """Label smoothing of this source, for labels that are less reliable than others; by default
    `loss.label_smoothing`."""
    teacher_weight: Fraction | None = None
    """Fraction of the target that comes from the teachers, with `teacher.asked_about = "faces"`; by
    default `teacher.weight`. With 1 the labels of this source are ignored, and its faces are not
    used for validation unless `validation` is set."""
    crop: float = Field(1.0, gt=0, le=1)
    """Side of the central square that is used, as a fraction of the image's shorter side, for
    sources that show more around the face than FER2013."""

    @property
    def is_unlabelled(self) -> bool:
        """Whether the labels of this source are ignored."""
        return self.teacher_weight == 1

    @model_validator(mode="before")
    @classmethod
    def _read_former_key(cls, values: object) -> object:
        # Checkpoints and recipes until version 0.1 call the key `faults`.
        # A `damaged` beside it comes from `--set`, and takes precedence.
        if isinstance(values, dict) and "faults" in values:
            former = {"damaged": values["faults"]}
            return former | {key: one for key, one in values.items() if key != "faults"}
        return values


class FacesSection(Section):
    """Classes and sampling, over all sources together."""

    classes: tuple[str, ...] = LABELS
    """Classes to predict; the others get the probability 0."""
    size_px: SidePx | None = None
    """Side at which faces are kept in memory; by default that of the network."""
    sampling: Literal["uniform", "sqrt", "balanced"] = "uniform"
    """Sampling of classes: by frequency, by its square root, or equally often."""

    @model_validator(mode="after")
    def _check_classes(self) -> Self:
        unknown = [label for label in self.classes if label not in LABELS]
        if unknown or len(set(self.classes)) < max(2, len(self.classes)):
            raise ValueError(
                f"classes must be two or more different ones of {', '.join(LABELS)}; got "
                f"{list(self.classes)}. Models have no other classes: assign folders with other "
                "names to these in a label_map.toml in the data set"
            )
        return self


class AugmentSection(Section):
    """Random augmentation, drawn anew for each image of a batch."""

    flip: Fraction = 0.5
    """Probability of a horizontal flip."""
    rotation_deg: float = Field(12.0, ge=0, le=180)
    """Rotation, uniform within plus or minus this angle."""
    zoom: float = Field(0.15, ge=0, lt=1)
    """Zoom factor, uniform within 1 plus or minus this value."""
    shift: Fraction = 0.08
    """Shift along each axis, uniform within plus or minus this fraction of the side."""
    shear_deg: float = Field(5.0, ge=0, le=45)
    """Horizontal shear, uniform within plus or minus this angle."""
    brightness: Fraction = 0.2
    """Brightness offset, uniform within plus or minus this fraction of the full range."""
    contrast: Fraction = 0.3
    """Contrast factor around the image's mean, uniform within 1 plus or minus this value."""
    erase: Fraction = 0.25
    """Probability of filling a rectangle of 2 to 20 % of the image with noise."""
    mix: Fraction = 0.5
    """Probability of mixing a batch: mixup (beta 0.2) or cutmix (beta 0.5), with equal odds."""


class LossSection(Section):
    """The training loss. The defaults give cross-entropy with label smoothing."""

    label_smoothing: Fraction = 0.1
    """Fraction of every target that is spread over all classes (Szegedy et al. 2016)."""
    class_weights: Literal["none", "sqrt", "inverse", "effective"] = "none"
    """Weight by class frequency n: 1, n^-1/2, 1/n, or 1/(1-0.999^n) (Cui et al. 2019)."""
    focal_gamma: float = Field(0.0, ge=0)
    """Exponent of the focal loss (Lin et al. 2017), which lowers the weight of easy faces; 0 turns
    it off."""
    logit_adjustment: float = Field(0.0, ge=0)
    """Factor of the log class frequencies that are added to the logits in training (Menon et al.
    2021)."""
    vote_weight: float = Field(0.0, ge=0)
    """Weight of a second head that learns the shares of FER+'s votes, for training only."""


class AnswerSection(Section):
    """The outputs and the input of the exported model.

    Nothing here affects training. `emolens export --set answer.votes=0.5` can change it later.
    """

    votes: Fraction = 0.0
    """Weight of the head for FER+'s votes in the exported logits; the head for labels has the rest.
    Both are linear, so their mean is one layer and costs nothing."""
    balance: Fraction = 0.0
    """Factor of the log class frequencies that are subtracted from the logits. With 1, the model
    predicts as if all classes were equally frequent (Menon et al. 2021)."""
    calibrated_on: Target = Target.LABEL
    """Ground truth of the calibration: the source's `label`, or FER+'s `majority`."""
    leak_free: bool = False
    """Calibrate without validation faces that are near-duplicates of `train` faces of their source.
    A network is overconfident on faces that it has seen."""
    size_px: SidePx | None = None
    """Input side of the exported model, which resizes faces itself; by default that of the
    network."""


class TeacherSection(Section):
    """Knowledge distillation from trained networks (Hinton et al. 2015)."""

    checkpoints: tuple[Path, ...] = Field(min_length=1)
    """Checkpoints of `emolens train`. The target is the mean of their predictions."""
    asked_about: Literal["batches", "faces"] = "batches"
    """`batches`: teachers predict every augmented and mixed batch that the student sees (Beyer et
    al. 2022), and teach the head for labels. `faces`: they predict every face once before training,
    and teach both heads; this is much cheaper."""
    weight: Fraction = 0.7
    """Weight of the teachers; the labels have the rest."""
    temperature: float = Field(3.0, gt=0)
    """Temperature of both logits in the distillation loss, with `batches`."""


class ScheduleSection(Section):
    """Optimiser and batches."""

    batch_size: int = Field(128, ge=2)
    """Faces per step, over all devices."""
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    """AdamW, Adam, or SGD with Nesterov momentum 0.9."""
    weight_decay: float = Field(0.05, ge=0)
    """Weight decay, except for biases and normalisation layers."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay per step of the moving average of weights, which is validated and exported."""


class PhaseSection(Section):
    """A phase of the run. It starts from the best network of the previous phase."""

    epochs: Count = 40
    peak_rate: float = Field(2e-3, gt=0)
    """Learning rate after the warm-up; it decreases to 0 along a cosine."""
    warmup_epochs: float = Field(2.0, ge=0)
    """Epochs of linear warm-up."""
    plain_epochs: int = Field(5, ge=0)
    """Number of last epochs without mixup and cutmix."""
    learning_stages: int | None = Field(None, ge=0)
    """Number of last stages to train besides the head; by default all. 0 trains the head alone on
    features that are computed once. Frozen stages keep their batch statistics."""
    stage_rate_decay: float = Field(1.0, gt=0, le=1)
    """Learning rate of a stage relative to that of the next stage."""
    sizes: tuple[tuple[SidePx, Count], ...] = ()
    """Progressive resizing: pairs of side and number of epochs, before the network's `size_px`."""
    patience: int | None = Field(None, ge=1)
    """Epochs without a better validation accuracy after which the phase stops early."""

    @model_validator(mode="after")
    def _check_epochs(self) -> Self:
        if sum(epochs for _, epochs in self.sizes) >= self.epochs:
            raise ValueError("sizes must leave epochs for the network's size_px; raise epochs")
        return self


class HardwareSection(Section):
    """Precision and devices. They change the result by rounding only."""

    precision: Literal["fp32", "bf16"] = "fp32"
    """Precision of convolutions and matrix products; weights stay fp32."""
    devices: Count = 1
    """GPUs per machine, or CPU processes without a GPU (data parallel)."""
    num_nodes: Count = 1
    """Number of machines."""


class Recipe(Section):
    """All settings of a run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    seed: int = Field(0, ge=0, lt=1 << 20)
    license: str = "LicenseRef-unstated"
    """Licence of the weights (SPDX identifier), for the manifest."""
    pretrained: str = ""
    """Name of the pretrained network behind the weights, directly or through other recipes, for the
    manifest."""
    start: Path | None = None
    """Checkpoint of the same architecture to initialise the weights from."""
    snapshots: bool = False
    """Export the mean of the best networks of all phases (Huang et al. 2017) instead of the last
    one."""
    ensemble: tuple[Path, ...] = ()
    """Checkpoints of the same architecture. The exported model is the mean of them and the new
    network."""
    data: tuple[DataSection, ...] = Field(min_length=1)
    faces: FacesSection = FacesSection()
    network: NetworkSection = ResNetSection()
    augment: AugmentSection = AugmentSection()
    loss: LossSection = LossSection()
    answer: AnswerSection = AnswerSection()
    teacher: TeacherSection | None = None
    schedule: ScheduleSection = ScheduleSection()
    hardware: HardwareSection = HardwareSection()
    phases: tuple[PhaseSection, ...] = Field((PhaseSection(),), min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _list_sources(cls, values: object) -> object:
        """Turn a single `[data]` section into a list.

        It may hold keys of [faces], as in recipes from before `[[data]]`.
        """
        if not isinstance(values, dict) or not isinstance(values.get("data"), dict):
            return values
        shared = FacesSection.model_fields
        moved = {key: value for key, value in values["data"].items() if key in shared}
        data = {key: value for key, value in values["data"].items() if key not in shared}
        faces = values.get("faces", {})
        if not isinstance(faces, dict):
            return {**values, "data": [data]}
        twice = sorted(moved.keys() & faces.keys())
        if twice:
            raise ValueError(
                f"faces.{twice[0]} is set in both [data] and [faces]; set it in [faces] alone"
            )
        return {**values, "data": [data], "faces": {**moved, **faces} if moved else faces}

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        names = [source.name for source in self.data]
        if len(set(names)) < len(names):
            raise ValueError("the names of [[data]] sections must differ; give each one a name")
        if any(source.target is Target.MULTI for source in self.data) and self.augment.mix:
            raise ValueError(
                "target = 'multi' does not work with mixed faces; set augment.mix = 0 or choose "
                "another target"
            )
        return self

    @property
    def data_size_px(self) -> int:
        """Side at which faces are kept in memory."""
        return self.faces.size_px or self.network.size_px

    @property
    def class_indices(self) -> tuple[int, ...]:
        """The predicted classes as values of `Emotion`, in its order."""
        return tuple(i for i in range(N_EMOTIONS) if LABELS[i] in self.faces.classes)

    @property
    def has_teacher_of_batches(self) -> bool:
        """Whether teachers predict every training batch."""
        return self.teacher is not None and self.teacher.asked_about == "batches"

    @property
    def rebalances(self) -> bool:
        """Whether the recipe changes the weights of classes from their frequencies."""
        loss = self.loss
        return (
            self.faces.sampling != "uniform"
            or loss.class_weights != "none"
            or loss.logit_adjustment > 0
            or self.answer.balance > 0
        )

    @model_validator(mode="after")
    def _check_phases(self) -> Self:
        resizes = any(phase.sizes for phase in self.phases)
        if resizes and not isinstance(self.network, ResNetSection | FaceResNetSection):
            raise ValueError("phases.sizes needs a network of kind resnet or face-resnet")
        if self.snapshots and len(self.phases) < 2:
            raise ValueError(f"snapshots needs two or more phases; got {len(self.phases)}")
        if self.has_teacher_of_batches and any(p.learning_stages == 0 for p in self.phases):
            raise ValueError(
                "teacher.asked_about = 'batches' does not work with learning_stages = 0; set "
                "teacher.asked_about = 'faces'"
            )
        asks_about_faces = self.teacher and self.teacher.asked_about == "faces"
        if not asks_about_faces and any(one.teacher_weight is not None for one in self.data):
            raise ValueError("data.teacher_weight needs teacher.asked_about = 'faces'")
        return self

    @model_validator(mode="after")
    def _check_answer(self) -> Self:
        if not self.answer.votes:
            return self
        if not self.loss.vote_weight:
            raise ValueError("answer.votes needs a head for votes; set loss.vote_weight above 0")
        if getattr(self.network, "hidden", ()):
            raise ValueError(
                "answer.votes needs a network without hidden layers; remove network.hidden"
            )
        return self

    @model_validator(mode="after")
    def _check_imbalance(self) -> Self:
        loss = self.loss
        if self.faces.sampling != "uniform" and (
            loss.class_weights != "none" or loss.logit_adjustment
        ):
            raise ValueError(
                "faces.sampling corrects for class imbalance twice together with "
                "loss.class_weights or loss.logit_adjustment; set sampling or the others"
            )
        return self

    @model_validator(mode="after")
    def _check_processes(self) -> Self:
        n_processes = self.hardware.devices * self.hardware.num_nodes
        n_faces, rest = divmod(self.schedule.batch_size, n_processes)
        if rest or n_faces < 2:
            raise ValueError(
                f"schedule.batch_size {self.schedule.batch_size} must be a multiple of the "
                f"{n_processes} processes, with 2 or more faces each"
            )
        return self
