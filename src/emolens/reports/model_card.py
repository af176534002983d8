"""A model card: what a model is, what it was measured to do, what it is for, on one page.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting", sections 4.1 to 4.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from emolens.core.emotion import LABELS
from emolens.core.errors import InputError
from emolens.core.manifest import ModelManifest
from emolens.datasets.targets import Target

_PURPOSE = """\
## What it is for

It names the **apparent expression** of a face: what it looks like to people who label images.
That is not what a person feels, thinks or intends. It is made for research with consent, for
interfaces whose users know and agree, for teaching and for sorting one's own images; not for
judging employees, applicants, pupils or students, not for policing, border control, lie detection,
diagnosis or watching people who do not know. In the European Union inferring emotions at work and
in education is prohibited (AI Act, article 5(1)(f)).

## What to be careful with

- Faces that are small, blurred, cut off or turned away get probabilities too; emolens gives them no
  label.
- A cover is not noticed: faces behind a mask, a scarf or a hand are named like free ones, mostly
  wrongly and often as neutral, and a high confidence is no sign that there is none. So are drawn,
  painted and computer-made faces that the detector takes for faces
  (`docs/experiments/0014-covered-and-drawn.md`).
"""
_OF_FER2013 = """\
- FER2013 shows mostly posed and press images of adults; age, origin and sex are not recorded, so
  error rates between groups of people are not known.
- People agree with FER2013's labels in about 65 of 100 cases, and least in fear and disgust. A
  model that answers labels is poor at what most people see, one that answers what most see is poor
  at labels, and one in between is a compromise, whose probabilities are right about one of them.
- PublicTest steered the training and the calibration, and 280 of its images also stand in the
  Training split: expect a little less on new benchmark faces, and less again in the wild.
"""
_PRETRAINED = {
    "dlib_face_recognition_resnet_model_v1": """\
## The network that it began with

`dlib_face_recognition_resnet_model_v1` by Davis King (2017), in the public domain: a ResNet of 29
convolutions that was trained to tell 7,485 people apart, on about three million images of faces:
half of them from FaceScrub and VGG Face, the others from the web, cleaned of wrong names by hand
and by clustering. Its author gives 99.38 % on LFW, whose people are not among them. FaceScrub and
VGG Face show people of public life, who were not asked; figures on age, sex and origin are not
given. The layer that tells people apart is left out, all others were trained on, and emolens
computes no identities (`docs/experiments/0019-transfer.md`).
""",
}


@dataclass(frozen=True, slots=True)
class CardSubject:
    """The model that a card describes.

    Attributes:
        manifest: What the file says about itself.
        sha256: Digest of the file.
        size_bytes: Size of the file.
    """

    manifest: ModelManifest
    sha256: str
    size_bytes: int


class ClassRecord(BaseModel):
    """Figures of one class; None where they are not defined."""

    precision: float | None
    recall: float | None
    f1: float | None


class EvaluationRecord(BaseModel):
    """What a card shows of a file of `emolens evaluate --json`; the names are that file's."""

    model_sha256: str
    split: str | None
    target: str = Target.LABEL
    n: int
    tta: bool
    accuracy: float
    accuracy_ci95: tuple[float, float]
    balanced_accuracy: float
    macro_f1: float
    nll: float
    ece: float
    per_class: dict[str, ClassRecord]


def read_record(path: Path) -> EvaluationRecord:
    """Read a file of `emolens evaluate --json`.

    Raises:
        InputError: The file cannot be read, or holds something else.
    """
    try:
        return EvaluationRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: no file that `emolens evaluate --json` wrote: "
            f"{f'{key}: ' if key else ''}{first['msg']}"
        ) from error


def write_card(subject: CardSubject, measured: Sequence[EvaluationRecord]) -> str:
    """The card as Markdown.

    Args:
        subject: The model.
        measured: Figures of it, one set a column.

    Raises:
        InputError: Figures of another model.
    """
    for figures in measured:
        if figures.model_sha256 != subject.sha256:
            raise InputError(
                f"the figures are those of the model {figures.model_sha256[:12]}..., not of "
                f"{subject.manifest.name} ({subject.sha256[:12]}...); evaluate it again"
            )
    sheets = [
        _PRETRAINED[name]
        for name in subject.manifest.pretrained.split(" + ")
        if name in _PRETRAINED
    ]
    is_fer2013 = "FER2013" in subject.manifest.dataset
    limits = _PURPOSE + (_OF_FER2013 if is_fer2013 else "")
    return "\n".join([_what(subject), _figures(measured), *sheets, limits])


def _what(subject: CardSubject) -> str:
    manifest = subject.manifest
    side = manifest.input.size_px
    rows = {
        "file": f"`{manifest.name}.onnx`, {subject.size_bytes / 1e6:.1f} MB",
        "SHA-256": f"`{subject.sha256}`",
        "licence of the weights": manifest.license,
        "trained on": manifest.dataset,
        "began with": f"`{manifest.pretrained}`" if manifest.pretrained else "random weights",
        "trained by": f"`emolens train`, code revision `{manifest.code_revision}`",
        "input": f"a face of {side} x {side} grey pixels, framed as in FER2013",
        "output": f"a probability for each of {', '.join(manifest.labels)}",
        "temperature": f"{manifest.temperature:.3f}, logits are divided by it before the softmax",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"# The emotion model `{manifest.name}`\n\n| | |\n|---|---|\n{table}\n"


def _figures(measured: Sequence[EvaluationRecord]) -> str:
    headings = [
        f"{figures.split or 'all'}, {figures.n:,} faces, {_right(figures.target)}, "
        f"{'ten views' if figures.tta else 'one view'}"
        for figures in measured
    ]
    rows: dict[str, list[str]] = {
        "accuracy": [_percent(figures.accuracy) for figures in measured],
        "95 % interval": [
            " to ".join(map(_percent, figures.accuracy_ci95)) for figures in measured
        ],
        "balanced accuracy": [_percent(figures.balanced_accuracy) for figures in measured],
        "macro-F1": [f"{figures.macro_f1:.3f}" for figures in measured],
        "negative log-likelihood": [f"{figures.nll:.3f}" for figures in measured],
        "expected calibration error": [f"{figures.ece:.3f}" for figures in measured],
    }
    for label in LABELS:
        of_class = [figures.per_class[label] for figures in measured]
        rows[f"{label}: precision, recall, F1"] = [
            ", ".join(map(_percent, (one.precision, one.recall, one.f1))) for one in of_class
        ]
    head = f"| | {' | '.join(headings)} |\n|{'---|' * (len(headings) + 1)}\n"
    body = "".join(f"| {name} | {' | '.join(cells)} |\n" for name, cells in rows.items())
    return f"## What was measured\n\n{head}{body}"


def _right(target: str) -> str:
    return "the labels" if target == Target.LABEL else f"the raters' {target}"


def _percent(share: float | None) -> str:
    return "not defined" if share is None else f"{100 * share:.1f} %"
