"""How long work tells how far it is, without knowing who listens: a terminal, a page, nobody."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Takes what is done and of how many, None where nobody knows; inside the block, the number done so
far is told."""


def silently(_what: str, _n_steps: int | None) -> AbstractContextManager[Callable[[int], None]]:
    """A `Progress` that shows nothing."""
    return nullcontext(lambda _n_done: None)


def say_nothing(_message: str) -> None:
    """Take news or a warning that nobody asked for."""
