"""Streams are bounded and end when the server stops."""

import asyncio

import pytest

from emolens.core.errors import BusyError
from emolens.server.open_streams import OpenStreams


def test_streams_are_bounded_and_counted() -> None:
    streams = OpenStreams(2)
    with streams.opened():
        with streams.opened():
            assert len(streams) == 2
            with pytest.raises(BusyError, match="2 streams"):
                streams.check_free()
            with pytest.raises(BusyError), streams.opened():
                pass
        streams.check_free()
    assert len(streams) == 0


def test_a_stop_waits_for_the_streams() -> None:
    async def run() -> None:
        streams = OpenStreams(2)

        async def one() -> str:
            with streams.opened():
                await streams.is_stopping.wait()
                await asyncio.sleep(0.01)
                return "answered"

        running = asyncio.ensure_future(one())
        await asyncio.sleep(0)
        await streams.finish(20)
        assert len(streams) == 0
        assert await running == "answered"
        with pytest.raises(BusyError):
            streams.check_free()

    asyncio.run(run())


def test_a_stop_does_not_wait_for_ever() -> None:
    async def run() -> None:
        streams = OpenStreams(1)
        with streams.opened():
            await asyncio.wait_for(streams.finish(0.01), 20)

    asyncio.run(run())
