"""Write the card of the landmark network from its manifest and its metrics.

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
METRICS = Path(__file__).parent / "metrics/landmarks.json"
SOURCES = {"fer2013": "FER2013, PublicTest", "dev": "press photographs of another source"}
WAYS = {"upright": "upright", "any_roll": "rotated by any angle"}
ROWS = {
    "n": ("faces detected by the teachers", "{:,}"),
    "taken_for_a_face": ("accepted as a face", "{:.1%}"),
    "error_mean": ("mean landmark error, in eye distances", "{:.1%}"),
    "error_p50": ("median landmark error", "{:.1%}"),
    "error_p95": ("95th percentile", "{:.1%}"),
    "roll_error_p50": ("median roll error", "{:.1f}\N{DEGREE SIGN}"),
    "roll_within_5": ("roll within 5\N{DEGREE SIGN}", "{:.1%}"),
    "box_iou_mean": ("mean IoU of the boxes", "{:.3f}"),
}
PURPOSE = """\
## Intended use

The network refines the output of a face detector. It predicts whether a detection is a face, its
eyes, nose and mouth corners, and its box. The roll follows from the landmarks. The output frames
faces for the emotion models. It does not identify anyone: the training targets are point positions
alone, and the output contains no information about identity.

## Limitations

- It repeats the bias of its teachers. Its errors are relative to them, not to manual annotations.
- Faces that it rejects are lost. It rejects many drawings, statues, masks and animals, but not all.
- It was trained on FER2013 and on press photographs, mostly of adults. Differences between
  demographic groups were not measured.
"""


def write_card(manifest: LandmarkManifest, metrics: Mapping[str, Any]) -> str:
    """Return the card as Markdown."""
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
        f"| teachers | {manifest.teachers} |",
        f"| trained by | `emolens train`, code revision `{manifest.code_revision}` |",
        f"| input | a close-up of {manifest.size_px} x {manifest.size_px} grey pixels, "
        f"with a side of {manifest.scale:g} times the side of the face's box |",
        "| output | five landmarks, a box, the probability of a face |",
        "",
        "## Metrics",
        "",
        f"`docs/experiments/landmarks.py`, {metrics['faces']} held-out faces of each source. "
        "The initial box is shifted by up to 10 % and scaled by up to 15 %.",
        "",
        "| | " + " | ".join(f"{SOURCES[source]}, {WAYS[way]}" for source, way in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for key, (what, shown) in ROWS.items():
        values = [shown.format(metrics[source][way][key]) for source, way in columns]
        lines.append(f"| {what} | {' | '.join(values)} |")
    false = metrics["without_a_face"]
    lines += [
        "",
        f"It accepts {false['taken_for_a_face']:.1%} of {false['n']:,} crops of textures and of "
        "images without faces as a face. Three passes take "
        f"{metrics['ms_a_face']['1']:.1f} ms per face on one thread, "
        f"{metrics['ms_a_face']['8']:.1f} ms with eight faces in an image, including cropping.",
        "",
        PURPOSE,
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the card."""
    metrics = json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else METRICS).read_text())
    CARD.write_text(write_card(load_landmark_model().manifest, metrics), encoding="utf-8")


if __name__ == "__main__":
    main()
