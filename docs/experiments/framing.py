"""Measure the framing of FER2013 in units of a detector's boxes (0001-framing.md).

Every image is enlarged (or, below 1, shrunk), placed at a random position on a grey canvas and
passed to the detector.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceDetection
from emolens.core.ports import FaceDetector
from emolens.datasets.faces import Split
from emolens.datasets.loading import iter_faces
from emolens.detection import DEFAULT_DETECTOR, DETECTOR_NAMES, load_detector

CANVAS_WH = (640, 480)
GRAY = 127
SEED = 0
Floats = npt.NDArray[np.float64]
Metrics = dict[str, float | int | list[float]]


@dataclass(frozen=True)
class Shown:
    """The position of a face image on the canvas, in pixels."""

    left: int
    top: int
    side: int


def lay_out(
    face: npt.NDArray[np.uint8], side: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], Shown]:
    """Resize a grey face to `side` and place it at a random position on a canvas."""
    width, height = CANVAS_WH
    canvas = np.full((height, width, 3), GRAY, np.uint8)
    left = int(rng.integers(0, width - side + 1))
    top = int(rng.integers(0, height - side + 1))
    interpolation = cv2.INTER_CUBIC if side >= face.shape[0] else cv2.INTER_AREA
    large = cv2.resize(face, (side, side), interpolation=interpolation)
    canvas[top : top + side, left : left + side] = large[..., None]
    return canvas, Shown(left, top, side)


def box_framing(shown: Shown, found: FaceDetection, unit: str) -> tuple[float, float, float]:
    """Return centre shift x, y and scale of the image square, in box sides of a given kind."""
    box = found.box
    sides = {
        "sqrt": (box.width * box.height) ** 0.5,
        "height": box.height,
        "width": box.width,
        "longer": max(box.width, box.height),
    }
    return _relation(shown, box.center_xy, sides[unit])


def landmark_framing(shown: Shown, found: FaceDetection) -> tuple[float, float, float]:
    """Return the same from landmarks: midpoint and spread of eyes and mouth."""
    if found.landmarks is None:
        return (float("nan"),) * 3
    right_eye, left_eye, _, mouth_right, mouth_left = found.landmarks.astype(np.float64)
    eyes, mouth = (right_eye + left_eye) / 2, (mouth_right + mouth_left) / 2
    side = np.hypot(np.linalg.norm(left_eye - right_eye), np.linalg.norm(mouth - eyes))
    x, y = (eyes + mouth) / 2
    return _relation(shown, (float(x), float(y)), float(side))


def _relation(
    shown: Shown, center_xy: tuple[float, float], side: float
) -> tuple[float, float, float]:
    x, y = center_xy
    half = shown.side / 2
    return (shown.left + half - x) / side, (shown.top + half - y) / side, shown.side / side


def summarise(relations: Sequence[tuple[float, float, float]]) -> Metrics:
    """Compute medians, interquartile ranges, and the residuals after applying the medians.

    Errors are the centre distance in sides of FER2013's square, and |ln| of the side ratio.
    """
    table: Floats = np.array(relations, np.float64).reshape(-1, 3)
    table = table[np.isfinite(table).all(axis=1)]
    if not len(table):
        return {"n": 0}
    low, median, high = np.percentile(table, [25, 50, 75], axis=0)
    center = np.hypot(*(table[:, :2] - median[:2]).T) / table[:, 2]
    log_side = np.abs(np.log(table[:, 2] / median[2]))
    return {
        "n": len(table),
        "shift_x_shift_y_scale": _rounded(median),
        "iqr": _rounded(high - low),
        "center_error_p50_p90": _rounded(np.percentile(center, [50, 90])),
        "log_side_error_p50_p90": _rounded(np.percentile(log_side, [50, 90])),
    }


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 4) for value in values]


def measure(
    detector: FaceDetector, faces: Sequence[npt.NDArray[np.uint8]], enlargement: float
) -> dict[str, object]:
    """Run all measurements at one enlargement."""
    rng = np.random.default_rng(SEED)
    side = round(faces[0].shape[0] * enlargement)
    found: list[tuple[Shown, FaceDetection]] = []
    n_several, seconds = 0, 0.0
    for face in faces:
        canvas, shown = lay_out(face, side, rng)
        started = time.process_time()
        detections = detector.detect(canvas)
        seconds += time.process_time() - started
        n_several += len(detections) > 1
        found += [(shown, detections[0])] if detections else []
    scores = np.array([detection.score for _, detection in found])
    confident = scores >= (np.median(scores) if len(scores) else 0)
    return {
        "n_shown": len(faces),
        "share_found": round(len(found) / len(faces), 4),
        "share_several": round(n_several / len(faces), 4),
        "cpu_ms_per_image": round(1e3 * seconds / len(faces), 1),
        **{
            f"box_{unit}": summarise([box_framing(*pair, unit) for pair in found])
            for unit in ("sqrt", "height", "width", "longer")
        },
        "landmarks": summarise([landmark_framing(*pair) for pair in found]),
        "box_longer_upper_half_of_scores": summarise(
            [
                box_framing(*pair, "longer")
                for pair, is_confident in zip(found, confident, strict=True)
                if is_confident
            ]
        ),
    }


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path, metavar="SOURCE")
    parser.add_argument("--detector", choices=DETECTOR_NAMES, default=DEFAULT_DETECTOR)
    parser.add_argument("--enlargements", nargs="+", type=float, default=[2, 3, 4, 6, 8])
    parser.add_argument("--n-faces", type=int, default=2000, help="evenly spread over the sources")
    parser.add_argument("--json", default="-", metavar="FILE|-")
    arguments = parser.parse_args()
    samples = chain.from_iterable(iter_faces(s, Split.TRAIN) for s in arguments.sources)
    everything = [sample.image for sample in samples]
    faces = everything[:: max(len(everything) // arguments.n_faces, 1)][: arguments.n_faces]
    detector = load_detector(arguments.detector, long_side_px=CANVAS_WH[0])
    report = {
        "detector": detector.name,
        "enlargement": {f"{e:g}": measure(detector, faces, e) for e in arguments.enlargements},
    }
    text = json.dumps(report, indent=1) + "\n"
    if arguments.json == "-":
        sys.stdout.write(text)
    else:
        Path(arguments.json).write_text(text)


if __name__ == "__main__":
    main()
