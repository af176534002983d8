"""Frame sources from plain iterable context managers."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from emolens.core.frame import Frame
from emolens.core.ports import SourceReport


@runtime_checkable
class Frames(Protocol):
    """The minimal source: a context manager that yields frames."""

    def __enter__(self) -> Any: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class PlainSource:
    """A frame source with an empty report, around a user's own object.

    Implements `emolens.core.ports.FrameSource`.

    Args:
        frames: A context manager that yields frames, or whose `__enter__` returns their iterable.
    """

    def __init__(self, frames: Frames) -> None:
        self.report = SourceReport()
        self._frames = frames
        self._entered: Any = frames

    def interrupt(self) -> None:
        """Do nothing: a plain object has no way to interrupt a read."""

    def __enter__(self) -> Self:
        self._entered = self._frames.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._frames.__exit__(kind, error, traceback)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._entered)
