"""A sink that calls a function."""

from collections.abc import Callable
from typing import Self

from emolens.core.frame import Frame, FrameResult


class CallbackSink:
    """A sink that calls a function with every frame and its result.

    Implements `emolens.core.ports.ResultSink`.
    """

    def __init__(self, call: Callable[[Frame, FrameResult], object]) -> None:
        self._call = call

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: the sink holds no resources."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Call the function and propagate its errors."""
        self._call(frame, result)
