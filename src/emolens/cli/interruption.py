"""Ctrl-C at any moment: one line, and the exit code that a shell expects.

Imported before everything else, so it imports next to nothing.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

EXIT_INTERRUPTED = 130
_MESSAGE = b"interrupted\n"


def leave_at_once() -> None:
    """From now on Ctrl-C ends the process on the spot: nothing has been begun, or all is done."""
    _on_interrupt(_leave)


@contextlib.contextmanager
def unwinding() -> Iterator[None]:
    """Inside the block Ctrl-C unwinds what was begun, and ends the process then.

    So files are completed or removed. A second Ctrl-C ends it on the spot.
    """
    came = False

    def unwind(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        leave_at_once()
        signal.default_int_handler(number, frame)

    hook, sys.unraisablehook = sys.unraisablehook, _leave_if_swallowed
    try:
        _on_interrupt(unwind)
        yield
    except KeyboardInterrupt:
        _leave_with_code()
    except SystemExit:
        # Libraries make other codes of it.
        if came:
            _leave_with_code()
        raise
    finally:
        leave_at_once()
        sys.unraisablehook = hook


def _on_interrupt(handler: Callable[[int, FrameType | None], None]) -> None:
    """Set what Ctrl-C does, unless whoever started this process wants it ignored."""
    with contextlib.suppress(ValueError):  # only the main thread may
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, handler)


def _leave(_number: int, _frame: FrameType | None) -> None:
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        os.write(2, _MESSAGE)
    os._exit(EXIT_INTERRUPTED)


def _leave_with_code() -> None:
    with contextlib.suppress(OSError):
        os.write(2, _MESSAGE)
    raise SystemExit(EXIT_INTERRUPTED) from None


def _leave_if_swallowed(unraisable: "sys.UnraisableHookArgs") -> None:
    """Where Python can only print an exception, as in a finalizer, Ctrl-C would be lost."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _leave(signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)
