"""Work is bounded, fair between its kinds, and dropped when nobody waits for it."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from emolens.core.errors import BusyError, InputError
from emolens.server.workers import Lane, Workers

Made = Callable[..., Workers]


@pytest.fixture
def made() -> Iterator[Made]:
    """Workers that are stopped at the end."""
    all_workers: list[Workers] = []

    def make(n_threads: int = 1, n_places: int = 4) -> Workers:
        all_workers.append(Workers(n_threads, n_places))
        return all_workers[-1]

    yield make
    for workers in all_workers:
        workers.stop()


class Gate:
    """Work that begins, and waits until it may go on."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_go = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.may_go.wait(20)
        return "done"


async def begun(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.begun.wait, 20)


def test_results_and_errors_reach_the_caller(made: Made) -> None:
    workers = made()

    def fail() -> None:
        raise InputError("no")

    async def run() -> None:
        assert await workers.run(Lane.IMAGES, lambda: 7) == 7
        with pytest.raises(InputError, match="no"):
            await workers.run(Lane.IMAGES, fail)
        assert await workers.run(Lane.IMAGES, lambda: 8) == 8

    asyncio.run(run())


def test_places_are_bounded_and_a_refusal_says_when_to_retry(made: Made) -> None:
    workers = made(n_places=2)
    with workers.place(Lane.IMAGES):
        with workers.place(Lane.IMAGES):
            with pytest.raises(BusyError, match="busy with 2 requests") as refused:
                workers.check_free(Lane.IMAGES)
            assert refused.value.retry_after_s > 0
            with pytest.raises(BusyError), workers.place(Lane.IMAGES):
                pass
            workers.check_free(Lane.FRAMES)  # another kind of work has its own places
        workers.check_free(Lane.IMAGES)


def test_work_with_a_place_is_not_refused(made: Made) -> None:
    workers = made(n_places=1)

    async def run() -> None:
        gate = Gate()
        with workers.place(Lane.IMAGES):
            running = asyncio.ensure_future(workers.run(Lane.IMAGES, gate))
            await begun(gate)
            waiting = [asyncio.ensure_future(workers.run(Lane.IMAGES, str)) for _ in range(3)]
            await asyncio.sleep(0)
            assert workers.n_waiting(Lane.IMAGES) == 3
            assert workers.n_running == 1
            gate.may_go.set()
            assert await asyncio.gather(running, *waiting) == ["done", "", "", ""]

    asyncio.run(run())


def test_kinds_of_work_take_turns(made: Made) -> None:
    workers = made(n_places=10)
    order: list[str] = []

    async def run() -> None:
        gate = Gate()
        first = asyncio.ensure_future(workers.run(Lane.MAPS, gate))
        await begun(gate)
        images = [
            asyncio.ensure_future(workers.run(Lane.IMAGES, lambda: order.append("image")))
            for _ in range(5)
        ]
        await asyncio.sleep(0)
        frame = asyncio.ensure_future(workers.run(Lane.FRAMES, lambda: order.append("frame")))
        await asyncio.sleep(0)
        gate.may_go.set()
        await asyncio.gather(first, *images, frame)

    asyncio.run(run())
    assert "frame" in order[:2]
    assert order.count("image") == 5


def test_work_that_nobody_waits_for_does_not_run(made: Made) -> None:
    workers = made()
    ran: list[int] = []

    async def run() -> None:
        gate = Gate()
        first = asyncio.ensure_future(workers.run(Lane.IMAGES, gate))
        await begun(gate)
        left = asyncio.ensure_future(workers.run(Lane.IMAGES, lambda: ran.append(1)))
        await asyncio.sleep(0)
        left.cancel()
        gate.may_go.set()
        await first
        await workers.run(Lane.IMAGES, lambda: ran.append(2))

    asyncio.run(run())
    assert ran == [2]


def test_work_that_nobody_waits_for_frees_its_memory_at_once(made: Made) -> None:
    workers = made(n_places=1)

    class Body:
        def __call__(self) -> None: ...

    async def run() -> None:
        gate = Gate()
        running = asyncio.ensure_future(workers.run(Lane.IMAGES, gate))
        await begun(gate)
        body = Body()
        kept = weakref.ref(body)
        left = asyncio.ensure_future(workers.run(Lane.IMAGES, body))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.wait([left])
        del body, left
        gc.collect()
        assert kept() is None
        assert workers.n_waiting(Lane.IMAGES) == 0
        gate.may_go.set()
        await running

    asyncio.run(run())


def test_a_stop_waits_once_for_all_threads(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emolens.server.workers._STOP_S", 0.2)
    workers = made(n_threads=3)

    async def run() -> None:
        gates = [Gate() for _ in range(3)]
        running = [asyncio.ensure_future(workers.run(Lane.IMAGES, gate)) for gate in gates]
        await asyncio.gather(*map(begun, gates))
        started_s = time.monotonic()
        await asyncio.to_thread(workers.stop)
        assert time.monotonic() - started_s < 0.5
        for gate in gates:
            gate.may_go.set()
        await asyncio.gather(*running)

    asyncio.run(run())


def test_a_stop_finishes_what_runs_and_cancels_what_waits(made: Made) -> None:
    workers = made()

    async def run() -> None:
        gate = Gate()
        running = asyncio.ensure_future(workers.run(Lane.IMAGES, gate))
        await begun(gate)
        waiting = asyncio.ensure_future(workers.run(Lane.IMAGES, str))
        await asyncio.sleep(0)
        stopping = asyncio.ensure_future(asyncio.to_thread(workers.stop))
        while workers.n_waiting(Lane.IMAGES):
            await asyncio.sleep(0.001)
        gate.may_go.set()
        await stopping
        assert await running == "done"
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(BusyError, match="stopping"):
            await workers.run(Lane.IMAGES, str)

    asyncio.run(run())
