import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from emolens.contract import (
    FaceRecord,
    FrameRecord,
    ImageRecord,
    TrackedFaceRecord,
    face_record,
    frame_record,
    image_error_record,
    image_record,
)
from emolens.core.emotion import LABELS
from emolens.core.errors import EmptyFileError
from emolens.core.frame import FrameResult
from tests.results import frame_and_result, tracked_face

STILL = replace(tracked_face(3), track_id=None, smoothed=None)


def test_a_face_of_a_stream_says_more_than_one_of_an_image() -> None:
    of_image, of_stream = face_record(STILL), face_record(tracked_face(3))
    assert type(of_image) is FaceRecord
    assert isinstance(of_stream, TrackedFaceRecord)
    assert set(of_stream.to_dict()) - set(of_image.to_dict()) == {
        *("track_id", "raw_probabilities", "scores_age_s"),
    }
    # `probabilities` are always those behind `top` and `confidence`.
    for record in (of_image, of_stream):
        assert max(record.probabilities.values()) == record.confidence
        assert record.probabilities[record.top] == record.confidence
    assert of_stream.raw_probabilities != of_stream.probabilities


def test_lines_can_be_read_back() -> None:
    _, result = frame_and_result(3, n_faces=2)
    for record in (
        image_record("a.jpg", FrameResult((64, 48), (STILL,), warnings=("dark",))),
        image_error_record("b.jpg", EmptyFileError("b.jpg is empty")),
        frame_record(result, time="2026-01-01T00:00:00.000+00:00"),
        frame_record(result),
    ):
        line = json.dumps(record.to_dict())
        assert type(record).model_validate_json(line) == record


def test_keys_that_may_be_missing_are_missing() -> None:
    _, result = frame_and_result(3)
    assert list(frame_record(result).to_dict()) == [
        *("frame", "media_time_s", "dropped_before", "shot", "width", "height", "faces"),
    ]
    assert next(iter(frame_record(result, time="now").to_dict())) == "time"
    assert image_error_record("b", EmptyFileError("is empty")).to_dict() == {
        "path": "b",
        "width": None,
        "height": None,
        "error": {"code": "empty_file", "message": "is empty"},
        "faces": [],
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"top": "joy"}, "must be one of angry"),
        ({"confidence": 93.0}, "less than or equal to 1"),
        ({"probabilities": dict.fromkeys(reversed(LABELS), 0.1)}, "in this order"),
        ({"smile": True}, "Extra inputs are not permitted"),
        ({"box": [1.0, 2.0, 3.0]}, "at least 4 items"),
        ({"box": [1.0, 2.0, 3.0, float("nan")]}, "finite number"),
    ],
)
def test_other_meanings_are_refused(change: dict[str, object], reason: str) -> None:
    values = face_record(STILL).to_dict() | change
    with pytest.raises(ValidationError, match=reason):
        FaceRecord.model_validate(values)


def test_records_do_not_change() -> None:
    record = face_record(STILL)
    with pytest.raises(ValidationError, match="frozen"):
        record.confidence = 0.5  # type: ignore[misc]


def test_records_of_images_and_frames_tell_what_their_keys_mean() -> None:
    for model in (ImageRecord, FrameRecord, FaceRecord):
        assert all(field.description for field in model.model_fields.values())
