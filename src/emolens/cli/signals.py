"""Signals that stop a stream: Ctrl-C and SIGTERM."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from emolens.pipeline.runner import StreamRunner


@contextlib.contextmanager
def stopping_on_signals(runner: StreamRunner) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C and SIGTERM stop a stream inside the block and complete its files.

    A second signal has its usual effect. No exception is raised inside a model or a codec.

    Yields:
        A function that returns whether a signal has arrived.
    """
    previous: dict[int, object] = {}
    is_signalled = False

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # returned by signal itself
        previous.clear()

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_signalled
        is_signalled = True
        restore()
        runner.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, stop)
    try:
        yield lambda: is_signalled
    finally:
        restore()
