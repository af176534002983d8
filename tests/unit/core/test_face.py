import json

import numpy as np
import pytest

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import InputError
from emolens.core.face import FaceDetection, FaceQuality, FaceResult, QualityReason
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box


def happy_face(*, label: Emotion | None = Emotion.HAPPY) -> FaceResult:
    raw = EmotionScores(np.array([0.02, 0.01, 0.02, 0.9, 0.01, 0.03, 0.01], np.float32))
    reasons = () if label is not None else (QualityReason.BLURRED,)
    return FaceResult(Box(1, 2, 31, 42), 0.8, FaceQuality(40, 9, reasons), raw, None, label)


def test_detection_keeps_read_only_landmarks() -> None:
    detection = FaceDetection(Box(0, 0, 1, 1), 0.5, np.zeros((5, 2), np.float32))
    assert detection.landmarks is not None
    assert not detection.landmarks.flags.writeable


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_detection_score_outside_its_range_is_refused(score: float) -> None:
    with pytest.raises(InputError, match="score"):
        FaceDetection(Box(0, 0, 1, 1), score)


def test_wrong_number_of_landmarks_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(5, 2\)"):
        FaceDetection(Box(0, 0, 1, 1), 0.5, np.zeros((4, 2), np.float32))


def test_face_as_json_contract() -> None:
    record = happy_face().to_dict()
    assert list(record) == [
        "box",
        "detection_score",
        "label",
        "top",
        "confidence",
        "probabilities",
        "assessable",
        "reasons",
    ]
    assert record["box"] == [1, 2, 31, 42]
    assert record["label"] == record["top"] == "happy"
    assert record["assessable"] is True


def test_an_abstaining_face_keeps_top_and_says_why() -> None:
    record = happy_face(label=None).to_dict()
    assert record["label"] is None
    assert record["top"] == "happy"
    assert record["reasons"] == ["blurred"]
    face = happy_face(label=None)
    assert (face.assessable, face.reasons) == (False, (QualityReason.BLURRED,))
    (row,) = FrameResult((64, 64), (face,)).to_rows()
    assert (row["assessable"], row["reasons"]) == (False, "blurred")


def test_an_assessable_face_has_no_reason() -> None:
    assert (happy_face().assessable, happy_face().reasons) == (True, ())
    (row,) = FrameResult((64, 64), (happy_face(),)).to_rows()
    assert (row["assessable"], row["reasons"]) == (True, None)


def test_labels_compare_with_text_and_are_text_in_json() -> None:
    assert happy_face().label == "happy"
    assert json.dumps(happy_face().label) == '"happy"'


def test_smoothed_scores_go_before_raw_ones() -> None:
    raw = EmotionScores(np.eye(7, dtype=np.float32)[Emotion.SAD.index])
    smoothed = EmotionScores(np.eye(7, dtype=np.float32)[Emotion.FEAR.index])
    face = FaceResult(Box(0, 0, 1, 1), 1.0, FaceQuality(1, 1), raw, smoothed, Emotion.FEAR)
    assert face.top is Emotion.FEAR


def test_faces_print_well() -> None:
    assert str(happy_face()) == "happy 90% at (1, 2), 30x40 px"
    assert str(happy_face(label=None)) == "uncertain (happy?) 90% at (1, 2), 30x40 px"
