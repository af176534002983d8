"""Handling of Ctrl-C: one line, and the exit code that a shell expects.

This module is imported before everything else and therefore imports almost nothing.
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
    """Let Ctrl-C end the process immediately: no work has started, or all work is done."""
    _on_interrupt(_leave)


@contextlib.contextmanager
def unwinding() -> Iterator[None]:
    """Let Ctrl-C unwind the block, which completes or removes files, and then end the process.

    A second Ctrl-C ends the process immediately.
    """
    is_interrupted = False

    def unwind(number: int, frame: FrameType | None) -> None:
        nonlocal is_interrupted
        is_interrupted = True
        leave_at_once()
        signal.default_int_handler(number, frame)

    hook, sys.unraisablehook = sys.unraisablehook, _leave_if_swallowed
    try:
        _on_interrupt(unwind)
        yield
    except KeyboardInterrupt:
        _leave_with_code()
    except SystemExit:
        # Some libraries turn KeyboardInterrupt into SystemExit with another code.
        if is_interrupted:
            _leave_with_code()
        raise
    finally:
        leave_at_once()
        sys.unraisablehook = hook


def _on_interrupt(handler: Callable[[int, FrameType | None], None]) -> None:
    """Set the handler of Ctrl-C, unless the parent process ignores the signal."""
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
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
    """Leave on a Ctrl-C that Python would only print, for example one in a finalizer."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _leave(signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)
