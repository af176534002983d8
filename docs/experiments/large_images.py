"""Measure detection rate and cost in large and long images (0012-large-images.md).

FER2013 faces are placed on grey, as in experiment 0001, and the head of scikit-image's portrait
(public domain) on enlarged photographs without faces, at random positions and across the edges of
tiles.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.core.ports import FaceDetector
from emolens.datasets.faces import Split
from emolens.datasets.loading import iter_faces
from emolens.detection import CenterFaceDetector, TiledDetector
from emolens.detection.centerface import SMALLEST_FACE_PX
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image

SEED = 0
GRAY = 127
ONE_PASS_PX = 640
# (width, height) of the image and sides of the faces, FER2013's square, in pixels.
RECALL: dict[tuple[int, int], tuple[int, ...]] = {
    (1280, 960): (40, 58, 100),
    (1280, 64): (32, 50),
    (1920, 1080): (40, 48, 70, 140, 400),
    (4000, 3000): (48, 70, 140, 300, 800, 2000),
    (6000, 4000): (48, 70, 100, 140, 250, 400, 800, 2000),
    (9000, 3000): (74, 140, 250, 400, 1000),
    (12000, 9000): (100, 150, 300, 600, 1200, 4000),
    (8000, 1000): (48, 140, 300, 700),
    (5120, 256): (48, 100, 200),
    (300, 6000): (48, 140, 250),
}
BACKGROUNDS = ("coffee", "chelsea", "rocket", "brick", "grass", "gravel", "text", "moon")
HEAD = read_image(sample_image()).image[20:240, 110:330]
# Position of CenterFace's framing square in the head, in sides of the head.
HEAD_FRAME = (0.240, 0.158, 0.810, 0.728)
Image = npt.NDArray[np.uint8]


@dataclass
class Tally:
    """Counts and errors over all images of one size with faces of one size."""

    n_shown: int = 0
    n_found: int = 0
    n_extra: int = 0
    cpu_s: list[float] = field(default_factory=list)
    center_error: list[float] = field(default_factory=list)
    log_side: list[float] = field(default_factory=list)

    def add(self, squares: Sequence[Box], found: Sequence[Box], cpu_s: float) -> None:
        """Match the detected framing squares with the true ones."""
        self.n_shown += len(squares)
        self.cpu_s.append(cpu_s)
        free = list(found)
        for square in squares:
            best = max(free, key=square.iou, default=None)
            if best is None or square.iou(best) < 0.3:
                continue
            free.remove(best)
            self.n_found += 1
            (x, y), (there_x, there_y) = best.center_xy, square.center_xy
            self.center_error.append(float(np.hypot(x - there_x, y - there_y)) / square.width)
            self.log_side.append(abs(float(np.log(best.width / square.width))))
        self.n_extra += len(free)

    def to_dict(self) -> dict[str, float]:
        """Return detection rate, extra detections, framing errors and CPU time per image."""
        errors = {"center_error_p50": self.center_error, "log_side_error_p50": self.log_side}
        return {
            "n_shown": self.n_shown,
            "share_found": round(self.n_found / self.n_shown, 3),
            "n_extra": self.n_extra,
            "cpu_s": round(float(np.median(self.cpu_s)), 2),
            **{name: round(float(np.median(each)), 3) for name, each in errors.items() if each},
        }


def background(size_wh: tuple[int, int], name: str) -> Image:
    """Enlarge the centre of a photograph without faces to an image size."""
    photograph = getattr(skimage.data, name)()
    if photograph.ndim == 2:
        photograph = np.repeat(photograph[..., None], 3, axis=2)
    photograph = np.ascontiguousarray(photograph[..., 2::-1])
    height, width = photograph.shape[:2]
    scale = max(size_wh[0] / width, size_wh[1] / height)
    part_w, part_h = round(size_wh[0] / scale), round(size_wh[1] / scale)
    left, top = (width - part_w) // 2, (height - part_h) // 2
    part = photograph[top : top + max(part_h, 1), left : left + max(part_w, 1)]
    return np.asarray(cv2.resize(part, size_wh, interpolation=cv2.INTER_CUBIC), np.uint8)


def heads(n_heads: int, rng: np.random.Generator) -> list[Image]:
    """Return heads, brighter or darker, every other one mirrored."""
    gains = rng.uniform(0.6, 1.1, n_heads)
    return [
        np.clip(HEAD[:, :: -1 if number % 2 else 1] * gain, 0, 255).astype(np.uint8)
        for number, gain in enumerate(gains)
    ]


def lay_out(image: Image, faces: Sequence[Image], side: int, rng: np.random.Generator) -> list[Box]:
    """Place faces at random positions without overlap; return their framing squares.

    Args:
        image: Changed in place.
        faces: FER2013 faces, grey, or heads, in colour.
        side: Side of the framing squares in pixels.
        rng: Source of the positions.
    """
    is_head = faces[0].ndim == 3
    frame_x, frame_y, frame_end = HEAD_FRAME[:3] if is_head else (0.0, 0.0, 1.0)
    face_px = side
    side = round(side / (frame_end - frame_x))
    height, width = image.shape[:2]
    cell = round(side * 1.25) if side * 1.25 <= min(width, height) else side
    columns, rows = width // cell, height // cell
    places = rng.permutation(columns * rows)[: len(faces)]
    squares = []
    for number, (face, place) in enumerate(zip(faces, places, strict=False)):
        left = int(place % columns) * cell + int(rng.integers(0, cell - side + 1))
        top = int(place // columns) * cell + int(rng.integers(0, cell - side + 1))
        large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
        image[top : top + side, left : left + side] = large if is_head else large[..., None]
        shift = frame_x if not (is_head and number % 2) else 1 - frame_end
        x, y = left + shift * side, top + frame_y * side
        squares.append(Box(x, y, x + face_px, y + face_px))
    return squares


def recall(
    detectors: dict[str, FaceDetector], faces: Sequence[Image], n_images: int
) -> Iterator[dict[str, object]]:
    """Measure each detector by size of image and faces; without faces, use heads."""
    for size_wh, sides in RECALL.items():
        for side in sides:
            rng = np.random.default_rng(SEED)
            tallies = {name: Tally() for name in detectors}
            for number in range(n_images):
                if faces:
                    image = np.full((size_wh[1], size_wh[0], 3), GRAY, np.uint8)
                    some = [faces[row] for row in rng.permutation(len(faces))[:24]]
                else:
                    image = background(size_wh, BACKGROUNDS[number % len(BACKGROUNDS)])
                    some = heads(24, rng)
                squares = lay_out(image, some, side, rng)
                for name, detector in detectors.items():
                    found, cpu_s = _timed(detector, image)
                    framed = [detector.framing.apply(face.box) for face in found]
                    tallies[name].add(squares, framed, cpu_s)
            if not tallies["after"].n_shown:
                continue
            yield {
                "size_wh": size_wh,
                "face_px": side,
                **{name: tally.to_dict() for name, tally in tallies.items()},
            }


def across_edges(detector: TiledDetector, side: int, n_places: int) -> dict[str, object]:
    """Count the detections of one head on the edge of a tile of a 24-megapixel image."""
    size_wh = (6000, 4000)
    rng = np.random.default_rng(SEED)
    tiles = detector.plan(size_wh).tiles
    large = cv2.resize(HEAD, (side, side), interpolation=cv2.INTER_CUBIC)
    ground = background(size_wh, "grass")
    counts = []
    for _ in range(n_places):
        tile = tiles[int(rng.integers(len(tiles)))]
        edge_x, edge_y = ((tile.left, tile.top), (tile.right, tile.bottom))[int(rng.integers(2))]
        shift_x, shift_y = rng.integers(0, side + 1, 2)
        left = int(np.clip(edge_x - shift_x, 0, size_wh[0] - side))
        top = int(np.clip(edge_y - shift_y, 0, size_wh[1] - side))
        image = ground.copy()
        image[top : top + side, left : left + side] = large
        counts.append(len(detector.detect(image)))
    return {
        "head_px": side,
        "places": n_places,
        "faces_found": {n: counts.count(n) for n in sorted(set(counts))},
    }


def false_finds(detector: FaceDetector, size_wh: tuple[int, int]) -> dict[str, object]:
    """Detect faces in enlarged photographs without faces and in noise."""
    rng = np.random.default_rng(SEED)
    width, height = size_wh
    found = {name: _scores(detector.detect(background(size_wh, name))) for name in BACKGROUNDS}
    for grain in (1, 8, 32):
        small = rng.integers(0, 256, (height // grain, width // grain, 3), np.uint8)
        noise = cv2.resize(small, size_wh, interpolation=cv2.INTER_CUBIC)
        found[f"noise of {grain} px"] = _scores(detector.detect(np.asarray(noise, np.uint8)))
    return {
        "size_wh": size_wh,
        "images": len(found),
        "found": {k: v for k, v in found.items() if v},
    }


def cost(detector: TiledDetector, size_wh: tuple[int, int]) -> dict[str, object]:
    """Measure passes, CPU and wall time of one image, and peak memory of the process."""
    image = background(size_wh, "coffee")
    plan = detector.plan(size_wh)
    detector.detect(image)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    detector.detect(image)
    return {
        "size_wh": size_wh,
        "looks": 1 + len(plan.tiles),
        "smallest_px": round(plan.smallest_px),
        "cpu_s": round(time.process_time() - began_cpu_s, 2),
        "wall_s": round(time.perf_counter() - began_s, 2),
        "image_mb": round(image.nbytes / 1e6),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


def _timed(detector: FaceDetector, image: Image) -> tuple[list[FaceDetection], float]:
    began_s = time.process_time()
    found = detector.detect(image)
    return found, time.process_time() - began_s


def _scores(found: Sequence[FaceDetection]) -> list[float]:
    return [round(face.score, 2) for face in found]


def main() -> None:
    """Measure and write one JSON line per row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("recall", "edges", "false", "cost"))
    parser.add_argument(
        "--faces",
        type=Path,
        help="a FER2013 source with PublicTest rows; default: heads on photographs",
    )
    parser.add_argument("--n-images", type=int, default=3)
    parser.add_argument("--n-threads", type=int, default=2)
    arguments = parser.parse_args()
    after = TiledDetector(
        CenterFaceDetector(n_threads=arguments.n_threads),
        long_side_px=ONE_PASS_PX,
        smallest_px=SMALLEST_FACE_PX,
    )
    rows: Iterator[dict[str, object]]
    if arguments.what == "recall":
        before = CenterFaceDetector(n_threads=arguments.n_threads)
        samples = [
            sample.image
            for sample in (iter_faces(arguments.faces, Split.VALIDATION) if arguments.faces else ())
        ]
        rows = recall({"before": before, "after": after}, samples, arguments.n_images)
    elif arguments.what == "edges":
        rows = (across_edges(after, side, arguments.n_images) for side in (130, 240, 480, 900))
    elif arguments.what == "false":
        sizes = ((1920, 1080), (4000, 3000), (6000, 4000), (8000, 1000), (300, 6000))
        rows = (false_finds(after, size_wh) for size_wh in sizes)
    else:
        shapes = ((1280, 960), (1920, 1080), (4000, 3000), (6000, 4000), (5120, 256), (8000, 1000))
        rows = (cost(after, size_wh) for size_wh in (*shapes, (9000, 3000), (12000, 9000)))
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
