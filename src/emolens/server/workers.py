"""Threads that analyse, fed from bounded queues."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from emolens.core.errors import BusyError

T = TypeVar("T")
_FIRST_GUESS_S: Final = 0.05
_WEIGHT: Final = 0.1
# The threads do not keep the process alive, so work that takes longer ends with it.
_STOP_S: Final = 5.0


class Lane(StrEnum):
    """Kinds of work. Each has a queue, and idle threads take from the queues in turn."""

    FRAMES = "frames"
    IMAGES = "images"
    MAPS = "maps"


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    lane: Lane
    work: Callable[[], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


class Workers:
    """Threads that run functions for the event loop.

    The queues are taken in turn, so that streams stay live while many images wait.

    Args:
        n_threads: Number of threads.
        n_places: Requests of each kind that may wait or run.
    """

    def __init__(self, n_threads: int, n_places: int) -> None:
        self._n_threads = n_threads
        self._n_places = n_places
        self._n_taken = dict.fromkeys(Lane, 0)
        self._queues: dict[Lane, deque[_Task]] = {lane: deque() for lane in Lane}
        self._turn: deque[Lane] = deque(Lane)
        self._mean_s = dict.fromkeys(Lane, _FIRST_GUESS_S)
        self._changed = threading.Condition()
        self._is_stopped = False
        self._n_running = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"emolens-worker-{number}", daemon=True)
            for number in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()

    def check_free(self, lane: Lane) -> None:
        """Check that there is a place for a request.

        Raises:
            BusyError: All are taken.
        """
        if self.is_full(lane):
            raise BusyError(
                f"the server is busy with {self._n_taken[lane]} requests. Try again later.",
                retry_after_s=self.retry_after_s(lane),
            )

    def is_full(self, lane: Lane) -> bool:
        """Return whether all places are taken."""
        return self._n_taken[lane] >= self._n_places

    def retry_after_s(self, lane: Lane) -> float:
        """Return the seconds until all places of a kind are free, by the mean of the last work."""
        return self._n_taken[lane] * self._mean_s[lane] / self._n_threads

    @contextlib.contextmanager
    def place(self, lane: Lane) -> Iterator[None]:
        """Take a place for a request, before its body is read; its work is then never refused.

        Raises:
            BusyError: All are taken.
        """
        self.check_free(lane)
        self._n_taken[lane] += 1
        try:
            yield
        finally:
            self._n_taken[lane] -= 1

    async def run(self, lane: Lane, work: Callable[[], T]) -> T:
        """Run a function in a thread and return its result.

        If the caller is cancelled while the work waits, it does not run. The caller limits how much
        work waits: it has a `place`, or runs one function at a time.

        Raises:
            BusyError: The workers are stopped.
        """
        loop = asyncio.get_running_loop()
        task = _Task(lane, work, loop.create_future(), loop)
        with self._changed:
            if self._is_stopped:
                raise BusyError("the server is stopping. Try again later.")
            self._queues[lane].append(task)
            self._changed.notify()
        try:
            return cast("T", await task.future)
        except asyncio.CancelledError:
            self._forget(task)
            raise

    def n_waiting(self, lane: Lane) -> int:
        """Return the number of functions that wait in a queue."""
        return len(self._queues[lane])

    @property
    def n_running(self) -> int:
        """Number of functions that run."""
        return self._n_running

    def stop(self) -> None:
        """Stop the threads after the work that runs, within some seconds; cancel what waits."""
        with self._changed:
            self._is_stopped = True
            waiting = [task for queue in self._queues.values() for task in queue]
            for queue in self._queues.values():
                queue.clear()
            self._changed.notify_all()
        for task in waiting:
            _in_loop(task, task.future.cancel)
        end_s = time.monotonic() + _STOP_S
        for thread in self._threads:
            thread.join(timeout=max(0.0, end_s - time.monotonic()))

    def _forget(self, task: _Task) -> None:
        """Remove work that waits. Until a thread is free, it would keep its body in memory."""
        with self._changed, contextlib.suppress(ValueError):
            self._queues[task.lane].remove(task)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            started_s = time.perf_counter()
            try:
                result = task.work()
            except BaseException as error:  # noqa: BLE001 (the caller of `run` gets it)
                _in_loop(task, _fail, task.future, error)
                del error
            else:
                _in_loop(task, _complete, task.future, result)
                del result
            seconds = time.perf_counter() - started_s
            with self._changed:
                self._n_running -= 1
                self._mean_s[task.lane] += _WEIGHT * (seconds - self._mean_s[task.lane])
            del task

    def _next(self) -> _Task | None:
        """Wait for the next task that still has a caller; None ends the thread."""
        with self._changed:
            while not self._is_stopped:
                for _ in range(len(self._turn)):
                    lane = self._turn[0]
                    self._turn.rotate(-1)
                    while queue := self._queues[lane]:
                        task = queue.popleft()
                        if not task.future.cancelled():
                            self._n_running += 1
                            return task
                self._changed.wait()
        return None


def _in_loop(task: _Task, function: Callable[..., object], *arguments: object) -> None:
    # The loop is closed when the server was stopped before the work was done.
    with contextlib.suppress(RuntimeError):
        task.loop.call_soon_threadsafe(function, *arguments)


def _complete(future: "asyncio.Future[Any]", result: object) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
