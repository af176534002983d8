"""Measure the landmark network against its teachers, at any roll (0017-landmarks.md).

Held-out faces are resized, rotated about their centre and placed on grey. The network gets a box
with a detector's errors: shifted, scaled and never rotated. Run from the repository root:

    python docs/experiments/landmarks.py recipes/landmarks.toml --json docs/metrics/landmarks.json
"""

import argparse
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.detection.landmarks import LandmarkDetector, turned_box
from emolens.runtime.catalogue import LANDMARK_MODEL, find_model
from emolens.runtime.model_file import LandmarkModel, load_landmark_model
from emolens.testing import FakeDetector
from emolens.training.landmarks.fit import load_landmark_recipe
from emolens.training.landmarks.images import load_backgrounds, load_images
from emolens.training.landmarks.module import LEAST_EYE_DISTANCE
from emolens.training.landmarks.teaching import teach

SEED = 0
CANVAS_PX = 320
FACE_PX = 160
GRAY = 127
# Errors of a detector's box: shift of the centre and change of the side, in sides.
SHIFT, CHANGE = 0.1, 0.15
Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """A face on a canvas, the teachers' prediction, and a box with a detector's errors."""

    canvas: Pixels
    landmarks: Floats
    box: Box
    found: Box
    roll_degrees: float


def show(
    image: Pixels, landmarks: Floats, box: Floats, roll_degrees: float, rng: np.random.Generator
) -> Shown:
    """Place an image on a canvas, rotated clockwise."""
    interpolation = cv2.INTER_CUBIC if len(image) < FACE_PX else cv2.INTER_AREA
    large = cv2.resize(image, (FACE_PX, FACE_PX), interpolation=interpolation)
    middle = (FACE_PX - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), -roll_degrees, 1.0)
    turn[:, 2] += (CANVAS_PX - FACE_PX) / 2
    canvas = cv2.warpAffine(large, turn, (CANVAS_PX, CANVAS_PX), borderValue=GRAY)
    angle = np.radians(roll_degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def placed(points: Floats) -> Floats:
        return FACE_PX * (points - 0.5) @ matrix.T + CANVAS_PX / 2

    center = placed((box[:2] + box[2:])[None] / 2)[0]
    half_w, half_h = FACE_PX * (box[2:] - box[:2]) / 2
    x, y = center
    upright = Box(x - half_w, y - half_h, x + half_w, y + half_h)
    seen = turned_box(upright, roll_degrees)
    side = max(seen.width, seen.height)
    dx, dy = rng.uniform(-SHIFT, SHIFT, 2) * side
    grown = np.exp(rng.uniform(-1, 1) * np.log(1 + CHANGE))
    found = Box.from_center((x + dx, y + dy), side * grown)
    points = placed(landmarks)
    across, down = points[3:].mean(axis=0) - points[:2].mean(axis=0)
    roll = float(np.degrees(np.arctan2(-across, down)))
    return Shown(np.repeat(canvas[..., None], 3, axis=2), points, upright, found, roll)


def refine(model: LandmarkModel, shown: Shown) -> FaceDetection | None:
    """Refine the detection with the landmark network; None: rejected."""
    detector = LandmarkDetector(FakeDetector([FaceDetection(shown.found, 0.9)]), model)
    return next(iter(detector.detect(shown.canvas)), None)


def metrics_of(pairs: list[tuple[Shown, FaceDetection | None]]) -> dict[str, float | int]:
    """Measure the errors over all accepted faces."""
    errors, rolls, ious, n_certain = [], [], [], 0
    for shown, found in pairs:
        if found is None or found.landmarks is None or found.roll is None:
            continue
        eyes = np.linalg.norm(shown.landmarks[0] - shown.landmarks[1])
        eyes = max(eyes, LEAST_EYE_DISTANCE * max(shown.box.width, shown.box.height))
        errors.append(np.linalg.norm(found.landmarks - shown.landmarks, axis=1).mean() / eyes)
        rolls.append(abs((found.roll.degrees - shown.roll_degrees + 180) % 360 - 180))
        ious.append(found.roll.box.iou(shown.box))
        n_certain += found.roll.is_certain
    return {
        "n": len(pairs),
        "taken_for_a_face": len(errors) / len(pairs),
        "roll_certain": n_certain / max(len(errors), 1),
        "error_mean": float(np.mean(errors)),
        "error_p50": float(np.median(errors)),
        "error_p95": float(np.percentile(errors, 95)),
        "roll_error_p50": float(np.median(rolls)),
        "roll_error_p95": float(np.percentile(rolls, 95)),
        "roll_within_5": float(np.mean(np.array(rolls) <= 5)),
        "box_iou_mean": float(np.mean(ious)),
    }


def false_faces(model: LandmarkModel) -> dict[str, float]:
    """Measure the share of face-free patches and textures accepted as a face."""
    backgrounds = load_backgrounds(None, model.manifest.size_px, SEED + 1)
    taken = []
    for background in backgrounds[::4]:
        canvas = np.repeat(background[..., None], 3, axis=2)
        side = len(background)
        box = Box.from_center((side / 2, side / 2), side / model.manifest.scale)
        detector = LandmarkDetector(FakeDetector([FaceDetection(box, 0.9)]), model)
        taken.append(bool(detector.detect(canvas)))
    return {"n": len(taken), "taken_for_a_face": float(np.mean(taken))}


def milliseconds(model: LandmarkModel, shown: Shown, n_faces: int) -> float:
    """Measure the time of all passes per face of one image, cropping included."""
    x, y = shown.found.center_xy
    side = shown.found.width
    detections = [
        FaceDetection(Box.from_center((x + 0.02 * n, y), side), 0.9) for n in range(n_faces)
    ]
    detector = LandmarkDetector(FakeDetector(detections), model)
    detector.detect(shown.canvas)
    times = []
    for _ in range(30):
        began = time.perf_counter()
        detector.detect(shown.canvas)
        times.append(time.perf_counter() - began)
    return 1e3 * float(np.median(times)) / n_faces


def main() -> None:
    """Measure, then print or write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument(
        "--model", type=Path, help="a file of `emolens export`; default: the shipped one"
    )
    parser.add_argument("--faces", type=int, default=600, help="of each validation source")
    parser.add_argument("--json", default="-")
    options = parser.parse_args()

    recipe = load_landmark_recipe(options.recipe)
    model = load_landmark_model(options.model)
    path = options.model or find_model(LANDMARK_MODEL, "landmarks").path
    record: dict[str, object] = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "faces": options.faces,
    }
    for section in recipe.validation:
        images = load_images(section)
        step = max(len(images) // options.faces, 1)
        chosen = images[::step][: options.faces]
        taught = teach(chosen, recipe.teachers)
        rng = np.random.default_rng(SEED)
        shown = {}
        for way in ("upright", "any_roll"):
            shown[way] = [
                show(
                    chosen[row],
                    taught.landmarks[index].astype(np.float64),
                    taught.boxes[index].astype(np.float64),
                    0.0 if way == "upright" else float(rng.uniform(-180, 180)),
                    rng,
                )
                for index, row in enumerate(taught.rows)
            ]
        name = section.source.stem
        record[name] = {"teachers_see_a_face": len(taught.rows) / len(chosen)} | {
            way: metrics_of(
                [(face, refine(model, face)) for face in track(faces, way, transient=True)]
            )
            for way, faces in shown.items()
        }
    record["without_a_face"] = false_faces(model)
    first = shown["upright"][0]
    record["ms_a_face"] = {f"{n}": milliseconds(model, first, n) for n in (1, 4, 8)}
    line = json.dumps(record, indent=2) + "\n"
    print(line, end="") if options.json == "-" else Path(options.json).write_text(line)


if __name__ == "__main__":
    main()
