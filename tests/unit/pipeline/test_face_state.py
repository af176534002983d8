import numpy as np
import pytest

from emolens.core.emotion import EmotionScores
from emolens.core.face import FaceDetection, FaceQuality
from emolens.core.frame import Frame
from emolens.core.geometry import Box
from emolens.pipeline.face_state import FaceState, are_still_and_apart
from emolens.smoothing import OneEuroBox

FRAME = Frame(np.zeros((240, 320, 3), np.uint8), media_time_s=2.0)
SCORES = EmotionScores(np.full(7, 1 / 7, np.float32))


def state(box: Box, *, detected: Box | None = None) -> FaceState:
    """A track that is now at `box` and was last detected at `detected`."""
    found = FaceDetection(box, 0.9)
    return FaceState(3, OneEuroBox(box, 2.0), found, 2.0, detected_box=detected or box)


def at(x: float, y: float = 40) -> Box:
    return Box(x, y, x + 40, y + 40)


def test_a_face_without_scores_has_no_result() -> None:
    assert state(at(40)).to_result(FRAME, is_detected=True) is None


def test_a_face_that_has_left_the_image_has_no_result() -> None:
    gone = state(at(400))
    gone.raw, gone.quality = SCORES, FaceQuality(40, 1)
    assert gone.to_result(FRAME, is_detected=True) is None


@pytest.mark.parametrize(("is_detected", "score"), [(True, 0.9), (False, None)])
def test_only_a_detected_face_has_a_score(is_detected: bool, score: float | None) -> None:
    found = state(at(40))
    found.raw, found.quality, found.scored_at_s = SCORES, FaceQuality(40, 1), 1.5
    result = found.to_result(FRAME, is_detected=is_detected)
    assert result is not None
    assert (result.track_id, result.detection_score) == (3, score)
    assert result.scores_age_s == pytest.approx(0.5)
    assert result.box == at(40)


def test_faces_that_moved_or_are_close_are_not_calm() -> None:
    assert are_still_and_apart([state(at(0)), state(at(200))])
    assert not are_still_and_apart([])
    assert not are_still_and_apart([state(at(0)), state(at(60))])
    assert not are_still_and_apart([state(at(0), detected=at(30)), state(at(200))])
