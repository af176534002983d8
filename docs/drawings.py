"""Write docs/images/demo.png and live.png, or sheets with drawings of crowds in many sizes.

python docs/drawings.py
python docs/drawings.py --sheets FOLDER

The images show what `emolens demo` draws. The faces of the sheets are two portraits in the public
domain with made-up labels.
"""

import argparse
import itertools
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import emolens
from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.face import FaceQuality, FaceResult, QualityReason
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image
from emolens.pipeline.models import Models
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.testing.sample_clip import crossing_clip, crowd_clip

Pixels = npt.NDArray[np.uint8]
IMAGES = Path(__file__).with_name("images")
# The shown moment of the clip, after the two have passed each other.
LIVE_AT_S = 4.7
SIZES_WH = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (3840, 2160))
COUNTS = (1, 2, 5, 26, 60)
SHEET_ROW_PX = 360
# A stream of six seconds, in which the labels are missing for one second.
STREAM_S, STEP_S, UNCERTAIN_S = 6.0, 0.1, (2.0, 3.0)


def write_demo() -> None:
    """Write the analysed portrait."""
    image = read_image(sample_image()).image
    _write(IMAGES / "demo.png", emolens.draw_faces(image, emolens.analyze(image).faces))


def write_live() -> None:
    """Write one frame of the clip with two people who pass each other."""
    analyzer, overlay = Models().stream_analyzer(), StreamOverlay()
    with crossing_clip(size_wh=(960, 540), duration_s=5.0) as clip:
        for frame in clip:
            drawn = overlay.apply(frame.image, analyzer.step(frame))
            if frame.media_time_s >= LIVE_AT_S:
                break
    _write(IMAGES / "live.png", drawn)


def write_sheets(folder: Path) -> None:
    """Write a sheet per size, with images in the upper row and streams in the lower row."""
    folder.mkdir(parents=True, exist_ok=True)
    for size_wh in SIZES_WH:
        images, streams = zip(*(_drawings(n_faces, size_wh) for n_faces in COUNTS), strict=True)
        _write(folder / f"sheet-{size_wh[1]}.png", np.vstack([_row(images), _row(streams)]))


def _drawings(n_faces: int, size_wh: tuple[int, int]) -> tuple[Pixels, Pixels]:
    clip, overlay = crowd_clip(n_faces, size_wh=size_wh), StreamOverlay()
    image = clip.draw(0.0)
    boxes = [box.clip(size_wh) for box in clip.faces_at(0.0) if box is not None]
    faces = sorted(_faces(boxes), key=lambda face: -face.box.area)
    for at_s in np.arange(0, STREAM_S, STEP_S).tolist():
        is_uncertain = UNCERTAIN_S[0] <= at_s < UNCERTAIN_S[1]
        shown = [replace(face, label=None) if is_uncertain else face for face in faces]
        frame = emolens.Frame(image, media_time_s=at_s)
        reference = weakref.ref(frame)
        result = FrameResult(size_wh, tuple(shown), media_time_s=at_s, frame_reference=reference)
        stream = overlay.apply(image, result)
    return emolens.draw_faces(image, [replace(face, track_id=None) for face in faces]), stream


def _faces(boxes: list[Box]) -> Iterator[FaceResult]:
    """Yield faces with all labels in turn."""
    labels: itertools.cycle[Emotion | None] = itertools.cycle([*list(Emotion)[::-1], None])
    for number, box in enumerate(boxes, start=1):
        label = next(labels)
        probabilities = np.full(N_EMOTIONS, 0.02, np.float32)
        probabilities[(label or Emotion.FEAR).index] = 1 - 0.02 * (N_EMOTIONS - 1)
        scores = EmotionScores(probabilities)
        reasons = (QualityReason.TOO_SMALL,) if label is None else ()
        quality = FaceQuality(max(box.width, box.height), 1.0, reasons)
        yield FaceResult(box, 0.9, quality, scores, scores, label, number)


def _row(images: tuple[Pixels, ...]) -> Pixels:
    resized = []
    for image in images:
        scale = SHEET_ROW_PX / image.shape[0]
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        resized.append(cv2.resize(image, None, fx=scale, fy=scale, interpolation=way))
    return np.hstack([np.pad(image, ((4, 4), (4, 4), (0, 0))) for image in resized])


def _write(path: Path, image: npt.NDArray[np.generic]) -> None:
    if not cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise SystemExit(f"{path} cannot be written")
    print(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sheets", type=Path, help="Write sheets to this folder instead.")
    sheets: Path | None = parser.parse_args().sheets
    if sheets is not None:
        write_sheets(sheets)
    else:
        write_demo()
        write_live()
