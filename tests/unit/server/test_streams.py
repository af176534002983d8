"""`WS /v1/stream`, without a socket."""

import json
import math
import struct
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from emolens.contract.server import StreamResult
from emolens.core.frame import Frame
from emolens.imaging.decode import decode_image
from emolens.media.images import encode_image
from emolens.pipeline.models import Models
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from tests.unit.server.conftest import KEY, Start, keys_of, services_of

URL = "ws://127.0.0.1:8000/v1/stream"
START = {"type": "start"}


@pytest.fixture
def client(start: Start) -> TestClient:
    return start()


@pytest.fixture(scope="session")
def jpeg(astronaut: npt.NDArray[np.uint8]) -> bytes:
    return encode_image(cv2.resize(astronaut, (320, 320))[:240].astype(np.uint8), ".jpg")


def message(encoded: bytes, captured_s: float = 1.0) -> bytes:
    return struct.pack(">d", captured_s) + encoded


def begin(stream: WebSocketTestSession, **start: object) -> dict[str, Any]:
    stream.send_json({**START, **start})
    return dict(stream.receive_json())


def exchange(stream: WebSocketTestSession, encoded: bytes, captured_s: float) -> dict[str, Any]:
    stream.send_bytes(message(encoded, captured_s))
    return dict(stream.receive_json())


def closed(stream: WebSocketTestSession) -> tuple[str, int]:
    """The code of the last error message and the close code."""
    error = stream.receive_json()
    with pytest.raises(WebSocketDisconnect) as end:
        stream.receive_json()
    return error["error"]["code"], end.value.code


def counts(client: TestClient) -> dict[str, float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {one.name: one.value for family in families for one in family.samples if not one.labels}


def settled(client: TestClient, n_received: int) -> dict[str, float]:
    """The counters when all frames are received and no stream is open."""
    for _ in range(200):
        found = counts(client)
        if found["emolens_frames_received_total"] == n_received and not found["emolens_streams"]:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_frames_go_in_and_results_come_out(client: TestClient, jpeg: bytes) -> None:
    with client.websocket_connect(URL) as stream:
        ready = begin(stream)
        assert ready["type"] == "ready"
        assert ready["limits"]["frame_bytes"] == 512 * 1024
        first = exchange(stream, jpeg, 1e9 + 0.125)
        second = exchange(stream, jpeg, 1e9 + 0.25)
    for number, answer in enumerate((first, second)):
        assert StreamResult.model_validate(answer).result.frame == number
        assert (answer["n_received"], answer["n_dropped"]) == (number + 1, 0)
        assert answer["captured_s"] == 1e9 + 0.125 * (number + 1)
        assert answer["result"]["faces"][0]["label"] == "happy"
    assert second["result"]["media_time_s"] == 0.125
    ids = [answer["result"]["faces"][0]["track_id"] for answer in (first, second)]
    assert ids[0] == ids[1]


def test_results_are_those_of_a_stream_analyzer(
    client: TestClient, jpeg: bytes, models: Models
) -> None:
    analyzer: StreamAnalyzer = models.stream_analyzer(settings=StreamSettings.for_live())
    with client.websocket_connect(URL) as stream:
        begin(stream)
        for index, captured_s in enumerate((5.0, 5.04, 5.2)):
            frame = Frame(decode_image(jpeg).image, index=index, media_time_s=captured_s - 5.0)
            expected = analyzer.step(frame).to_stream_dict()
            assert exchange(stream, jpeg, captured_s)["result"] == expected


def test_streams_have_their_own_tracks(client: TestClient, jpeg: bytes) -> None:
    with client.websocket_connect(URL) as one, client.websocket_connect(URL) as other:
        begin(one)
        begin(other)
        first = exchange(one, jpeg, 0.0)["result"]["faces"][0]["track_id"]
        assert exchange(other, jpeg, 0.0)["result"]["faces"][0]["track_id"] == first
        assert counts(client)["emolens_streams"] == 2.0


def test_labels_need_the_asked_confidence(client: TestClient, jpeg: bytes) -> None:
    with client.websocket_connect(URL) as stream:
        begin(stream, min_confidence=1.0)
        face = exchange(stream, jpeg, 0.0)["result"]["faces"][0]
    assert (face["label"], face["top"]) == (None, "happy")


@pytest.mark.parametrize(
    ("encoded", "captured_s", "code"),
    [
        (b"", 1.0, "unsupported_format"),
        (b"no image", 1.0, "unsupported_format"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", 1.0, "unsupported_format"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", 1.0, "damaged_image"),
        (b"", math.nan, "bad_input"),
        (b"", math.inf, "bad_input"),
    ],
)
def test_a_frame_that_cannot_be_read_does_not_end_the_stream(
    client: TestClient, jpeg: bytes, encoded: bytes, captured_s: float, code: str
) -> None:
    with client.websocket_connect(URL) as stream:
        begin(stream)
        answer = exchange(stream, encoded, captured_s)
        assert (answer["type"], answer["error"]["code"]) == ("error", code)
        assert answer.get("captured_s") == (captured_s if math.isfinite(captured_s) else None)
        assert exchange(stream, jpeg, 2.0)["type"] == "result"


def test_a_frame_that_a_library_cannot_process_does_not_end_the_stream(
    client: TestClient,
    jpeg: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with client.websocket_connect(URL) as stream, monkeypatch.context() as patch:
        begin(stream)
        patch.setattr(StreamAnalyzer, "step", failing(ValueError("secret of /home/somewhere")))
        error = exchange(stream, jpeg, 1.0)["error"]
        assert (error["code"], "secret" in error["message"]) == ("processing", False)
        assert "secret of /home/somewhere" in caplog.text
        patch.undo()
        assert exchange(stream, jpeg, 2.0)["type"] == "result"


def test_an_unexpected_error_ends_the_stream_with_a_code(
    client: TestClient,
    jpeg: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(StreamAnalyzer, "step", failing(RuntimeError("secret")))
    with client.websocket_connect(URL) as stream:
        begin(stream)
        stream.send_bytes(message(jpeg))
        assert closed(stream) == ("internal", 1011)
    assert "secret" in caplog.text


def failing(error: Exception) -> Callable[..., None]:
    """A function that raises an error."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_message_without_a_time_is_an_error(client: TestClient) -> None:
    with client.websocket_connect(URL) as stream:
        begin(stream)
        stream.send_bytes(b"1234567")
        assert stream.receive_json()["error"]["code"] == "bad_input"


def test_times_that_jump_begin_a_new_shot(client: TestClient, jpeg: bytes) -> None:
    with client.websocket_connect(URL) as stream:
        begin(stream)
        shots = [exchange(stream, jpeg, at_s)["result"]["shot"] for at_s in (9.0, 9.1, 2.0, 1e12)]
        assert shots == [1, 1, 2, 3]
        huge = exchange(stream, jpeg, -1.7e308)
        assert huge["type"] == "result"
        assert exchange(stream, jpeg, 1.7e308)["type"] in ("result", "error")


def test_too_many_pixels_are_an_error(start: Start, jpeg: bytes) -> None:
    client = start(limits={"frame_pixels": 320 * 240 - 1})
    with client.websocket_connect(URL) as stream:
        begin(stream)
        assert exchange(stream, jpeg, 0.0)["error"]["code"] == "image_too_large"


def test_the_newest_frame_wins_and_drops_are_counted(
    client: TestClient, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = StreamAnalyzer.step

    def slow(self: StreamAnalyzer, frame: Frame, **how: int) -> object:
        time.sleep(0.15)
        return step(self, frame, **how)

    monkeypatch.setattr(StreamAnalyzer, "step", slow)
    with client.websocket_connect(URL) as stream:
        begin(stream)
        for number in range(5):
            stream.send_bytes(message(jpeg, float(number)))
        answers = [stream.receive_json()]
        while answers[-1]["captured_s"] != 4.0:
            answers.append(stream.receive_json())
    n_dropped = answers[-1]["n_dropped"]
    assert len(answers) + n_dropped == 5
    assert n_dropped >= 2
    assert sum(answer["result"]["dropped_before"] for answer in answers) == n_dropped
    found = settled(client, 5)
    assert found["emolens_frames_dropped_total"] == n_dropped
    assert found["emolens_frames_processed_total"] == len(answers)
    assert found["emolens_frames_in_flight"] == 0.0


def test_every_frame_is_accounted_for_when_a_client_leaves(client: TestClient, jpeg: bytes) -> None:
    with client.websocket_connect(URL) as stream:
        begin(stream)
        for number in range(4):
            stream.send_bytes(message(jpeg, float(number)))
        stream.receive_json()
    found = settled(client, 4)
    done = ("processed_total", "dropped_total", "unreadable_total", "in_flight")
    assert sum(found[f"emolens_frames_{name}"] for name in done) == 4.0


def test_a_flood_is_closed(start: Start, jpeg: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamAnalyzer, "step", lambda *_, **__: time.sleep(1.0))
    client = start(limits={"dropped_per_s": 5})
    with client.websocket_connect(URL) as stream:
        begin(stream)
        for _ in range(12):
            stream.send_bytes(message(jpeg))
        assert closed(stream) == ("bad_input", 1008)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "start",
        '{"type": "stop"}',
        '{"type": "start", "key": "x"}',
        '{"type": "start", "min_confidence": 2}',
        '{"type": "start", "min_confidence": NaN}',
        '{"type": "start", "ticket": 5}',
        json.dumps({"type": "start", "ticket": "x" * 300}),
    ],
)
def test_a_first_message_that_is_no_start_ends_the_stream(client: TestClient, text: str) -> None:
    with client.websocket_connect(URL) as stream:
        stream.send_text(text)
        assert closed(stream) == ("bad_input", 1008)


def test_a_frame_before_the_start_ends_the_stream(client: TestClient, jpeg: bytes) -> None:
    with client.websocket_connect(URL) as stream:
        stream.send_bytes(message(jpeg))
        assert closed(stream) == ("bad_input", 1008)


def test_a_text_after_the_start_ends_the_stream(client: TestClient) -> None:
    with client.websocket_connect(URL) as stream:
        begin(stream)
        stream.send_text("hello")
        assert closed(stream) == ("bad_input", 1003)


def test_silence_ends_the_stream(start: Start) -> None:
    client = start(limits={"head_s": 0.05, "idle_s": 0.1})
    with client.websocket_connect(URL) as stream:
        assert closed(stream) == ("timeout", 1008)
    with client.websocket_connect(URL) as stream:
        begin(stream)
        assert closed(stream) == ("timeout", 1001)


def test_streams_are_bounded(start: Start) -> None:
    client = start(limits={"streams": 1})
    with client.websocket_connect(URL) as stream:
        begin(stream)
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(URL):
            pass
        assert (refused.value.status_code, refused.value.json()["error"]["code"]) == (503, "busy")


def test_two_that_connect_at_once_are_bounded_too(start: Start) -> None:
    client = start(limits={"streams": 1})
    with client.websocket_connect(URL) as one, client.websocket_connect(URL) as other:
        begin(one)
        other.send_json(START)
        assert closed(other) == ("busy", 1013)


def test_a_stop_answers_the_frame_in_flight(
    client: TestClient, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = StreamAnalyzer.step

    def slow(self: StreamAnalyzer, frame: Frame, **how: int) -> object:
        assert client.portal is not None
        client.portal.call(services_of(client).streams.is_stopping.set)
        return step(self, frame, **how)

    monkeypatch.setattr(StreamAnalyzer, "step", slow)
    with client.websocket_connect(URL) as stream:
        begin(stream)
        assert exchange(stream, jpeg, 0.0)["type"] == "result"
        with pytest.raises(WebSocketDisconnect) as end:
            stream.receive_json()
    assert end.value.code == 1012


def test_a_key_or_a_ticket_opens_a_stream(start: Start, jpeg: bytes) -> None:
    client = start(keys=keys_of(laptop=KEY))
    key = {"Authorization": f"Bearer {KEY}"}
    with client.websocket_connect(URL, headers=key) as stream:
        assert begin(stream)["type"] == "ready"
    ticket = client.post("/v1/tickets", headers=key).json()["ticket"]
    with client.websocket_connect(URL) as stream:
        assert begin(stream, ticket=ticket)["type"] == "ready"
        assert exchange(stream, jpeg, 0.0)["type"] == "result"
    for start_message in ({}, {"ticket": ticket}, {"ticket": KEY}):
        with client.websocket_connect(URL) as stream:
            stream.send_json({**START, **start_message})
            assert closed(stream) == ("access", 1008)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_wrong_key_or_origin_gets_no_handshake(
    start: Start, headers: dict[str, str], status: int
) -> None:
    client = start(keys=keys_of(laptop=KEY))
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(URL, headers=headers),
    ):
        pass
    assert refused.value.status_code == status
