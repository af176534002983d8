"""Results with every field set, for tests of what writes or shows them."""

import numpy as np

from emolens.core.emotion import N_EMOTIONS, EmotionScores
from emolens.core.face import FaceQuality, FaceResult
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box


def scores(*, top: int = 3, confidence: float = 0.7) -> EmotionScores:
    """Scores with one class in front of six equal ones."""
    probabilities = np.full(N_EMOTIONS, (1 - confidence) / (N_EMOTIONS - 1), np.float32)
    probabilities[top] = confidence
    return EmotionScores(probabilities)


def tracked_face(track_id: int, *, is_named: bool = True) -> FaceResult:
    """A face of a stream; its numbers need all digits that they have."""
    smoothed = scores(top=track_id % N_EMOTIONS, confidence=2 / 3)
    return FaceResult(
        box=Box(1 / 3, 2.0, 30.1, 40.0),
        detection_score=0.9,
        quality=FaceQuality(size_px=40.0, sharpness=0.5),
        raw=scores(confidence=0.6),
        smoothed=smoothed,
        label=smoothed.top if is_named else None,
        track_id=track_id,
    )


def frame_and_result(index: int, *, n_faces: int = 1) -> tuple[Frame, FrameResult]:
    """A frame of 64x48 px at 25 Hz and a result with so many faces."""
    image = np.full((48, 64, 3), index % 256, np.uint8)
    at_s = index / 25
    frame = Frame(image, index=index, media_time_s=at_s, captured_at_s=100 + at_s)
    faces = tuple(tracked_face(number, is_named=number != 1) for number in range(n_faces))
    return frame, FrameResult((64, 48), faces, frame_index=index, media_time_s=at_s)
