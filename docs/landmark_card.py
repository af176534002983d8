"""Write the card of the landmark network from its manifest and its measured figures.

python docs/landmark_card.py docs/metrics/landmarks.json
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emolens.core.manifest import LandmarkManifest
from emolens.runtime.catalogue import LANDMARK_MODEL, find_model
from emolens.runtime.model_file import load_landmark_model

CARD = Path(__file__).parents[1] / "src/emolens/models/CARD-landmarks.md"
FIGURES = Path(__file__).parent / "metrics/landmarks.json"
SOURCES = {"fer2013": "FER2013, PublicTest", "dev": "press photographs of another source"}
WAYS = {"upright": "as they are", "any_roll": "turned by any angle"}
ROWS = {
    "n": ("faces that the teachers see", "{:,}"),
    "taken_for_a_face": ("taken for a face", "{:.1%}"),
    "error_mean": ("mean error of the landmarks, in distances between the eyes", "{:.1%}"),
    "error_p50": ("half of the faces are within", "{:.1%}"),
    "error_p95": ("19 of 20 are within", "{:.1%}"),
    "roll_error_p50": ("error of the roll, half within", "{:.1f}\N{DEGREE SIGN}"),
    "roll_within_5": ("roll within 5\N{DEGREE SIGN}", "{:.1%}"),
    "box_iou_mean": ("overlap of the boxes (IoU), mean", "{:.3f}"),
}
PURPOSE = """\
## What it is for

It looks again at what a face detector has found: whether it is a face, where its eyes, nose and
mouth corners are, how it is rolled, and which box it fills. It knows nobody: it is trained on
places of points alone, and what it gives says nothing about who somebody is. Its answers frame a
face for the emotion models.

## What to be careful with

- It repeats its teachers' habits. Its error is told against them, not against marks made by people.
- Faces that it takes for something else are lost. Drawings, statues, masks and animals are no faces
  to it in many cases, and in some they are.
- It learnt from FER2013 and from press photographs, mostly adults. How its errors differ between
  groups of people is not known.
"""


def write_card(manifest: LandmarkManifest, figures: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    model = find_model(LANDMARK_MODEL, "landmarks")
    columns = [(source, way) for source in SOURCES for way in WAYS]
    lines = [
        "# The landmark model `landmarks`",
        "",
        "| | |",
        "|---|---|",
        f"| file | `{model.path.name}`, {model.path.stat().st_size / 1e3:.0f} kB |",
        f"| SHA-256 | `{model.sha256}` |",
        f"| licence of the weights | {manifest.license} |",
        f"| trained on | {manifest.dataset}, without their labels |",
        f"| taught by | {manifest.teachers} |",
        f"| trained by | `emolens train`, code revision `{manifest.code_revision}` |",
        f"| input | a close-up of {manifest.size_px} x {manifest.size_px} grey pixels, "
        f"{manifest.scale:g} sides of the face's box wide |",
        "| output | five landmarks, a box, the probability that it is a face |",
        "",
        "## What was measured",
        "",
        f"`docs/experiments/landmarks.py`, {figures['faces']} faces of each source that nothing "
        "was learnt from. The box that it begins with is off by up to 10 % and by up to 15 % "
        "larger or smaller.",
        "",
        "| | " + " | ".join(f"{SOURCES[source]}, {WAYS[way]}" for source, way in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for key, (what, shown) in ROWS.items():
        values = [shown.format(figures[source][way][key]) for source, way in columns]
        lines.append(f"| {what} | {' | '.join(values)} |")
    false = figures["without_a_face"]
    lines += [
        "",
        f"Of {false['n']:,} parts of images without faces and of textures, "
        f"{false['taken_for_a_face']:.1%} are taken for a face. Three looks take "
        f"{figures['ms_a_face']['1']:.1f} ms a face on one thread, "
        f"{figures['ms_a_face']['8']:.1f} ms with eight faces in an image, cutting out included.",
        "",
        PURPOSE,
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the card."""
    figures = json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else FIGURES).read_text())
    CARD.write_text(write_card(load_landmark_model().manifest, figures), encoding="utf-8")


if __name__ == "__main__":
    main()
