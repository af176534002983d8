"""Results of streams, made by hand."""

import weakref
from collections.abc import Sequence

import numpy as np

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.face import FaceQuality, FaceResult, QualityReason
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box


def face(
    box: Box, *, track_id: int | None = 1, label: Emotion | None = Emotion.HAPPY
) -> FaceResult:
    """A face whose scores favour its label."""
    probabilities = np.full(N_EMOTIONS, 0.05, np.float32)
    probabilities[(label or Emotion.NEUTRAL).index] = 0.7
    reasons = () if label is not None else (QualityReason.TOO_SMALL,)
    scores = EmotionScores(probabilities)
    quality = FaceQuality(100, 100, reasons)
    return FaceResult(box, 0.9, quality, scores, scores, label, track_id)


def result(frame: Frame, faces: Sequence[FaceResult] = (), *, at_s: float = 0.0) -> FrameResult:
    """What was found in a frame."""
    return FrameResult(
        frame.size_wh, tuple(faces), media_time_s=at_s, frame_reference=weakref.ref(frame)
    )


def noise_frame(width: int = 320, height: int = 240, *, seed: int = 0) -> Frame:
    """A frame in which hardly two pixels are alike."""
    rng = np.random.default_rng(seed)
    return Frame(rng.integers(0, 255, (height, width, 3)).astype(np.uint8))
