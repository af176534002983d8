"""A model card: what a model is, what it was measured to do, what it is for, on one page.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting", sections 4.1 to 4.9.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emolens.core.emotion import LABELS
from emolens.core.errors import InputError
from emolens.core.manifest import ModelManifest

_PURPOSE = """\
## What it is for

It names the **apparent expression** of a face: what it looks like to people who label pictures.
That is not what a person feels, thinks or intends. It is made for research with consent, for
interfaces whose users know and agree, for teaching and for sorting one's own pictures; not for
judging employees, applicants, pupils or students, not for policing, border control, lie detection,
diagnosis or watching people who do not know. In the European Union inferring emotions at work and
in education is prohibited (AI Act, article 5(1)(f)).

## What to be careful with

- FER2013 shows mostly posed and press pictures of adults; age, origin and sex are not recorded, so
  error rates between groups of people are not known.
- People agree with FER2013's labels in about 65 of 100 cases, and least in fear and disgust.
- PublicTest steered the training and its temperature, and 280 of its pictures also stand in the
  training rows: expect a little less on new benchmark faces, and less again in the wild.
- Faces that are small, blurred, cut off or turned away get probabilities too; emolens gives them no
  label.
"""


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


def read_figures(path: Path) -> dict[str, Any]:
    """Read a file of `emolens evaluate --json`.

    Raises:
        InputError: The file cannot be read, or holds something else.
    """
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    missing = {"model_sha256", "accuracy", "per_class", "tta"} - set(
        figures if isinstance(figures, dict) else ()
    )
    if missing:
        raise InputError(
            f"{path}: has no {', '.join(sorted(missing))}; expected a file that `emolens evaluate "
            "--json` wrote"
        )
    return dict(figures)


def write_card(subject: CardSubject, measured: Sequence[dict[str, Any]]) -> str:
    """The card as Markdown.

    Args:
        subject: The model.
        measured: Figures of it, one set a column, as `read_figures` gives them.

    Raises:
        InputError: Figures of another model.
    """
    for figures in measured:
        if figures["model_sha256"] != subject.sha256:
            raise InputError(
                f"the figures are those of the model {figures['model_sha256'][:12]}..., not of "
                f"{subject.manifest.name} ({subject.sha256[:12]}...); evaluate it again"
            )
    return "\n".join([_what(subject), _figures(measured), _PURPOSE])


def _what(subject: CardSubject) -> str:
    manifest = subject.manifest
    side = manifest.input.size_px
    rows = {
        "file": f"`{manifest.name}.onnx`, {subject.size_bytes / 1e6:.1f} MB",
        "SHA-256": f"`{subject.sha256}`",
        "licence of the weights": manifest.license,
        "trained on": manifest.dataset,
        "trained by": f"`emolens train`, code revision `{manifest.code_revision}`",
        "input": f"a face of {side} x {side} grey pixels, framed as in FER2013",
        "output": f"a probability for each of {', '.join(manifest.labels)}",
        "temperature": f"{manifest.temperature:.3f}, logits are divided by it before the softmax",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"# The emotion model `{manifest.name}`\n\n| | |\n|---|---|\n{table}\n"


def _figures(measured: Sequence[dict[str, Any]]) -> str:
    views = ["ten views" if figures["tta"] else "one view" for figures in measured]
    splits = {f"{figures['split']}, {figures['n']:,} faces" for figures in measured}
    rows: list[tuple[str, list[str]]] = [
        ("accuracy", [_percent(figures["accuracy"]) for figures in measured]),
        (
            "95 % interval",
            [" to ".join(map(_percent, figures["accuracy_ci95"])) for figures in measured],
        ),
        ("balanced accuracy", [_percent(figures["balanced_accuracy"]) for figures in measured]),
        ("macro-F1", [f"{figures['macro_f1']:.3f}" for figures in measured]),
        ("negative log-likelihood", [f"{figures['nll']:.3f}" for figures in measured]),
        ("expected calibration error", [f"{figures['ece']:.3f}" for figures in measured]),
    ]
    for label in LABELS:
        of_class = [figures["per_class"][label] for figures in measured]
        rows.append(
            (
                f"{label}: precision, recall, F1",
                [
                    ", ".join(_percent(one[key]) for key in ("precision", "recall", "f1"))
                    for one in of_class
                ],
            )
        )
    head = f"| {'; '.join(sorted(splits))} | {' | '.join(views)} |\n|{'---|' * (len(views) + 1)}\n"
    body = "".join(f"| {name} | {' | '.join(cells)} |\n" for name, cells in rows)
    return f"## What was measured\n\n{head}{body}"


def _percent(share: float | None) -> str:
    return "not defined" if share is None else f"{100 * share:.1f} %"
