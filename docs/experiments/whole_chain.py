"""Compare the accuracy of the whole chain with that on ready-made crops.

Benchmark faces are enlarged onto a grey canvas and pass through detector, framing and classifier.
The same faces also go to the classifier directly. Run from the repository root:

    python docs/experiments/whole_chain.py $EMOLENS_DATA/fer2013/public-test.parquet --json -
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from emolens.classification import OnnxEmotionClassifier
from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.detection import DEFAULT_DETECTOR, build_detector
from emolens.pipeline import ImageAnalyzer

CANVAS_WH = (640, 480)
GRAY = 128


def place(face: npt.NDArray[np.uint8], factor: float) -> tuple[npt.NDArray[np.uint8], Box]:
    """Enlarge a uint8 (S, S) face and centre it on a grey uint8 (480, 640, 3) canvas."""
    width, height = CANVAS_WH
    large = cv2.resize(face, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    side = large.shape[0]
    x, y = (width - side) // 2, (height - side) // 2
    canvas = np.full((height, width, 3), GRAY, np.uint8)
    canvas[y : y + side, x : x + side] = large[:, :, None]
    return canvas, Box(x, y, x + side, y + side)


def best_match(faces: tuple[FaceResult, ...], truth: Box) -> FaceResult | None:
    """Return the largest face whose centre is inside the pasted image."""
    for face in faces:
        x, y = face.box.center_xy
        if truth.x_min <= x <= truth.x_max and truth.y_min <= y <= truth.y_max:
            return face
    return None


def main() -> None:
    """Measure, then print or write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--faces", type=int, default=700)
    parser.add_argument("--factor", type=float, default=4.0)
    parser.add_argument("--model", default="default")
    parser.add_argument("--detector", default=DEFAULT_DETECTOR)
    parser.add_argument("--detector-px", type=int, help="longer side of the detector input")
    parser.add_argument("--json", default="-")
    options = parser.parse_args()

    data = load_faces(options.source, Split.from_name(options.split))
    detector = build_detector(options.detector, long_side_px=options.detector_px, n_threads=2)
    whole = ImageAnalyzer(detector, OnnxEmotionClassifier.load(options.model))
    crops = ImageAnalyzer.load(model=options.model, face_crops=True)
    rows: list[tuple[bool, bool]] = []
    n_faces = min(options.faces, len(data))
    for index in track(range(n_faces), description="faces", transient=True):
        canvas, truth = place(data.images[index], options.factor)
        found = best_match(whole.analyze(canvas).faces, truth)
        if found is not None:
            direct = crops.analyze(data.images[index]).faces[0]
            label = int(data.labels[index])
            rows.append((found.top == label, direct.top == label))
    chain, direct_hits = np.array(rows, bool).T
    record = {
        "n": n_faces,
        "share_detected": len(rows) / n_faces,
        "accuracy_whole_chain": float(chain.mean()),
        "accuracy_face_crops": float(direct_hits.mean()),
        "points_lost": float(direct_hits.mean() - chain.mean()) * 100,
        "factor": options.factor,
        "detector": detector.name,
        "detector_px": options.detector_px,
        "model": options.model,
    }
    line = json.dumps(record, indent=2) + "\n"
    print(line, end="") if options.json == "-" else Path(options.json).write_text(line)


if __name__ == "__main__":
    main()
