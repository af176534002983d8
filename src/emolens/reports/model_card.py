"""Model cards: intended use, evaluation and limitations of a model.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting", sections 4.1 to 4.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from emolens.contract import Provenance
from emolens.core.emotion import LABELS
from emolens.core.errors import InputError
from emolens.core.manifest import ModelManifest
from emolens.datasets.targets import Target
from emolens.explanation.agreement import MEASURED, default_kind
from emolens.reports.methods_text import made_sentence

_INTENDED_USE = """\
## Intended use

The model classifies the **apparent expression** of a face: how the face appears to people who label
images. It does not measure what a person feels, thinks or intends.

Intended uses are research with consent, interfaces whose users know and agree, teaching, and
sorting your own images.

Out of scope are the assessment of employees, applicants, pupils or students, policing, border
control, lie detection, diagnosis, and surveillance of people who do not know. The European Union's
AI Act prohibits the inference of emotions at work and in education (article 5(1)(f)).
"""
_MAPS = """\
## Maps

`emolens explain` shows which regions of a face matter. The table has the share of faces whose map
is strongest in the third of the face whose removal lowers the probability most, each class weighted
equally; at random it is 33 %. A kind below 60 % is not a default
(`docs/experiments/0024-faithful-maps.md`).

| kind of map | strongest third decides | 95 % interval | faces |
|---|---|---|---|
{rows}

A map shows an effect on this model, not the cause of an expression.
"""
_LIMITATIONS = """\
## Limitations

- Small, blurred, truncated and averted faces get probabilities as well, but emolens assigns them no
  label.
- The model does not detect covers. It classifies faces behind a mask, a scarf or a hand like
  uncovered ones, mostly incorrectly, often as neutral, and possibly with high confidence. It also
  classifies drawn, painted and computer-generated faces that the face detector accepts
  (`docs/experiments/0014-covered-and-drawn.md`).
"""
_LIMITATIONS_OF_FER2013 = """\
- FER2013 consists mostly of posed and press photographs of adults. Age, origin and sex are not
  recorded, so differences in error rates between groups of people are unknown.
- The majority vote of FER+'s raters equals FER2013's label for about 65 % of the faces, least often
  for fear and disgust. A model of the labels predicts the majority vote poorly, and vice versa. A
  model between the two is a compromise: its probabilities are calibrated for one of them.
- PublicTest was used for model selection and calibration, and 280 of its images also occur in the
  Training split. Expect slightly lower accuracy on new benchmark faces, and an even lower one in
  the wild.
"""
_PRETRAINED = {
    "dlib_face_recognition_resnet_model_v1": """\
## Pretrained network

`dlib_face_recognition_resnet_model_v1` by Davis King (2017, public domain) is a ResNet with 29
convolutions. It was trained to distinguish 7,485 people on about three million face images. Half of
the images come from FaceScrub and VGG Face, the rest from the web. Its author removed wrong
identities by hand and by clustering, and reports 99.38 % accuracy on LFW, whose people are not in
the training data. FaceScrub and VGG Face show celebrities, who were not asked for consent. Age, sex
and origin are not documented.

The layer that distinguishes people was removed. All other layers were fine-tuned. emolens computes
no identities (`docs/experiments/0019-transfer.md`).
""",
}


@dataclass(frozen=True, slots=True)
class CardSubject:
    """The model of a card.

    Attributes:
        manifest: The metadata of the model file.
        sha256: SHA-256 of the model file.
        size_bytes: Size of the model file.
    """

    manifest: ModelManifest
    sha256: str
    size_bytes: int


class ClassRecord(BaseModel):
    """Metrics of one class; None if not defined."""

    precision: float | None
    recall: float | None
    f1: float | None


class EvaluationRecord(BaseModel):
    """The metrics of a card, with the keys of `emolens evaluate --json`."""

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
    provenance: Provenance | None = None


def read_record(path: Path) -> EvaluationRecord:
    """Read a file of `emolens evaluate --json`.

    Raises:
        InputError: The file cannot be read, or has other content.
    """
    try:
        return EvaluationRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: not a file of `emolens evaluate --json`: "
            f"{f'{key}: ' if key else ''}{first['msg']}"
        ) from error


def write_card(subject: CardSubject, measured: Sequence[EvaluationRecord]) -> str:
    """Write a model card.

    Args:
        subject: The model.
        measured: Its metrics, one record per column.

    Returns:
        The card as Markdown.

    Raises:
        InputError: The metrics are of another model.
    """
    for record in measured:
        if record.model_sha256 != subject.sha256:
            raise InputError(
                f"the metrics are of the model {record.model_sha256[:12]}..., not of "
                f"{subject.manifest.name} ({subject.sha256[:12]}...). Run `emolens evaluate` again."
            )
    pretrained = [
        _PRETRAINED[name]
        for name in subject.manifest.pretrained.split(" + ")
        if name in _PRETRAINED
    ]
    is_fer2013 = "FER2013" in subject.manifest.dataset
    limitations = _LIMITATIONS + (_LIMITATIONS_OF_FER2013 if is_fer2013 else "")
    maps = _maps(subject.sha256)
    return "\n".join(
        [_details(subject), _INTENDED_USE, _evaluation(measured), *maps, *pretrained, limitations]
    )


def _details(subject: CardSubject) -> str:
    manifest = subject.manifest
    side = manifest.input.size_px
    rows = {
        "file": f"`{manifest.name}.onnx`, {subject.size_bytes / 1e6:.1f} MB",
        "SHA-256": f"`{subject.sha256}`",
        "licence of the weights": manifest.license,
        "trained on": manifest.dataset,
        "initial weights": f"`{manifest.pretrained}`" if manifest.pretrained else "random",
        "trained by": f"`emolens train`, code revision `{manifest.code_revision}`",
        "input": f"a face of {side} x {side} grey pixels, cropped as in FER2013",
        "output": f"a probability for each of {', '.join(manifest.labels)}",
        "temperature": f"{manifest.temperature:.3f}, the divisor of the logits before the softmax",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"# The emotion model `{manifest.name}`\n\n| | |\n|---|---|\n{table}\n"


def _evaluation(measured: Sequence[EvaluationRecord]) -> str:
    headings = [
        f"{record.split or 'all'}, {record.n:,} faces, {_ground_truth(record.target)}, "
        f"{'ten views' if record.tta else 'one view'}"
        for record in measured
    ]
    rows: dict[str, list[str]] = {
        "accuracy": [_percent(record.accuracy) for record in measured],
        "95 % interval": [" to ".join(map(_percent, record.accuracy_ci95)) for record in measured],
        "balanced recall": [_percent(record.balanced_accuracy) for record in measured],
        "macro-F1": [f"{record.macro_f1:.3f}" for record in measured],
        "negative log-likelihood": [f"{record.nll:.3f}" for record in measured],
        "expected calibration error": [f"{record.ece:.3f}" for record in measured],
    }
    for label in LABELS:
        of_class = [record.per_class[label] for record in measured]
        rows[f"{label}: precision, recall, F1"] = [
            ", ".join(map(_percent, (one.precision, one.recall, one.f1))) for one in of_class
        ]
    head = f"| | {' | '.join(headings)} |\n|{'---|' * (len(headings) + 1)}\n"
    body = "".join(f"| {name} | {' | '.join(cells)} |\n" for name, cells in rows.items())
    made = sorted({f"{made_sentence(one.provenance)}\n" for one in measured if one.provenance})
    return f"## Evaluation\n\n{head}{body}" + "".join(f"\n{sentence}" for sentence in made)


def _maps(sha256: str) -> list[str]:
    """Write the section on maps, for a model whose maps are measured."""
    measured = MEASURED.get(sha256, {})
    if not measured:
        return []
    default = default_kind(sha256)
    rows = "\n".join(
        f"| {kind}{' (default)' if kind is default else ''} | {_percent(agreement.share)} | "
        f"{' to '.join(map(_percent, agreement.ci95))} | {agreement.n_faces} |"
        for kind, agreement in measured.items()
    )
    return [_MAPS.format(rows=rows)]


def _ground_truth(target: str) -> str:
    names: dict[str, str] = {Target.LABEL: "labels", Target.MAJORITY: "majority vote"}
    return names.get(target, f"{target} targets of FER+'s votes")


def _percent(share: float | None) -> str:
    return "not defined" if share is None else f"{100 * share:.1f} %"
