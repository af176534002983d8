"""Measure the effect of non-square pixels, and compare scaling either side.

Benchmark faces are enlarged onto a grey canvas. Each canvas is squeezed like the output of a
recorder that drops columns or lines, and written into a clip with its sample aspect ratio. The
frames are analysed as stored, as shown by `emolens` (undersampled side enlarged), and with the
other side shrunk instead. Run from the repository root:

    python docs/experiments/pixel_shape.py $EMOLENS_DATA/fer2013/public-test.parquet --json -
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track
from whole_chain import best_match, place

from emolens.core.emotion import Emotion
from emolens.core.geometry import Box
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import load_faces
from emolens.imaging.pyav import av
from emolens.media.video_source import VideoSource
from emolens.pipeline import ImageAnalyzer

# PAL and NTSC at 4:3 and 16:9, HDV, and recorders that drop every second column or line.
RATIOS = ("1:1", "12:11", "10:11", "16:11", "40:33", "4:3", "64:45", "2:1", "1:2")
ARMS = ("stored", "enlarged", "shrunk")

Image = npt.NDArray[np.uint8]


class Prediction(NamedTuple):
    """The prediction for one face.

    Attributes:
        is_right: Whether the predicted class is the label.
        is_named: Whether the face counts as assessable.
        confidence: Probability of that class, 0..1.
    """

    is_right: bool
    is_named: bool
    confidence: float


def squeezed(canvas: Image, ratio: float) -> Image:
    """Squeeze a canvas for storage with pixels `ratio` times as wide as high."""
    height, width = canvas.shape[:2]
    size_wh = (round(width / max(1, ratio) / 2) * 2, round(height * min(1, ratio) / 2) * 2)
    return np.asarray(cv2.resize(canvas, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def write_clip(path: Path, frames: Sequence[Image], ratio: Fraction) -> None:
    """Write frames of one size into a clip with a sample aspect ratio."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=25, options={"crf": "15", "g": "1"})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.sample_aspect_ratio = ratio
        for frame in frames:
            output.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
        output.mux(video.encode())


def read_arms(path: Path, canvas_wh: tuple[int, int]) -> Iterator[dict[str, Image]]:
    """Yield each frame of a clip in every arm."""
    with av.open(str(path)) as container, VideoSource(path) as source:
        for decoded, frame in zip(container.decode(video=0), source, strict=True):
            stored = np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
            height, width = stored.shape[:2]
            share = min(width / canvas_wh[0], height / canvas_wh[1])
            small_wh = (round(canvas_wh[0] * share), round(canvas_wh[1] * share))
            shrunk = cv2.resize(stored, small_wh, interpolation=cv2.INTER_AREA)
            yield {
                "stored": stored,
                "enlarged": frame.image,
                "shrunk": np.asarray(shrunk, np.uint8),
            }


def predict(analyzer: ImageAnalyzer, image: Image, truth: Box, label: Emotion) -> Prediction | None:
    """Predict the face that fills `truth`, in shares of the image; None: not detected."""
    height, width = image.shape[:2]
    place_px = Box(
        truth.x_min * width, truth.y_min * height, truth.x_max * width, truth.y_max * height
    )
    found = best_match(analyzer.analyze(image).faces, place_px)
    if found is None:
        return None
    return Prediction(found.top == label, found.quality.is_assessable, found.confidence)


def measure(
    analyzer: ImageAnalyzer, data: FaceSet, n_faces: int, factor: float, ratio: str
) -> dict[str, object]:
    """Measure all arms for one pixel shape."""
    shape = Fraction(ratio.replace(":", "/"))
    canvases, boxes = zip(*(place(data.images[i], factor) for i in range(n_faces)), strict=True)
    height, width = canvases[0].shape[:2]
    predictions: dict[str, list[Prediction | None]] = {arm: [] for arm in ARMS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_clip(path, [squeezed(canvas, float(shape)) for canvas in canvases], shape)
        arms = read_arms(path, (width, height))
        for i, by_arm in enumerate(track(arms, description=ratio, total=n_faces, transient=True)):
            x_min, y_min, x_max, y_max = boxes[i].to_tuple()
            truth = Box(x_min / width, y_min / height, x_max / width, y_max / height)
            for arm, image in by_arm.items():
                predictions[arm].append(
                    predict(analyzer, image, truth, Emotion.from_index(int(data.labels[i])))
                )
    return {"ratio": ratio, **{arm: summary(predictions[arm]) for arm in ARMS}}


def summary(predictions: Sequence[Prediction | None]) -> dict[str, float]:
    """Compute detected and classified shares, and accuracy and median confidence."""
    found = [prediction for prediction in predictions if prediction is not None]
    classified = [prediction for prediction in found if prediction.is_named]
    return {
        "found": round(len(found) / len(predictions), 3),
        "named": round(len(classified) / max(1, len(predictions)), 3),
        "right": round(float(np.mean([a.is_right for a in classified])) if classified else 0.0, 3),
        "confidence": round(
            float(np.median([a.confidence for a in classified])) if classified else 0.0, 3
        ),
    }


def main() -> None:
    """Measure, then print or write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--faces", type=int, default=140)
    parser.add_argument("--factor", type=float, default=4.0, help="faces are 48 px times this wide")
    parser.add_argument("--ratios", nargs="+", default=list(RATIOS))
    parser.add_argument("--model", default="default")
    parser.add_argument("--json", default="-")
    options = parser.parse_args()

    data = load_faces(options.source, Split.from_name(options.split))
    analyzer = ImageAnalyzer.load(model=options.model, n_threads=2)
    rows = [
        measure(analyzer, data, options.faces, options.factor, ratio) for ratio in options.ratios
    ]
    record = {"n": options.faces, "factor": options.factor, "model": options.model, "rows": rows}
    line = json.dumps(record, indent=2) + "\n"
    print(line, end="") if options.json == "-" else Path(options.json).write_text(line)


if __name__ == "__main__":
    main()
