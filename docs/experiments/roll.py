"""Measure detection, roll and classification of rolled faces.

Benchmark faces are enlarged, rotated about their centre on a grey canvas and pass through detector,
framing and classifier, with and without upright rotation. Run from the repository root:

    python docs/experiments/roll.py $EMOLENS_DATA/fer2013/public-test.parquet --json -
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track
from whole_chain import CANVAS_WH, GRAY, best_match

from emolens.classification import OnnxEmotionClassifier
from emolens.core.face import FaceDetection, FaceResult, FaceRoll
from emolens.core.geometry import Box, Framing
from emolens.core.ports import FaceDetector
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.detection import DEFAULT_DETECTOR, build_detector
from emolens.pipeline import ImageAnalyzer

Pixels = npt.NDArray[np.uint8]
Row = tuple[FaceResult | None, int, float]


def place(face: Pixels, factor: float, roll_degrees: float) -> tuple[Pixels, Box]:
    """Enlarge a uint8 (S, S) face, rotate it clockwise and place it on a grey BGR canvas."""
    large = cv2.resize(face, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    side, (width, height) = large.shape[0], CANVAS_WH
    middle = (side - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), -roll_degrees, 1.0)
    turn[:, 2] += (width - side) / 2, (height - side) / 2
    canvas = cv2.warpAffine(large, turn, CANVAS_WH, borderValue=GRAY)
    truth = Box.from_center((width / 2, height / 2), side)
    return np.ascontiguousarray(np.repeat(canvas[:, :, None], 3, axis=2)), truth


def metrics_of(rows: list[Row]) -> dict[str, float | int | None]:
    """Compute metrics over rows of (detected face, its class, its true roll in degrees)."""
    found = [(face, label, roll) for face, label, roll in rows if face is not None]
    classified = [(face, label) for face, label, _ in found if face.label is not None]
    errors = [
        abs((face.roll_degrees - roll + 180) % 360 - 180)
        for face, _, roll in found
        if face.roll_degrees is not None
    ]
    n_silent = sum(face.label is None and not face.quality.reasons for face, _, _ in found)
    return {
        "found": len(found) / len(rows),
        "named": len(classified) / len(rows),
        "right_of_named": sum(face.label == label for face, label in classified)
        / max(len(classified), 1),
        "right_of_all": sum(face.label == label for face, label in classified) / len(rows),
        "roll_error_p50": float(np.median(errors)) if errors else None,
        "roll_error_p90": float(np.percentile(errors, 90)) if errors else None,
        "tilted": sum("tilted" in face.quality.reasons for face, _, _ in found) / len(rows),
        "without_reason": n_silent,
    }


class Given:
    """A detector that returns given faces, unchanged or as if all were upright."""

    def __init__(self, framing: Framing, *, is_upright: bool) -> None:
        self.name, self.framing = "given", framing
        self._is_upright = is_upright
        self.faces: list[FaceDetection] = []

    def detect(self, image: Pixels) -> list[FaceDetection]:
        """Return the given faces."""
        del image
        if self._is_upright:
            return [replace(face, checked_roll=FaceRoll(0.0, face.box)) for face in self.faces]
        return self.faces


def measure(
    detector: FaceDetector, options: argparse.Namespace, roll_degrees: float
) -> dict[str, dict[str, float | int | None]]:
    """Measure all faces at one roll, unrotated and rotated upright."""
    classifier = OnnxEmotionClassifier.load(options.model)
    ways = {
        "as_they_are": Given(detector.framing, is_upright=True),
        "turned": Given(detector.framing, is_upright=False),
    }
    data = load_faces(options.source, Split.from_name(options.split))
    n_faces = min(options.faces, len(data))
    rows: dict[str, list[Row]] = {way: [] for way in ways}
    seconds = 0.0
    for index in track(range(n_faces), f"{roll_degrees:+.0f} degrees", transient=True):
        row = index * len(data) // n_faces
        canvas, truth = place(data.images[row], options.factor, roll_degrees)
        began = time.perf_counter()
        found = detector.detect(canvas)
        seconds += time.perf_counter() - began
        for way, given in ways.items():
            given.faces = found
            faces = ImageAnalyzer(given, classifier).analyze_image(canvas).faces
            rows[way].append((best_match(faces, truth), int(data.labels[row]), roll_degrees))
    return {way: metrics_of(of_way) for way, of_way in rows.items()} | {
        "detection": {"ms": 1e3 * seconds / n_faces}
    }


def main() -> None:
    """Measure, then print or write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--faces", type=int, default=700)
    parser.add_argument("--factor", type=float, default=4.0)
    parser.add_argument("--model", default="labels")
    parser.add_argument("--detector", default=DEFAULT_DETECTOR)
    parser.add_argument("--rolls", type=float, nargs="+", default=list(range(-90, 181, 15)))
    parser.add_argument("--json", default="-")
    options = parser.parse_args()

    detector = build_detector(options.detector, n_threads=2)
    record = {
        "n": options.faces,
        "factor": options.factor,
        "model": options.model,
        "detector": detector.name,
        "rolls": {f"{roll:g}": measure(detector, options, roll) for roll in options.rolls},
    }
    line = json.dumps(record, indent=2) + "\n"
    print(line, end="") if options.json == "-" else Path(options.json).write_text(line)


if __name__ == "__main__":
    main()
