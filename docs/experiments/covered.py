"""Measure predictions for covered and drawn faces, and cheap checks for covers.

Covers are drawn over the eyes and mouth that CenterFace detects. Each image passes through
detector, framing and classifiers. Run from the repository root:

    python docs/experiments/covered.py --public-test PUBLIC.parquet --training TRAINING.parquet \
        --wild DEV.parquet --json docs/metrics/covered.json
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import skimage
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from covers import COVERS, cover_face
from emolens.classification import OnnxEmotionClassifier
from emolens.core.emotion import Emotion
from emolens.core.face import FaceDetection
from emolens.core.ports import FaceDetector
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.detection import build_detector
from emolens.imaging.bgr import as_bgr
from emolens.imaging.crop import resize_gray_square
from emolens.imaging.decode import decode_image
from emolens.pipeline.framed_face import FramedFace, cut_faces
from emolens.testing import draw_face, marked_image

Pixels = npt.NDArray[np.uint8]

MODELS: Final = ("raters", "accurate", "fast")
# Covers to detect, training examples of the check, and negatives.
MOUTH_COVERS: Final = ("mask_blue", "mask_white", "mask_black", "mask_patterned", "scarf", "hand")
TRAINING_COVERS: Final = ("mask_blue", "mask_white", "mask_black", "scarf")
NORMAL: Final = ("uncovered", "blurred", "beard")
FALSE_ALARMS: Final = 0.01
CANVAS_WH: Final = (320, 240)
FACTOR: Final = 4
LIMITS: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SIDE: Final = 48
# Images that scikit-image ships.
ANIMALS: Final = ("chelsea", "horse")
THINGS: Final = (
    *("brick", "grass", "gravel", "coins", "coffee", "moon", "page", "text", "motorcycle_left"),
    *("cell", "ihc", "color", "logo", "clock_motion"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The prediction for a detected face.

    Attributes:
        detection: The detection.
        is_named: Whether the face is classified.
        probabilities: Per model, float32 (7,).
        halves: float32 (2, 7): predictions of the first model for the upper and the lower half.
        crop: uint8 (48, 48).
    """

    detection: FaceDetection
    is_named: bool
    probabilities: dict[str, npt.NDArray[np.float32]]
    halves: npt.NDArray[np.float32]
    crop: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One image with one cover.

    Attributes:
        source: Source of the face.
        cover: Name of the cover.
        label: Its class, or -1.
        reading: The prediction, or None without a detection.
    """

    source: str
    cover: str
    label: int
    reading: Reading | None


class Reader:
    """Detector, framing and all models, with two inference threads."""

    def __init__(self) -> None:
        self.detector: FaceDetector = build_detector("centerface", long_side_px=320, n_threads=1)
        self.models = {name: OnnxEmotionClassifier.load(name, n_threads=1) for name in MODELS}

    def best(self, image: Pixels) -> FaceDetection | None:
        """Return the largest face."""
        return next(iter(self.detector.detect(image)), None)

    def see(self, image: Pixels, source: str, cover: str, label: int) -> Seen:
        """Detect and classify the face of an image."""
        found = self.best(image)
        if found is None:
            return Seen(source, cover, label, None)
        regions = [(self.detector.framing.apply(found.box), found)]
        probabilities, halves, classified = {}, np.empty((2, 7), np.float32), True
        for name in MODELS[: 1 if source == "Training" else None]:
            model = self.models[name]
            face = cut_faces(image, regions, size_px=model.input_spec.size_px)[0]
            probabilities[name] = model.classify([face.crop])[0].probabilities
            if name == MODELS[0]:
                classified = face.assess().is_assessable
                halves = self._halves(face)
        crop = resize_gray_square(cut_faces(image, regions, size_px=SIDE)[0].crop, SIDE)
        reading = Reading(found, classified, probabilities, halves, crop)
        return Seen(source, cover, label, reading)

    def _halves(self, face: FramedFace) -> npt.NDArray[np.float32]:
        upper, lower = face.crop.copy(), face.crop.copy()
        middle = face.crop.shape[0] * 11 // 20
        upper[middle:], lower[:middle] = upper.mean(), lower.mean()
        scores = self.models[MODELS[0]].classify([upper, lower])
        return np.stack([score.probabilities for score in scores])


def on_canvas(face: Pixels, factor: float = FACTOR) -> Pixels:
    """Enlarge a grey or BGR face at the centre of a grey canvas."""
    large = cv2.resize(as_bgr(face), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    width, height = CANVAS_WH
    canvas = np.full((height, width, 3), 128, np.uint8)
    y, x = (height - large.shape[0]) // 2, (width - large.shape[1]) // 2
    canvas[y : y + large.shape[0], x : x + large.shape[1]] = large
    return canvas


def faces_of(path: Path, split: Split | None, n_faces: int) -> Iterator[tuple[Pixels, int]]:
    """Sample images of one face with their labels evenly from a file."""
    if split is None:
        table = pq.read_table(path).to_pylist()
        for row in table[:: max(1, len(table) // n_faces)][:n_faces]:
            image = decode_image(row["picture"]).image  # codespell:ignore picture
            small = cv2.resize(image, (300, 300), interpolation=cv2.INTER_AREA)
            yield np.asarray(small, np.uint8), Emotion.from_label(row["label"]).index
        return
    data = load_faces(path, split)
    step = max(1, len(data) // n_faces)
    for index in range(0, len(data), step)[:n_faces]:
        yield on_canvas(data.images[index]), int(data.labels[index])


def gather(
    reader: Reader, source: str, faces: Iterator[tuple[Pixels, int]], covers: tuple[str, ...]
) -> list[Seen]:
    """Combine every face with every cover; skip faces not detected without one."""
    rng = np.random.default_rng(0)
    seen: list[Seen] = []
    for image, label in track(list(faces), description=source):
        found = reader.best(image)
        if found is None or found.landmarks is None:
            continue
        seen.append(reader.see(image, source, "uncovered", label))
        blurred = cv2.GaussianBlur(image, (0, 0), 1.0 * found.box.width / SIDE)
        seen.append(reader.see(np.asarray(blurred, np.uint8), source, "blurred", label))
        for cover in covers:
            covered = cover_face(image, found.landmarks, cover, rng)
            seen.append(reader.see(covered, source, cover, label))
    return seen


def cartoon(emotion: Emotion, rng: np.random.Generator) -> Pixels:
    """Draw a coloured head with hair, large eyes and a mouth, uint8 (240, 320, 3)."""
    ground, skin, hair = rng.uniform(40, 240, 3), (rng.uniform(90, 190), 180, 235), (20, 30, 60)
    image = np.full((240, 320, 3), ground, np.uint8)
    x, y, side = 160, 125, round(rng.uniform(55, 75))
    cv2.circle(image, (x, y - side // 4), round(side * 1.15), hair, -1, cv2.LINE_AA)
    cv2.ellipse(image, (x, y), (side, round(side * 1.2)), 0, 0, 360, skin, -1, cv2.LINE_AA)
    eye = rng.uniform(0.12, 0.25)
    is_open = emotion in {Emotion.SURPRISE, Emotion.FEAR}
    for sign in (-1, 1):
        at = (x + round(sign * 0.42 * side), y - round(0.15 * side))
        size = (round(eye * side), round(eye * side * (1.5 if is_open else 1.1)))
        cv2.ellipse(image, at, size, 0, 0, 360, (250, 250, 250), -1, cv2.LINE_AA)
        cv2.circle(image, at, round(0.6 * eye * side), (60, 30, 20), -1, cv2.LINE_AA)
        cv2.circle(image, (at[0] - 3, at[1] - 3), 3, (255, 255, 255), -1, cv2.LINE_AA)
        inner = -0.08 if emotion in {Emotion.SAD, Emotion.FEAR} else 0.0
        inner = 0.1 if emotion == Emotion.ANGRY else inner
        brow = [(at[0] - sign * size[0], at[1] - size[1] - 8 + round(inner * side)),
                (at[0] + sign * size[0], at[1] - size[1] - 8 - round(inner * side))]  # fmt: skip
        cv2.line(image, brow[0], brow[1], hair, 4, cv2.LINE_AA)
    cv2.line(image, (x, y + 5), (x - 5, y + round(0.25 * side)), (90, 120, 190), 2, cv2.LINE_AA)
    mouth = (x, y + round(0.6 * side))
    smile = {Emotion.HAPPY: (0, 180), Emotion.SAD: (180, 360)}.get(emotion, (0, 360))
    height = round(side * (0.25 if is_open or emotion == Emotion.HAPPY else 0.04))
    cv2.ellipse(image, mouth, (round(0.35 * side), height), 0, *smile, (40, 30, 160), -1,
                cv2.LINE_AA)  # fmt: skip
    # Light from one side and soft edges, as in rendered heads.
    columns = np.linspace(1.1, 0.7, 320)[None, :, None]
    return np.asarray(np.clip(cv2.GaussianBlur(image, (0, 0), 2) * columns, 0, 255), np.uint8)


def not_human(reader: Reader) -> list[Seen]:
    """Classify drawn faces, cartoons, checkerboards, animals, objects and textures."""
    rng = np.random.default_rng(0)
    seen = []
    photograph = as_bgr(skimage.data.astronaut()[0:280, 90:370, ::-1])
    for emotion in [*Emotion] * 10:
        drawn = draw_face(emotion, rng)
        seen.append(reader.see(on_canvas(drawn), "drawn", "drawn face", emotion.index))
        sigma_s, sigma_r = rng.uniform(20, 80), rng.uniform(0.2, 0.6)
        painted = cv2.stylization(photograph, sigma_s=sigma_s, sigma_r=sigma_r)
        seen.append(reader.see(np.asarray(painted, np.uint8), "drawn", "painted photograph", -1))
        shown = cartoon(emotion, rng)
        seen.append(reader.see(shown, "drawn", "cartoon", emotion.index))
    for mark in range(20):
        shown = on_canvas(marked_image(mark, brightness=60 + 6 * mark), 2)
        seen.append(reader.see(shown, "drawn", "checks", -1))
    folder = Path(skimage.__file__).parent / "data"
    for name in (*ANIMALS, *THINGS):
        image = cv2.imread(str(folder / f"{name}.png"))
        if image is not None:
            kind = "animal" if name in ANIMALS else "thing or texture"
            seen.append(reader.see(np.asarray(image, np.uint8), name, kind, -1))
    return seen


def summary(rows: list[Seen], model: str) -> dict[str, object]:
    """Summarise the images of one kind."""
    found = [row.reading for row in rows if row.reading]
    classified = [row for row in rows if row.reading and row.reading.is_named]
    record: dict[str, object] = {
        "n": len(rows),
        "share_detected": round(len(found) / len(rows), 4),
        "share_named": round(len(classified) / len(rows), 4),
    }
    if not classified:
        return record
    readings = [row.reading for row in classified if row.reading]
    p = np.stack([reading.probabilities[model] for reading in readings])
    labels = np.array([row.label for row in classified])
    confidence, top = p.max(axis=1), p.argmax(axis=1)
    entropy = -(p * np.log(np.maximum(p, 1e-12))).sum(axis=1)
    record |= {
        "detection_score_median": _r(np.median([one.detection.score for one in readings])),
        "confidence_quartiles": [_r(value) for value in np.quantile(confidence, (0.25, 0.5, 0.75))],
        "entropy_median_nats": _r(np.median(entropy)),
        "top": {e.label: _r(np.mean(top == e.index)) for e in Emotion},
    }
    if (labels >= 0).all():
        record["accuracy_of_named"] = _r(np.mean(top == labels))
        record["above"] = {
            str(limit): {
                "share": _r(np.mean(confidence >= limit)),
                "accuracy": _r(np.mean((top == labels)[confidence >= limit]))
                if (confidence >= limit).any()
                else None,
            }
            for limit in LIMITS
        }
    return record


def cell_features(reading: Reading) -> npt.NDArray[np.float64]:
    """Compute brightness, contrast and detail of 6 x 6 cells of the normalised crop."""
    gray = reading.crop.astype(np.float64)
    gray = (gray - gray.mean()) / max(gray.std(), 8.0)
    detail = np.abs(cv2.Laplacian(gray, cv2.CV_64F))
    cells = gray.reshape(6, 8, 6, 8).swapaxes(1, 2).reshape(36, 64)
    fine = detail.reshape(6, 8, 6, 8).swapaxes(1, 2).reshape(36, 64)
    return np.concatenate([cells.mean(axis=1), np.log(cells.std(axis=1) + 0.02),
                           np.log(fine.mean(axis=1) + 0.02)])  # fmt: skip


def single_checks(reading: Reading) -> dict[str, float]:
    """Compute scores that may indicate a cover; higher means more likely."""
    gray = reading.crop.astype(np.float64)
    detail = np.abs(cv2.Laplacian(gray, cv2.CV_64F))
    mouth, eyes = (slice(30, 46), slice(10, 38)), (slice(12, 26), slice(6, 42))
    p = reading.probabilities[MODELS[0]].astype(np.float64)
    upper, lower = reading.halves.astype(np.float64)
    landmarks = np.asarray(reading.detection.landmarks, np.float64)
    right, left, _, *mouths = landmarks
    width = max(float(np.hypot(*(left - right))), 1.0)
    return {
        "low detector score": -reading.detection.score,
        "little detail at the mouth": -float(np.log(detail[mouth].mean() + 0.5)),
        "less detail at the mouth than at the eyes": float(
            np.log((detail[eyes].mean() + 0.5) / (detail[mouth].mean() + 0.5))
        ),
        "even mouth": -float(gray[mouth].std() / max(gray.std(), 8.0)),
        "low confidence": -float(p.max()),
        "low entropy": float((p * np.log(np.maximum(p, 1e-12))).sum()),
        "upper half says the same": -float(np.abs(upper - p).sum()),
        "lower half says something else": float(np.abs(lower - p).sum()),
        "narrow mouth": -float(np.hypot(*(mouths[1] - mouths[0])) / width),
    }


def checks(rows: list[Seen]) -> dict[str, object]:
    """Evaluate each check at its threshold for 1 % false alarms in training."""
    classified = [(row, row.reading) for row in rows if row.reading and row.reading.is_named]
    usable = [row for row, _ in classified]
    of_row = [single_checks(reading) for _, reading in classified]
    record: dict[str, object] = {
        name: _judged(usable, np.array([one[name] for one in of_row])) for name in of_row[0]
    }
    features = np.stack([cell_features(reading) for _, reading in classified])
    is_training = [
        r.source == "Training" and r.cover in {*TRAINING_COVERS, *NORMAL} for r in usable
    ]
    x = features[is_training]
    y = np.array([row.cover in TRAINING_COVERS for row in usable])[is_training]
    scaler = StandardScaler().fit(x)
    for strength in (0.003, 0.03):
        model = LogisticRegression(C=strength, max_iter=2000).fit(scaler.transform(x), y)
        scores = model.decision_function(scaler.transform(features))
        record[f"logistic on 108 crop statistics, C {strength}"] = _judged(usable, scores)
    return record


def _judged(rows: list[Seen], values: npt.NDArray[np.float64]) -> dict[str, object]:
    """Compute the shares above the threshold exceeded by 1 % of normal training faces."""
    is_normal = [row.source == "Training" and row.cover in NORMAL for row in rows]
    limit = float(np.quantile(values[is_normal], 1 - FALSE_ALARMS))
    record: dict[str, object] = {}
    for source in ("PublicTest", "wild"):
        covers = dict.fromkeys(row.cover for row in rows if row.source == source)
        record[source] = {
            cover: _r(
                np.mean(values[[(r.source, r.cover) == (source, cover) for r in rows]] > limit)
            )
            for cover in covers
        }
    return record


def _r(value: object) -> float:
    return round(float(value), 4)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--public-test", type=Path, required=True)
    parser.add_argument("--training", type=Path, required=True)
    parser.add_argument("--wild", type=Path, required=True)
    parser.add_argument(
        "--faces", type=int, nargs=3, default=(90, 180, 60), help="PublicTest, Training, wild"
    )
    parser.add_argument("--json", default="-")
    options = parser.parse_args()

    reader = Reader()
    n_public, n_training, n_wild = options.faces
    every = tuple(COVERS)
    public = faces_of(options.public_test, Split.VALIDATION, n_public)
    training = faces_of(options.training, Split.TRAIN, n_training)
    rows = gather(reader, "PublicTest", public, every)
    rows += gather(reader, "wild", faces_of(options.wild, None, n_wild), every)
    rows += gather(reader, "Training", training, (*TRAINING_COVERS, "beard"))
    others = not_human(reader)
    record: dict[str, object] = {}
    for source in ("PublicTest", "wild"):
        of_source = [row for row in rows if row.source == source]
        kinds = dict.fromkeys(row.cover for row in of_source)
        record[source] = {
            model: {k: summary([r for r in of_source if r.cover == k], model) for k in kinds}
            for model in MODELS
        }
    kinds = dict.fromkeys(row.cover for row in others)
    record["not human"] = {
        model: {k: summary([r for r in others if r.cover == k], model) for k in kinds}
        for model in MODELS
    }
    record["checks at 1 % false alarms in Training"] = checks(rows)
    line = json.dumps(record, indent=1) + "\n"
    print(line, end="") if options.json == "-" else Path(options.json).write_text(line)


if __name__ == "__main__":
    main()
