"""Bodies are read within limits of size, time and memory."""

import asyncio
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request

from emolens.core.errors import BusyError, InputError, RequestTimeoutError, RequestTooLargeError
from emolens.server.bodies import Bodies, unless_gone
from emolens.server.settings import Limits


def request_of(chunks: Sequence[bytes | None], **headers: str) -> Request:
    """A request with a body in chunks; None waits for ever, and the end is the client's leaving."""
    parts = list(chunks)

    async def receive() -> dict[str, Any]:
        if not parts:
            return {"type": "http.disconnect"}
        chunk = parts.pop(0)
        if chunk is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunk, "more_body": bool(parts)}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": named}, receive)


def read(bodies: Bodies, request: Request, max_bytes: int = 10) -> bytes:
    async def run() -> bytes:
        async with bodies.whole(request, max_bytes) as body:
            assert bodies.n_bytes >= len(body)
            return body

    try:
        return asyncio.run(run())
    finally:
        assert bodies.n_bytes == 0


@pytest.mark.parametrize("chunks", [[b""], [b"abc"], [b"abc", b"", b"def"], [b"0123456789"]])
def test_a_body_is_read_whole(chunks: list[bytes]) -> None:
    assert read(Bodies(Limits()), request_of(chunks)) == b"".join(chunks)


def test_a_declared_size_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(RequestTooLargeError, match="larger than 10 bytes"):
        read(Bodies(Limits()), request_of([None], content_length="11"))


def test_a_size_that_is_not_declared_is_refused_as_it_arrives() -> None:
    with pytest.raises(RequestTooLargeError):
        read(Bodies(Limits()), request_of([b"0" * 6, b"0" * 6, None]))


@pytest.mark.parametrize("declared", ["2", "0", "-5", "many", "²"])
def test_a_declared_size_that_is_wrong_does_not_help(declared: str) -> None:
    with pytest.raises(RequestTooLargeError):
        read(Bodies(Limits()), request_of([b"0" * 11], content_length=declared))


def test_a_body_that_stalls_is_given_up() -> None:
    limits = replace(Limits(), stall_s=0.05)
    with pytest.raises(RequestTimeoutError, match="arrives too slowly: 3 bytes"):
        read(Bodies(limits), request_of([b"abc", None, b""]))


def test_all_bodies_together_are_bounded() -> None:
    bodies = Bodies(replace(Limits(), body_bytes=15))

    async def run() -> None:
        async with bodies.whole(request_of([b"0" * 10], content_length="10"), 10):
            with pytest.raises(BusyError, match="other uploads"):
                async with bodies.whole(request_of([None], content_length="10"), 10):
                    pass
            with pytest.raises(BusyError):
                async with bodies.whole(request_of([b"0" * 10, None]), 10):
                    pass
            async with bodies.whole(request_of([b"0" * 5]), 10) as small:
                assert len(small) == 5

    asyncio.run(run())
    assert bodies.n_bytes == 0


def test_a_client_that_leaves_ends_the_body() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(InputError, match="left before the request"):
        read(Bodies(Limits()), request)


def test_work_is_cancelled_when_its_client_leaves() -> None:
    is_cancelled = False

    async def work() -> None:
        nonlocal is_cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            is_cancelled = True
            raise

    async def run() -> None:
        with pytest.raises(InputError, match="left before the answer"):
            await unless_gone(request_of([]), work())
        await asyncio.sleep(0)

    asyncio.run(run())
    assert is_cancelled


def test_work_that_is_done_is_returned() -> None:
    async def work() -> int:
        return 7

    assert asyncio.run(unless_gone(request_of([None]), work())) == 7


def test_a_body_is_in_memory_once() -> None:
    async def used_bytes(request: Request) -> int:
        async with Bodies(Limits()).whole(request, 2_000_000):
            return tracemalloc.get_traced_memory()[0]

    request = request_of([b"x" * 500_000, b"x" * 500_000])
    tracemalloc.start()
    try:
        assert asyncio.run(used_bytes(request)) < 1_500_000
    finally:
        tracemalloc.stop()
