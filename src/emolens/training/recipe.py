"""A training recipe: everything a run depends on, as plain values with checks.

`recipe_file` reads one from TOML. Unknown keys are refused, so a typing error cannot silently
train something else.
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
    """Where faces are, and how far they are trusted. Relative paths start at the current folder.

    A recipe has one `[data]` section or several `[[data]]` ones.
    """

    name: str = "unnamed"
    """What the data set is called in messages and in the manifest of the model."""
    source: Path
    """Any source that `emolens data info` reads; its `train` split is trained on."""
    validation: Path | None = None
    """Where the `validation` split is; the same source unless given."""
    hold_out: float = Field(0.0, ge=0, lt=1)
    """Part of the training faces that is validated on instead, where there is no validation
    split: whole people where the source names them, copies of an image always together."""
    target: Target = Target.LABEL
    """What is learnt: the source's `label`, or FER+'s `majority`, `soft` or `multi` target. Faces
    are validated by it too."""
    drop: tuple[DropRule, ...] = ()
    """Training faces to leave out: `not_a_face`, `duplicates`, `conflicts`, `leaks`."""
    refuse: tuple[DropRule, ...] = ()
    """Training faces that must not be there: where the same rules name any, the run stops."""
    clean: Path | None = None
    """A file of `emolens data audit --clean`: training rows to leave out, before `drop` looks."""
    damaged: Literal["refuse", "skip"] = "refuse"
    """What to do about a missing or broken image or a label out of range: stop, or leave it out
    and report how many there were."""
    weight: float = Field(1.0, gt=0)
    """How much a face of this source counts in the loss, against one of weight 1."""
    repeat: float = Field(1.0, gt=0)
    """How often each face of this source is drawn in an epoch, on the average."""
    label_smoothing: Fraction | None = None
    """For labels that are wrong more often than those of other sources; `loss.label_smoothing`
    unless given."""
    teacher_weight: Fraction | None = None
    """Part of these faces' targets that is the teachers', with teachers that are asked about
    `faces`; `teacher.weight` unless given. With 1 nothing is learnt from the labels of this source,
    and its faces are not validated on unless `validation` says so."""
    crop: float = Field(1.0, gt=0, le=1)
    """Side of the middle square that is used, in parts of the image's shorter side: for sources
    that show more around the face than FER2013 does."""

    @property
    def is_unlabelled(self) -> bool:
        """Whether the labels of this source are not to be learnt from."""
        return self.teacher_weight == 1


class FacesSection(Section):
    """Which faces of all sources together are learnt from, and how often."""

    classes: tuple[str, ...] = LABELS
    """The classes to tell apart; the others get the probability 0."""
    size_px: SidePx | None = None
    """Side at which faces are kept in memory; the network's unless given."""
    sampling: Literal["uniform", "sqrt", "balanced"] = "uniform"
    """How often a class is drawn: as often as it occurs, by the root of that, or all alike."""

    @model_validator(mode="after")
    def _check_classes(self) -> Self:
        unknown = [label for label in self.classes if label not in LABELS]
        if unknown or len(set(self.classes)) < max(2, len(self.classes)):
            raise ValueError(f"classes must be two or more different ones of {', '.join(LABELS)}")
        return self


class AugmentSection(Section):
    """Random changes to every training image, drawn anew for each image of a batch."""

    flip: Fraction = 0.5
    """Chance of a mirror image."""
    rotation_deg: float = Field(12.0, ge=0, le=180)
    """Rotation, uniform within plus or minus."""
    zoom: float = Field(0.15, ge=0, lt=1)
    """Zoom, uniform within 1 plus or minus."""
    shift: Fraction = 0.08
    """Shift along each axis, uniform within plus or minus this part of the side."""
    shear_deg: float = Field(5.0, ge=0, le=45)
    """Horizontal shear, uniform within plus or minus."""
    brightness: Fraction = 0.2
    """Brightness offset, uniform within plus or minus, in units of the full range."""
    contrast: Fraction = 0.3
    """Contrast factor, uniform within 1 plus or minus, around the image's mean."""
    erase: Fraction = 0.25
    """Chance that a rectangle of 2 to 20 % of the image is filled with noise."""
    mix: Fraction = 0.5
    """Chance that a batch is mixed: mixup (beta 0.2) or cutmix (beta 0.5), half each."""


class LossSection(Section):
    """What is minimised. The defaults are plain cross-entropy."""

    label_smoothing: Fraction = 0.1
    """Part of every target that is spread over all classes (Szegedy et al. 2016)."""
    class_weights: Literal["none", "sqrt", "inverse", "effective"] = "none"
    """Weight by class frequency n: 1, n^-1/2, 1/n, or 1/(1-0.999^n) (Cui et al. 2019)."""
    focal_gamma: float = Field(0.0, ge=0)
    """Focal loss (Lin et al. 2017): how much less a face counts that is known already."""
    logit_adjustment: float = Field(0.0, ge=0)
    """Times the log of the class frequencies, added to logits in training (Menon et al. 2021)."""
    vote_weight: float = Field(0.0, ge=0)
    """Weight of a second head that learns the shares of FER+'s votes; it is not shipped."""


class AnswerSection(Section):
    """What is made of the finished network: what it says, and of which input.

    Nothing is learnt by it, so `emolens export --set answer.votes=0.5` can change it afterwards.
    """

    votes: Fraction = 0.0
    """Part of the head for FER+'s votes in the logits that are shipped; the head for labels has the
    rest. Their mean is a layer like each of them, so it costs nothing."""
    balance: Fraction = 0.0
    """Times the log of the class frequencies, taken off the logits: with 1, all classes are
    answered as if they were equally frequent (Menon et al. 2021)."""
    calibrated_on: Target = Target.LABEL
    """What the probabilities are to be right about: the source's `label`, or FER+'s `majority`."""
    leak_free: bool = False
    """Calibrate without validation faces of which a copy, exact or near, stands in the `train`
    rows beside them: a network is surer of faces that it has seen."""
    size_px: SidePx | None = None
    """Side of the faces that the model takes; the network's unless given. The model enlarges or
    shrinks them itself."""


class TeacherSection(Section):
    """Learn from the answers of finished networks too (Hinton et al. 2015)."""

    checkpoints: tuple[Path, ...] = Field(min_length=1)
    """Files of `emolens train`; the mean of their answers teaches."""
    asked_about: Literal["batches", "faces"] = "batches"
    """`batches`: teacher and student see the same augmented and mixed batch (Beyer et al. 2022),
    and the head for labels learns. `faces`: every face is shown once, before training, and both
    heads learn from the answers; that is much cheaper."""
    weight: Fraction = 0.7
    """Weight of the teacher's term; the labels have the rest."""
    temperature: float = Field(3.0, gt=0)
    """With `batches`, both sides' logits are divided by it."""


class ScheduleSection(Section):
    """Optimiser and batches."""

    batch_size: int = Field(128, ge=2)
    """Faces a step, over all devices together."""
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    """AdamW, Adam, or SGD with Nesterov momentum 0.9."""
    weight_decay: float = Field(0.05, ge=0)
    """Not applied to biases and normalisation layers."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay per step of the moving average of weights, which is what gets validated and shipped."""


class PhaseSection(Section):
    """A part of the run with its own rate; it starts from the best network of the one before."""

    epochs: Count = 40
    peak_rate: float = Field(2e-3, gt=0)
    """Learning rate after the warm-up; falls to 0 along a cosine."""
    warmup_epochs: float = Field(2.0, ge=0)
    """Epochs over which the rate rises."""
    plain_epochs: int = Field(5, ge=0)
    """The last epochs go without mixing."""
    learning_stages: int | None = Field(None, ge=0)
    """How many of the last stages learn beside the head; 0 means the head alone, on features
    that are computed once. All of them unless given. Frozen stages keep their batch statistics."""
    stage_rate_decay: float = Field(1.0, gt=0, le=1)
    """Every stage learns at this part of the rate of the next one."""
    sizes: tuple[tuple[SidePx, Count], ...] = ()
    """Pairs of side and number of epochs to begin with; then the network's own `size_px`."""
    patience: int | None = Field(None, ge=1)
    """Stop early after so many epochs without a better validation accuracy."""

    @model_validator(mode="after")
    def _check_epochs(self) -> Self:
        if sum(epochs for _, epochs in self.sizes) >= self.epochs:
            raise ValueError("sizes must leave epochs for the network's own size_px")
        return self


class HardwareSection(Section):
    """What it runs on; of no consequence for what is learnt, apart from rounding."""

    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of convolutions and products; weights stay fp32."""
    devices: Count = 1
    """GPUs, or processes where there is none, on each machine (data parallel)."""
    num_nodes: Count = 1
    """Machines."""


class Recipe(Section):
    """A whole run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    seed: int = Field(0, ge=0, lt=1 << 20)
    license: str = "LicenseRef-unstated"
    """Licence of the weights, for the manifest (SPDX identifier)."""
    pretrained: str = ""
    """The network whose weights this one began with, perhaps by way of other recipes; for the
    manifest."""
    start: Path | None = None
    """A checkpoint of a network of the same kind to start from, instead of random weights."""
    snapshots: bool = False
    """Ship the mean of the best networks of all phases (Huang et al. 2017), not the last alone."""
    ensemble: tuple[Path, ...] = ()
    """Checkpoints of finished networks of the same kind; they and the new one ship as one mean."""
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
        """Take one `[data]` section for a list of one.

        The keys of [faces] stood there while there was one source only, and still may.
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
            raise ValueError(f"faces.{twice[0]} stands in [data] as well; set it in one of the two")
        return {**values, "data": [data], "faces": {**moved, **faces} if moved else faces}

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        names = [source.name for source in self.data]
        if len(set(names)) < len(names):
            raise ValueError("several data sections need a name each, all of them different")
        if any(source.target is Target.MULTI for source in self.data) and self.augment.mix:
            raise ValueError(
                "a multi target is one of several classes, chosen by the network's own answer, and "
                "a mixture of two faces has none: set augment.mix = 0 or take another target"
            )
        return self

    @property
    def data_size_px(self) -> int:
        """Side at which faces are kept in memory."""
        return self.faces.size_px or self.network.size_px

    @property
    def class_indices(self) -> tuple[int, ...]:
        """The classes told apart, as values of `Emotion` in its order."""
        return tuple(i for i in range(N_EMOTIONS) if LABELS[i] in self.faces.classes)

    @property
    def has_teacher_of_batches(self) -> bool:
        """Whether teachers see what the network sees, batch by batch."""
        return self.teacher is not None and self.teacher.asked_about == "batches"

    @property
    def rebalances(self) -> bool:
        """Whether classes count otherwise than by how often they occur."""
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
            raise ValueError(
                "phases.sizes needs a network of kind resnet or face-resnet, which take any side"
            )
        if self.snapshots and len(self.phases) < 2:
            raise ValueError("snapshots needs two or more phases")
        if self.has_teacher_of_batches and any(p.learning_stages == 0 for p in self.phases):
            raise ValueError(
                "a teacher of batches needs images, which a phase of the head alone has not; set "
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
            raise ValueError("answer.votes needs a head for votes: set loss.vote_weight above 0")
        if getattr(self.network, "hidden", ()):
            raise ValueError("answer.votes needs a network without hidden layers")
        return self

    @model_validator(mode="after")
    def _check_imbalance(self) -> Self:
        loss = self.loss
        if self.faces.sampling != "uniform" and (
            loss.class_weights != "none" or loss.logit_adjustment
        ):
            raise ValueError(
                "faces.sampling, loss.class_weights and loss.logit_adjustment make up for the same "
                "thing; choose sampling or one of the others"
            )
        return self

    @model_validator(mode="after")
    def _check_processes(self) -> Self:
        n_processes = self.hardware.devices * self.hardware.num_nodes
        n_faces, rest = divmod(self.schedule.batch_size, n_processes)
        if rest or n_faces < 2:
            raise ValueError(
                f"schedule.batch_size {self.schedule.batch_size} must give each of {n_processes} "
                "processes the same number of faces, 2 or more"
            )
        return self
