"""What a recorded video and a live image have in common: layers, outputs, news, the end."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from emolens.core.errors import ConfigError, EmolensError
from emolens.core.frame import FrameResult
from emolens.explanation.heat_layer import HeatLayer
from emolens.pipeline.models import Models
from emolens.pipeline.outputs import Layer, Outputs
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer
from emolens.rendering.blur import FaceBlur
from emolens.rendering.stream_overlay import StreamOverlay

Stopping = Callable[[StreamRunner], AbstractContextManager[Callable[[], bool]]]
"""Lets somebody stop a runner inside the block, which tells whether somebody did."""


@contextlib.contextmanager
def never(_runner: StreamRunner) -> Iterator[Callable[[], bool]]:
    """A `Stopping` by which nobody stops anything."""
    yield lambda: False


@dataclass(frozen=True, slots=True)
class Look:
    """How frames are drawn.

    Attributes:
        blur: Whether faces are made unrecognisable.
        heatmap: Whether heat maps are laid over them.
    """

    blur: bool = False
    heatmap: bool = False

    def layers(
        self, models: Models, analyzer: StreamAnalyzer, overlay: StreamOverlay
    ) -> list[Layer]:
        """What is laid over a frame, the lowest first.

        Raises:
            ModelError: The model has no heat maps.
        """
        layers: list[Layer] = [FaceBlur()] if self.blur else []
        if self.heatmap:
            heat = HeatLayer(models.explainer, analyzer.framing)
            heat.warm_up()
            layers.append(heat)
        return [*layers, overlay]


def check_not_source(source: Path | None, *outputs: Path | str | None) -> None:
    """Raise `ConfigError` where an output would overwrite what is read, or another output."""
    taken = {source.resolve(): "the source"} if source else {}
    for output in outputs:
        if output is None or output == "-":
            continue
        place = Path(output).resolve()
        if place in taken:
            raise ConfigError(f"{output} is {taken[place]} already; give another name")
        taken[place] = "another output"


@dataclass(slots=True)
class Run:
    """How taking the results of a stream went.

    Attributes:
        n_frames: Results that were taken.
        error: What ended the stream early, or None.
        was_stopped: Whether somebody stopped it.
        is_exhausted: Whether it ended because no output was left.
        warnings: What the results warned about, each once.
    """

    n_frames: int = 0
    error: EmolensError | None = None
    was_stopped: bool = False
    is_exhausted: bool = False
    warnings: list[str] = field(default_factory=list)


def take_all(
    runner: StreamRunner,
    outputs: Outputs,
    stopping: Stopping,
    on_result: Callable[[FrameResult, tuple[str, ...]], None],
) -> Run:
    """Hand every result of a stream to outputs, until it ends in whatever way.

    Args:
        runner: Gives the results.
        outputs: Take them.
        stopping: Lets somebody stop the stream.
        on_result: Called after each result has been written, with its warnings that are new.
    """
    run = Run()
    with stopping(runner) as was_asked:
        try:
            for result in runner:
                outputs.write(result.frame, result)
                run.n_frames += 1
                new = tuple(warning for warning in result.warnings if warning not in run.warnings)
                run.warnings += new
                on_result(result, new)
                if outputs.is_exhausted:
                    run.is_exhausted = True
                    break
        except EmolensError as error:
            run.error = error
        run.was_stopped = was_asked()
    return run
