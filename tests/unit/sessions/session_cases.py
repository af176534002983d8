"""Made-up results of streams."""

from collections.abc import Iterable, Sequence

import numpy as np

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.face import FaceQuality, FaceResult, QualityReason
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box
from emolens.sessions.session import Session, SessionSummary

SIZE_WH = (160, 120)
FRAME = Frame(np.full((120, 160, 3), 90, np.uint8))
FPS = 25

Moment = tuple[float, Sequence[FaceResult]]


def scores_of(top: Emotion, confidence: float = 0.7) -> EmotionScores:
    probabilities = np.full(7, (1 - confidence) / 6, np.float32)
    probabilities[top.index] = confidence
    return EmotionScores(probabilities)


def face_of(
    track_id: int | None = 1,
    label: Emotion | None = Emotion.HAPPY,
    *,
    smoothed: EmotionScores | None = None,
    is_scored: bool = True,
    sharpness: float = 1.0,
    box: Box | None = None,
) -> FaceResult:
    """A face that shows a label; one without is blurred."""
    scores = smoothed or scores_of(Emotion.NEUTRAL if label is None else label)
    reasons = () if label is not None else (QualityReason.BLURRED,)
    return FaceResult(
        box=box or Box(20, 20, 60, 70),
        detection_score=0.9,
        quality=FaceQuality(50, sharpness, reasons),
        raw=scores,
        smoothed=scores if is_scored else None,
        label=label,
        track_id=track_id,
    )


def result_of(at_s: float, faces: Sequence[FaceResult] = (), *, dropped: int = 0) -> FrameResult:
    return FrameResult(SIZE_WH, tuple(faces), media_time_s=at_s, dropped_before=dropped)


def session_of(moments: Iterable[Moment], *, summary: SessionSummary | None = None) -> Session:
    with summary or SessionSummary() as sink:
        for at_s, faces in moments:
            sink.write(FRAME, result_of(at_s, faces))
    return sink.finish()


def steadily(labels: Iterable[Emotion | None], *, start_s: float = 0.0) -> list[Moment]:
    """One face that shows one label per frame, at `FPS`."""
    return [(start_s + n / FPS, [face_of(label=label)]) for n, label in enumerate(labels)]
