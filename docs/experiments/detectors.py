"""Measure detection rate by face size, cost and false detections of each detector.

Benchmark faces are placed at random positions of a grey 640x480 image and pass through detector and
landmark network like any image. Run from the repository root (0018-fast-detector.md):

    python docs/experiments/detectors.py $EMOLENS_DATA/fer2013/public-test.parquet --json -
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from rich.progress import track

from emolens.core.geometry import Box
from emolens.core.ports import FaceDetector
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.detection import DETECTOR_NAMES, build_detector
from emolens.pipeline.framed_face import face_region

WIDTH, HEIGHT = 640, 480
GRAY = 127
SEED = 0
# scikit-image's sample images without a face; the moon is the hardest negative.
FACELESS = (
    *("brick", "cell", "chelsea", "clock", "coffee", "coins", "colorwheel", "grass", "gravel"),
    *("horse", "hubble_deep_field", "immunohistochemistry", "moon", "page", "rocket", "text"),
)
Pixels = npt.NDArray[np.uint8]


def place(face: Pixels, side: int, rng: np.random.Generator) -> tuple[Pixels, Box]:
    """Resize a grey face to `side`, place it at a random position and return its box."""
    way = cv2.INTER_CUBIC if side > face.shape[0] else cv2.INTER_AREA
    canvas = np.full((HEIGHT, WIDTH, 3), GRAY, np.uint8)
    x, y = int(rng.integers(WIDTH - side + 1)), int(rng.integers(HEIGHT - side + 1))
    canvas[y : y + side, x : x + side] = cv2.resize(face, (side, side), interpolation=way)[
        ..., None
    ]
    return canvas, Box(x, y, x + side, y + side)


def at_size(detector: FaceDetector, faces: Pixels, side: int) -> dict[str, float]:
    """Measure detection rate, fit of the framing, false detections and time at one size."""
    rng = np.random.default_rng(SEED)
    overlaps, n_elsewhere, times = [], 0, []
    for face in track(faces, f"{detector.name}, {side} px", transient=True):
        image, truth = place(face, side, rng)
        began = time.perf_counter()
        found = detector.detect(image)
        times.append(time.perf_counter() - began)
        ious = [face_region(one, detector.framing)[0].iou(truth) for one in found]
        hits = [iou for iou in ious if iou >= 0.3]
        overlaps += [max(hits)] if hits else []
        n_elsewhere += len(ious) - len(hits)
    return {
        "found": len(overlaps) / len(faces),
        "framing_iou_mean": float(np.mean(overlaps)) if overlaps else 0.0,
        "framing_iou_p10": float(np.percentile(overlaps, 10)) if overlaps else 0.0,
        "found_elsewhere": n_elsewhere,
        "ms_p50": 1e3 * float(np.median(times)),
    }


def lying(name: str, faces: Pixels, *, sideways: bool) -> dict[str, float]:
    """Measure the detection rate of 192 px faces in images rotated by quarter turns."""
    detector = build_detector(name, n_threads=2, sideways=sideways)
    rng = np.random.default_rng(SEED)
    n_found, times = {1: 0, 2: 0, 3: 0}, []
    for face in track(faces, f"{name}, lying", transient=True):
        image, _ = place(face, 192, rng)
        for quarters in n_found:
            turned = np.ascontiguousarray(np.rot90(image, quarters))
            began = time.perf_counter()
            n_found[quarters] += bool(detector.detect(turned))
            times.append(time.perf_counter() - began)
    shares = {f"{90 * quarters}": n / len(faces) for quarters, n in n_found.items()}
    return shares | {"ms_p50": 1e3 * float(np.median(times))}


def faceless(name: str, *, sideways: bool) -> dict[str, float | list[str]]:
    """Measure false detections and time on images without a face."""
    detector = build_detector(name, n_threads=2, sideways=sideways)
    detections, times = [], []
    for sample in FACELESS:
        loaded = np.asarray(getattr(skimage.data, sample)())
        if loaded.dtype == bool:
            loaded = 255 * loaded.astype(np.uint8)
        image = np.repeat(loaded[..., None], 3, axis=2) if loaded.ndim == 2 else loaded[..., :3]
        began = time.perf_counter()
        detections += [sample] * len(detector.detect(np.ascontiguousarray(image[..., ::-1])))
        times.append(time.perf_counter() - began)
    return {"n_images": len(FACELESS), "finds": detections, "ms_p50": 1e3 * float(np.median(times))}


def main() -> None:
    """Measure, then print or write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--faces", type=int, default=300)
    parser.add_argument("--sides", type=int, nargs="+", default=[24, 32, 48, 64, 96, 192, 384])
    parser.add_argument("--detectors", nargs="+", default=list(DETECTOR_NAMES))
    parser.add_argument("--json", default="-")
    options = parser.parse_args()

    data = load_faces(options.source, Split.from_name(options.split))
    faces = data.images[:: max(len(data) // options.faces, 1)][: options.faces]
    record: dict[str, object] = {"n": len(faces), "detectors": {}}
    for name in options.detectors:
        detector = build_detector(name, n_threads=2)
        record["detectors"] |= {
            name: {
                "sizes": {f"{side}": at_size(detector, faces, side) for side in options.sides},
                "faceless": faceless(name, sideways=False),
                "faceless_sideways": faceless(name, sideways=True),
                "lying": lying(name, faces[::3], sideways=False),
                "lying_sideways": lying(name, faces[::3], sideways=True),
            }
        }
    line = json.dumps(record, indent=2) + "\n"
    print(line, end="") if options.json == "-" else Path(options.json).write_text(line)


if __name__ == "__main__":
    main()
