"""Streams of both clients; what only `AsyncStream` does is in `test_async_stream.py`."""

import logging
import time

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from emolens.core.errors import (
    AccessError,
    BusyError,
    DamagedImageError,
    EmolensError,
    InputError,
    RequestTimeoutError,
    ServerError,
)
from tests.unit.client.fake_server import KEY
from tests.unit.client.stream_server import (
    get_ready,
    next_frame,
    open_stream,
    refusal,
    send_error,
    send_result,
    stream_server,
)

pytestmark = [
    pytest.mark.parametrize("is_async", [False, True], ids=["Client", "AsyncClient"]),
    pytest.mark.timeout(60),
]


def answer_all(socket: ServerConnection) -> None:
    """Answer every frame."""
    get_ready(socket)
    for number in range(100):
        send_result(socket, next_frame(socket)[0], number)


def test_each_frame_has_its_result(is_async: bool) -> None:
    with (
        stream_server(answer_all) as address,
        open_stream(address, is_async=is_async) as stream,
    ):
        assert stream.limits.frame_bytes == 1000
        results = [stream.send(b"jpeg", captured_s=0.1 * number) for number in range(3)]
    assert [result.captured_s for result in results] == [0.0, 0.1, 0.2]
    assert [result.result.frame for result in results] == [0, 1, 2]


def test_the_options_the_key_and_the_frame_arrive(is_async: bool) -> None:
    arrived: list[object] = []

    def script(socket: ServerConnection) -> None:
        assert socket.request is not None
        arrived.append(socket.request.headers["Authorization"])
        arrived.append(socket.request.path)
        arrived.append(get_ready(socket))
        captured_s, image = next_frame(socket)
        arrived.append(image)
        send_result(socket, captured_s)

    before_s = time.monotonic()
    with (
        stream_server(script) as address,
        open_stream(address, is_async=is_async, key=KEY) as stream,
    ):
        result = stream.send(b"jpeg")
    start = {"type": "start", "min_confidence": 0.5}
    assert arrived == [f"Bearer {KEY}", "/v1/stream", start, b"jpeg"]
    assert before_s <= result.captured_s <= time.monotonic()


def test_a_frame_that_cannot_be_read_leaves_the_stream_open(is_async: bool) -> None:
    def script(socket: ServerConnection) -> None:
        get_ready(socket)
        send_error(socket, "damaged_image", "the frame is damaged.", next_frame(socket)[0])
        send_result(socket, next_frame(socket)[0])

    with stream_server(script) as address, open_stream(address, is_async=is_async) as stream:
        with pytest.raises(DamagedImageError, match=r"^the frame is damaged.$"):
            stream.send(b"jpeg", captured_s=1)
        assert stream.send(b"jpeg", captured_s=2).captured_s == 2


def test_a_late_result_is_not_taken_for_the_next_one(is_async: bool) -> None:
    def script(socket: ServerConnection) -> None:
        get_ready(socket)
        late_s = next_frame(socket)[0]
        captured_s = next_frame(socket)[0]
        send_result(socket, late_s, 0)
        send_result(socket, captured_s, 1)

    with (
        stream_server(script) as address,
        open_stream(address, is_async=is_async, timeout_s=0.2) as stream,
    ):
        with pytest.raises(RequestTimeoutError, match="does not answer in time"):
            stream.send(b"jpeg", captured_s=1)
        assert stream.send(b"jpeg", captured_s=2).result.frame == 1


@pytest.mark.parametrize("kind", [InputError, AccessError, RequestTimeoutError])
def test_the_cause_of_an_end_is_raised(is_async: bool, kind: type[EmolensError]) -> None:
    def script(socket: ServerConnection) -> None:
        get_ready(socket)
        send_error(socket, kind.code, "the server says why.")
        socket.close(1008)

    with stream_server(script) as address, open_stream(address, is_async=is_async) as stream:
        time.sleep(0.1)  # so that the connection is closed before the frame is sent
        with pytest.raises(kind, match=r"^the server says why.$") as caught:
            stream.send(b"jpeg")
        assert type(caught.value) is kind
        with pytest.raises(ServerError, match=r"closed the stream \(.*1008.*\). Open a new one.$"):
            stream.send(b"jpeg")


@pytest.mark.parametrize(("code", "kind"), [(1001, ServerError), (1012, BusyError)])
def test_an_end_without_a_cause_names_the_code(
    is_async: bool, code: int, kind: type[ServerError]
) -> None:
    def script(socket: ServerConnection) -> None:
        get_ready(socket)
        next_frame(socket)
        socket.close(code)

    with stream_server(script) as address, open_stream(address, is_async=is_async) as stream:
        with pytest.raises(ServerError, match=rf"server at {address} closed .*{code}") as caught:
            stream.send(b"jpeg")
        assert type(caught.value) is kind


def test_a_connection_that_breaks_off_is_an_error(is_async: bool) -> None:
    def script(socket: ServerConnection) -> None:
        get_ready(socket)
        next_frame(socket)
        socket.socket.shutdown(2)

    with (
        stream_server(script) as address,
        open_stream(address, is_async=is_async) as stream,
        pytest.raises(ServerError, match=f"the connection to {address} broke off"),
    ):
        stream.send(b"jpeg")


def test_a_refused_handshake_raises_the_error_of_the_server(is_async: bool) -> None:
    def refuse(_socket: ServerConnection, _request: Request) -> Response:
        error = {"code": "access", "message": "a key is required."}
        return refusal(401, {"error": error, "request_id": "r-1"})

    with (
        stream_server(answer_all, refuse=refuse) as address,
        pytest.raises(AccessError, match=r"^a key is required."),
        open_stream(address, is_async=is_async),
    ):
        pytest.fail("it is open")


def test_a_server_with_too_many_streams_is_busy(is_async: bool) -> None:
    def refuse(_socket: ServerConnection, _request: Request) -> Response:
        error = {"code": "busy", "message": "16 streams are open."}
        return refusal(503, {"error": error, "request_id": "r-1"}, Retry_After="5")

    with (
        stream_server(answer_all, refuse=refuse) as address,
        pytest.raises(BusyError) as caught,
        open_stream(address, is_async=is_async),
    ):
        pytest.fail("it is open")
    assert caught.value.retry_after_s == 5


def test_a_redirect_does_not_take_the_key_along(is_async: bool) -> None:
    keys: list[str] = []

    def refuse(_socket: ServerConnection, request: Request) -> Response:
        keys.append(request.headers["Authorization"])
        return refusal(307, {}, Location="/v1/elsewhere")

    with (
        stream_server(answer_all, refuse=refuse) as address,
        pytest.raises(ServerError, match="redirects to '/v1/elsewhere'"),
        open_stream(address, is_async=is_async, key=KEY),
    ):
        pytest.fail("it is open")
    assert len(keys) == 1


def test_an_unreachable_server_is_named(is_async: bool) -> None:
    with stream_server(answer_all) as address:
        pass
    with (
        pytest.raises(ServerError, match=f"^cannot reach the server at {address}: "),
        open_stream(address, is_async=is_async),
    ):
        pytest.fail("it is open")


def test_the_key_is_in_no_log_of_a_stream(is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("emolens.client.stream").setLevel(logging.DEBUG)
    with (
        stream_server(answer_all) as address,
        open_stream(address, is_async=is_async, key=KEY) as stream,
    ):
        stream.send(b"jpeg")
    ours = [record for record in caplog.records if record.name == "emolens.client.stream"]
    assert any("GET /v1/stream" in record.getMessage() for record in ours)
    assert not any(KEY in record.getMessage() for record in ours)
