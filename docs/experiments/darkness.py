"""Measure detection and classification in dark, washed-out, noisy and deep images.

Benchmark faces on a grey canvas (see whole_chain.py) are darkened linearly, lifted into fog, made
noisy, or stored with fewer bits in 16-bit PNG files. Run from the repository root:

    python docs/experiments/darkness.py $EMOLENS_DATA/fer2013/public-test.parquet \
        --name after --json docs/metrics/darkness.json
    python docs/experiments/darkness.py $EMOLENS_DATA/fer2013/training-0-of-4.parquet \
        --split Training --limits --json docs/metrics/darkness.json
"""

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track
from whole_chain import best_match, place

from emolens.classification import OnnxEmotionClassifier
from emolens.core.face import FaceResult
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.imaging.exposure import face_levels, measure_grain
from emolens.pipeline import ImageAnalyzer

Pixels = npt.NDArray[np.uint8]
FACTORS = (1.0, 0.5, 0.25, 0.125, 0.06, 0.03)
BITS = (16, 14, 12, 11, 10, 9, 8)
SURE = 0.7
CROPS = 250
SPANS = (2, 4, 6, 9, 13, 20, 64)
GRAINS = (1, 1.5, 2, 2.5, 3, 4, 6)


def darken(image: Pixels, factor: float, *, noise: float = 0.0) -> Pixels:
    """Reduce the light like a camera without gain, optionally with noise in every pixel."""
    rng = np.random.default_rng(0)
    dark = image * factor + (rng.normal(0, noise, image.shape) if noise else 0)
    return np.asarray(np.clip(dark, 0, 255), np.uint8)


def with_bits(image: Pixels, bits: int) -> bytes:
    """Encode a PNG file of 16-bit grey values that uses only the lower bits."""
    values = np.round(image[..., 0] / 255 * ((1 << bits) - 1)).astype(np.uint16)
    return cv2.imencode(".png", values)[1].tobytes()


def conditions() -> dict[str, Callable[[Pixels], Pixels | bytes]]:
    """Return the degradation of each condition, by name."""
    made: dict[str, Callable[[Pixels], Pixels | bytes]] = {}
    for factor in FACTORS:
        made[f"light {factor}"] = partial(darken, factor=factor)
    for factor in (0.25, 0.06, 0.03):
        made[f"light {factor}, noise 2"] = partial(darken, factor=factor, noise=2)
    made["gamma 3"] = lambda image: (255 * (image / 255) ** 3).astype(np.uint8)
    made["fog 0.06"] = lambda image: 120 + darken(image, 0.06)
    made["washed out 0.06"] = lambda image: 255 - darken(255 - image, 0.06)
    for bits in BITS:
        made[f"{bits} of 16 bits"] = partial(with_bits, bits=bits)
    return made


def summary(faces: list[FaceResult | None], labels: list[int]) -> dict[str, float | None]:
    """Summarise detection over all images, and accuracy over the classified faces."""
    pairs = list(zip(faces, labels, strict=True))
    classified = [
        (face, label) for face, label in pairs if face is not None and face.label is not None
    ]
    right = [face.top.index == label for face, label in classified]
    sure = [face.confidence >= SURE for face, _ in classified]
    n = len(faces)
    return {
        "found": sum(face is not None for face in faces) / n,
        "named": len(classified) / n,
        "right_of_named": sum(right) / len(classified) if classified else None,
        "sure_and_wrong": sum(s and not r for s, r in zip(sure, right, strict=True)) / n,
        "confidence": float(np.mean([face.confidence for face, _ in classified]))
        if classified
        else None,
    }


def limits(images: Sequence[Pixels], labels: Sequence[int]) -> dict[str, object]:
    """Measure the effect of stretching on benchmark faces, and the limits of dark crops.

    Args:
        images: uint8 (48, 48) faces.
        labels: Their classes.

    Returns:
        Counts of faces with narrow levels, percentiles of grain, and, for crops with less light
        and noise, the share with the label of the bright crop, by span of levels and grain.
    """
    classifier = OnnxEmotionClassifier.load()
    narrow = [index for index, crop in enumerate(images) if face_levels(crop).is_narrow]
    raw = [images[index] for index in narrow]
    spread = [face_levels(crop).spread(crop) for crop in raw]
    right = [
        sum(scores.top == labels[index] for scores, index in zip(classified, narrow, strict=True))
        for classified in (classifier.classify(raw), classifier.classify(spread))
    ]
    grain = np.array([measure_grain(crop) for crop in images])
    few = images[:CROPS]
    bright = classifier.classify(few)
    cells: dict[tuple[str, str], list[bool]] = {}
    for factor in (0.25, 0.125, 0.06, 0.03, 0.015):
        for noise in (0, 0.5, 1, 2):
            dark = [darken(crop, factor, noise=noise) for crop in few]
            seen = [face_levels(crop).spread(crop) for crop in dark]
            for was, now, crop, read in zip(
                bright, classifier.classify(seen), dark, seen, strict=True
            ):
                cell = (_bin(face_levels(crop).span, SPANS), _bin(measure_grain(read), GRAINS))
                cells.setdefault(cell, []).append(was.top == now.top)
    return {
        "n_faces": len(images),
        "narrow": len(narrow),
        "narrow_right_before_and_after": right,
        "grain_percentiles_50_95_98_99": np.percentile(grain, [50, 95, 98, 99]).tolist(),
        "same_label_by_span_and_grain": {
            f"span {span}, grain {grain}": {"n": len(same), "same_label": sum(same) / len(same)}
            for (span, grain), same in sorted(cells.items())
        },
    }


def _bin(value: float, edges: tuple[float, ...]) -> str:
    return next((f"below {edge:02g}" for edge in edges if value < edge), "above")


def main() -> None:
    """Measure, and add the results to those of other runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument("--name", default="after", help="name of this run in the file")
    parser.add_argument("--limits", action="store_true", help="measure the limits on crops alone")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()

    data = load_faces(options.source, Split.from_name(options.split))
    record = json.loads(options.json.read_text()) if options.json.exists() else {}
    if options.limits:
        record["limits"] = limits(list(data.images), [int(label) for label in data.labels])
        options.json.write_text(json.dumps(record, indent=2) + "\n")
        return
    analyzer = ImageAnalyzer.load(n_threads=1)
    n_faces = min(options.faces, len(data))
    labels = [int(label) for label in data.labels[:n_faces]]
    results: dict[str, object] = {}
    for name, change in conditions().items():
        faces = []
        for index in track(range(n_faces), description=name, transient=True):
            canvas, truth = place(data.images[index], 4.0)
            faces.append(best_match(analyzer.analyze(change(canvas)).faces, truth))
        results[name] = summary(faces, labels)
    record |= {"n_faces": n_faces, "sure": SURE, options.name: results}
    options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
