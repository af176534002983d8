"""Results of frames that come faster than their answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from websockets.sync.server import ServerConnection

from emolens.client import AsyncClient, AsyncStream
from emolens.core.errors import DamagedImageError, EmolensError, ServerError
from tests.unit.client.stream_server import (
    get_ready,
    next_frame,
    send_error,
    send_result,
    stream_server,
)

pytestmark = pytest.mark.timeout(60)


def answer_all(socket: ServerConnection) -> None:
    get_ready(socket)
    for number in range(1000):
        send_result(socket, next_frame(socket)[0], number)


def answer_slowly(socket: ServerConnection) -> None:
    get_ready(socket)
    for number in range(1000):
        captured_s, _ = next_frame(socket)
        time.sleep(0.05)
        send_result(socket, captured_s, number)


async def camera(n_frames: int, pause_s: float) -> AsyncIterator[tuple[bytes, float]]:
    """Frames whose capture time is their number."""
    for number in range(n_frames):
        yield b"jpeg", float(number)
        await asyncio.sleep(pause_s)


async def captured_by(
    stream: AsyncStream,
    frames: AsyncIterator[tuple[bytes, float]] | AsyncIterator[bytes],
    on_error: Callable[[EmolensError], object] | None = None,
) -> list[float]:
    return [result.captured_s async for result in stream.results(frames, on_error=on_error)]


def run_stream(
    address: str,
    frames: AsyncIterator[tuple[bytes, float]] | AsyncIterator[bytes],
    on_error: Callable[[EmolensError], object] | None = None,
) -> tuple[list[float], int]:
    """The capture times of the results, and the number of dropped frames."""

    async def run() -> tuple[list[float], int]:
        async with AsyncClient(address) as client, client.stream() as stream:
            return await captured_by(stream, frames, on_error), stream.n_dropped

    return asyncio.run(run())


def test_frames_that_come_slowly_all_have_results() -> None:
    with stream_server(answer_all) as address:
        assert run_stream(address, camera(5, 0.05)) == ([0, 1, 2, 3, 4], 0)


def test_of_frames_that_come_fast_the_newest_wins() -> None:
    with stream_server(answer_slowly) as address:
        captured, n_dropped = run_stream(address, camera(50, 0.01))
    assert captured == sorted(captured)
    assert captured[-1] == 49, "the last frame is never dropped"
    assert 5 <= len(captured) <= 25
    assert len(captured) + n_dropped == 50


def test_frames_that_are_there_at_once_do_not_wait_for_the_last() -> None:
    async def recorded() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"jpeg"

    with stream_server(answer_all) as address:
        captured, n_dropped = run_stream(address, recorded())
    assert len(captured) >= 2
    assert len(captured) + n_dropped == 1000


def test_an_exception_of_the_frames_is_raised_after_the_last_result() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"jpeg"
        raise OSError("camera unplugged")

    with stream_server(answer_all) as address, pytest.raises(OSError, match="camera unplugged"):
        run_stream(address, failing())


def answer_or_refuse(socket: ServerConnection) -> None:
    get_ready(socket)
    for number in range(1000):
        captured_s, _ = next_frame(socket)
        if captured_s == 1:
            send_error(socket, "damaged_image", "the frame is damaged.", captured_s)
        else:
            send_result(socket, captured_s, number)


def test_a_damaged_frame_ends_the_results_unless_its_error_is_taken() -> None:
    errors: list[EmolensError] = []
    with stream_server(answer_or_refuse) as address:
        assert run_stream(address, camera(4, 0.05), errors.append) == ([0, 2, 3], 0)
        assert [type(error) for error in errors] == [DamagedImageError]
        with pytest.raises(DamagedImageError):
            run_stream(address, camera(4, 0.05))


def test_a_lost_connection_ends_the_results_and_stops_the_camera() -> None:
    def script(socket: ServerConnection) -> None:
        get_ready(socket)
        send_result(socket, next_frame(socket)[0])
        next_frame(socket)
        socket.socket.shutdown(2)

    is_closed: list[bool] = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"jpeg"
                await asyncio.sleep(0.01)
        finally:
            is_closed.append(True)

    with stream_server(script) as address, pytest.raises(ServerError, match="broke off"):
        run_stream(address, endless())
    assert is_closed == [True]
