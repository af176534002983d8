"""Frames from an object that can do no more than give them."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Self

from emolens.core.frame import Frame
from emolens.core.ports import SourceReport


class PlainSource:
    """A source of what a user's own object gives; there is nothing to say of it.

    Implements `emolens.core.ports.FrameSource`.

    Args:
        within: Gives frames; entered and left with this.
    """

    def __init__(self, within: Iterable[Any]) -> None:
        self.report = SourceReport()
        self._within = within

    def interrupt(self) -> None:
        """How to do that is not known."""

    def __enter__(self) -> Self:
        if isinstance(self._within, AbstractContextManager):
            self._within.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._within, AbstractContextManager):
            self._within.__exit__(None, None, None)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._within)
