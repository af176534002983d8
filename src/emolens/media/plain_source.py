"""Frames from an object that can do no more than give them."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from emolens.core.frame import Frame
from emolens.core.ports import SourceReport


@runtime_checkable
class Frames(Protocol):
    """Gives frames inside a `with` block: what a user's own source is at least."""

    def __enter__(self) -> Any: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class PlainSource:
    """A source of what a user's own object gives; there is nothing to say of it.

    Implements `emolens.core.ports.FrameSource`.

    Args:
        within: Gives frames, or gives when it is entered what gives them.
    """

    def __init__(self, within: Frames) -> None:
        self.report = SourceReport()
        self._within = within
        self._entered: Any = within

    def interrupt(self) -> None:
        """How to do that is not known."""

    def __enter__(self) -> Self:
        self._entered = self._within.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._within.__exit__(kind, error, traceback)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._entered)
