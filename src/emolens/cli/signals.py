"""How a stream is stopped from outside: Ctrl-C and SIGTERM."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from emolens.pipeline.runner import StreamRunner


@contextlib.contextmanager
def stopping_on_signals(runner: StreamRunner) -> Iterator[Callable[[], bool]]:
    """Inside the block Ctrl-C and SIGTERM end a stream, so that files are completed.

    A second signal does what it does elsewhere. Nothing is raised from inside a model or a codec.

    Yields:
        Whether a signal came.
    """
    before: dict[int, object] = {}
    came = False

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal itself gave
        before.clear()

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        restore()
        runner.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, stop)
    try:
        yield lambda: came
    finally:
        restore()
