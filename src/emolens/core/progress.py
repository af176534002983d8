"""Progress callbacks, independent of any user interface."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Takes a description and the number of steps (None if unknown). The context manager yields a
function that takes the number of completed steps."""


def silently(
    _description: str, _n_steps: int | None
) -> AbstractContextManager[Callable[[int], None]]:
    """Show no progress."""
    return nullcontext(lambda _n_done: None)


def say_nothing(_message: str) -> None:
    """Ignore a message."""
