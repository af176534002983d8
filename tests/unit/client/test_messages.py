import json
import struct

import pytest

from emolens.client.messages import frame_message, read_answer, read_ready, start_message
from emolens.contract.server import LimitsRecord
from emolens.core.errors import (
    AccessError,
    DamagedImageError,
    InputError,
    RequestTooLargeError,
    ServerError,
)
from tests.unit.client.fake_server import ADDRESS, LIMITS

LIMITS_RECORD = LimitsRecord.model_validate(LIMITS)


def error_text(code: str, captured_s: float | None) -> str:
    error = {"code": code, "message": "no."}
    return json.dumps({"type": "error", "captured_s": captured_s, "error": error})


def test_the_first_message_starts_the_stream() -> None:
    assert json.loads(start_message(0.25)) == {"type": "start", "min_confidence": 0.25}


def test_a_frame_begins_with_its_capture_time() -> None:
    message = frame_message(b"jpeg", 1.5, LIMITS_RECORD)
    assert message == struct.pack(">d", 1.5) + b"jpeg"


@pytest.mark.parametrize("captured_s", [float("nan"), float("inf")])
def test_a_capture_time_is_finite(captured_s: float) -> None:
    with pytest.raises(InputError, match="captured_s is .*; allowed: a finite number of seconds"):
        frame_message(b"jpeg", captured_s, LIMITS_RECORD)


def test_a_frame_that_would_end_the_stream_is_not_sent() -> None:
    assert len(frame_message(bytes(992), 0, LIMITS_RECORD)) == 1000
    with pytest.raises(RequestTooLargeError, match="the frame has 993 bytes; allowed: 992"):
        frame_message(bytes(993), 0, LIMITS_RECORD)


def test_the_first_answer_has_the_limits() -> None:
    text = json.dumps({"type": "ready", "limits": LIMITS})
    assert read_ready(text, ADDRESS).limits == LIMITS_RECORD
    with pytest.raises(AccessError, match=r"^no.$"):
        read_ready(error_text("access", None), ADDRESS)


def test_answers_about_other_frames_do_not_count() -> None:
    assert read_answer(error_text("damaged_image", 2.0), 1.0, ADDRESS) is None
    own = read_answer(error_text("damaged_image", 1.0), 1.0, ADDRESS)
    assert isinstance(own, DamagedImageError)


def test_an_error_without_a_frame_ends_the_stream() -> None:
    with pytest.raises(InputError, match=r"^no.$"):
        read_answer(error_text("bad_input", None), 1.0, ADDRESS)


@pytest.mark.parametrize("text", ["", "hello", "[]", '{"type": "other"}', b"\x00", "{}"])
def test_what_is_no_message_is_an_error(text: str | bytes) -> None:
    with pytest.raises(ServerError, match="a message of the stream is no record"):
        read_answer(text, 1.0, ADDRESS)
