"""Measure the recall on crops that are wider than FER2013's framing (0001-framing.md).

Each photograph is cropped around its largest face at several widths, in sides of the framing
square. FER2013's own images are enlarged and measured in the same unit. Run from the root:

    python docs/experiments/wide_crops.py $EMOLENS_DATA/wild/dev.parquet \
        $EMOLENS_DATA/fer2013/public-test.parquet
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from rich.progress import track

from emolens.core.geometry import Box
from emolens.core.ports import FaceDetector
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.imaging.bgr import as_bgr
from emolens.imaging.crop import crop_square
from emolens.imaging.preprocess import to_gray
from emolens.pipeline.framed_face import detect_regions
from emolens.pipeline.models import Models

CLASSES = ("angry", "happy", "sad", "surprise", "neutral")
WIDTHS = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8)
ENLARGEMENT = 4
PERCENTILES = (5, 25, 50, 75, 95)


def photographs(path: Path) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Yield the label and the uint8 (H, W, 3) BGR image of each photograph of the five classes."""
    name = "picture"  # codespell:ignore picture
    for row in track(pq.read_table(path).to_pylist(), path.name, transient=True):
        if row["label"] in CLASSES:
            encoded = np.frombuffer(row[name], np.uint8)
            yield row["label"], np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def filled(detector: FaceDetector, image: npt.NDArray[np.uint8]) -> tuple[Box, float] | None:
    """Return the square of the largest face and its share of the longer side of the image."""
    regions = detect_regions(detector, image)
    return (regions[0][0], regions[0][0].width / max(image.shape)) if regions else None


def print_shares(name: str, shares: list[float], n_images: int) -> None:
    """Print the percentiles of the shares."""
    values = " | ".join(f"{one:.2f}" for one in np.percentile(shares, PERCENTILES))
    print(f"| {name} | {len(shares)} of {n_images} | {values} |")


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("fer2013", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--every", type=int, default=9, help="measure one of so many FER2013 faces")
    options = parser.parse_args()
    models = Models(model=options.model, n_threads=2)
    detector, classifier = models.detector(), models.classifier
    size_px = classifier.input_spec.size_px
    hits: dict[tuple[float, str], list[bool]] = defaultdict(list)
    shares, n_images = [], 0
    for label, image in photographs(options.photographs):
        n_images += 1
        found = filled(detector, image)
        if found is None:
            continue
        square, share = found
        shares.append(share)
        gray = to_gray(image)
        squares = [Box.from_center(square.center_xy, width * square.width) for width in WIDTHS]
        scores = classifier.classify([crop_square(gray, one, size_px) for one in squares])
        for width, score in zip(WIDTHS, scores, strict=True):
            hits[width, label].append(score.top == label)
    print("| images | with a face | " + " | ".join(f"p{one}" for one in PERCENTILES) + " |")
    print_shares("photographs", shares, n_images)
    faces = load_faces(options.fer2013, Split.VALIDATION).images[:: options.every]
    enlarged = [
        as_bgr(np.asarray(cv2.resize(one, None, fx=ENLARGEMENT, fy=ENLARGEMENT), np.uint8))
        for one in faces
    ]
    measured = [filled(detector, one) for one in enlarged]
    print_shares("FER2013", [one[1] for one in measured if one], len(faces))
    print("\n| width of the crop | framing square / crop | mean recall of five classes |")
    for width in WIDTHS:
        recall = np.mean([np.mean(hits[width, label]) for label in CLASSES])
        print(f"| {width} | {1 / width:.2f} | {recall:.1%} |")


if __name__ == "__main__":
    main()
