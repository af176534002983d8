"""Distribution of results to data sinks and, with overlays, to image sinks."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from emolens.core.errors import OutputError
from emolens.core.frame import Frame, FrameResult
from emolens.core.ports import ResultSink
from emolens.pipeline.latency import Latency, StageLatencies

Pixels = npt.NDArray[np.uint8]


class Layer(Protocol):
    """A drawing step that is applied to a frame before it is shown or recorded."""

    def apply(self, image: Pixels, result: FrameResult) -> Pixels:
        """Draw on a uint8 (H, W, 3) BGR image and return a new one of the same size."""
        ...


class Outputs:
    """A set of sinks that receive every result. A sink that fails is removed; the others continue.

    `failures` contains the messages of failed sinks.

    Args:
        data: Sinks that receive the original frame.
        images: Sinks that receive the frame with all layers drawn on it.
        layers: Layers in drawing order.
        on_failure: Called immediately with the message of a failed sink.
        clock: Clock in seconds.
    """

    def __init__(
        self,
        *,
        data: Sequence[ResultSink] = (),
        images: Sequence[ResultSink] = (),
        layers: Sequence[Layer] = (),
        on_failure: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._data = list(data)
        self._images = list(images)
        self._layers = list(layers)
        self._on_failure = on_failure
        self._clock = clock
        self._latencies = StageLatencies()
        self._has_sinks = bool(self._data or self._images)
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as entered:
            for sink in (*self._data, *self._images):
                entered.enter_context(sink)
            # All sinks are open. If one fails, the exit stack closes those before it.
            entered.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def latencies(self) -> dict[str, Latency]:
        """Latencies of drawing, showing and writing."""
        return self._latencies.summary()

    @property
    def is_exhausted(self) -> bool:
        """Whether all sinks have failed, so that further results have no receiver."""
        return self._has_sinks and not self._data and not self._images

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write one result to all sinks."""
        with self._timed("writing"):
            self._data = [sink for sink in self._data if self._try(sink, frame, result)]
        if not self._images:
            return
        with self._timed("drawing"):
            image = frame.image
            for layer in self._layers:
                image = layer.apply(image, result)
        drawn = replace(frame, image=image)
        with self._timed("showing"):
            self._images = [sink for sink in self._images if self._try(sink, drawn, result)]

    def close(self) -> None:
        """Close all sinks and report those that fail. Closing again has no effect."""
        sinks = [*self._data, *self._images]
        self._data, self._images = [], []
        with contextlib.ExitStack() as closing:
            for sink in reversed(sinks):
                closing.callback(self._complete, sink)

    def _complete(self, sink: ResultSink) -> None:
        try:
            sink.__exit__(None, None, None)
        except OutputError as error:
            self._report(error)

    def _report(self, error: OutputError) -> None:
        self.failures.append(str(error))
        if self._on_failure:
            self._on_failure(str(error))

    def _try(self, sink: ResultSink, frame: Frame, result: FrameResult) -> bool:
        try:
            sink.write(frame, result)
        except OutputError as error:
            self._report(error)
            # Close the sink to free its resources. Its failure is already reported.
            with contextlib.suppress(OutputError):
                sink.__exit__(type(error), error, error.__traceback__)
            return False
        return True

    @contextlib.contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started_s = self._clock()
        yield
        self._latencies.add({stage: 1e3 * (self._clock() - started_s)})
