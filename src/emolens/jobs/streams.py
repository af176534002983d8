"""Shared parts of video and live jobs: outputs and stopping."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from emolens.contract import Provenance
from emolens.core.description import settings_of
from emolens.core.errors import EmolensError
from emolens.core.frame import FrameResult
from emolens.core.ports import SourceReport
from emolens.jobs.drawing import DrawOptions
from emolens.media.input_record import input_record
from emolens.media.open_source import SourcePlan
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer

Stopping = Callable[[StreamRunner], AbstractContextManager[Callable[[], bool]]]
"""A context manager that can stop a runner. It yields a function that returns whether it did."""


@contextlib.contextmanager
def never(_runner: StreamRunner) -> Iterator[Callable[[], bool]]:
    """Never stop the runner (a `Stopping`)."""
    yield lambda: False


def stream_provenance(
    plan: SourcePlan,
    analyzer: StreamAnalyzer,
    options: DrawOptions,
    report: SourceReport | None = None,
) -> Provenance:
    """Return the record of how the results of a stream are made.

    Args:
        plan: Plan of the source.
        analyzer: Analyzer of the stream.
        options: Options for drawing frames.
        report: Report of the opened source, or None before it is opened.
    """
    made = analyzer.provenance
    settings = {**made.settings, **settings_of(options)}
    return made.model_copy(update={"settings": settings, "input": input_record(plan, report)})


@dataclass(slots=True)
class Run:
    """The outcome of a stream.

    Attributes:
        n_frames: Number of results.
        error: The error that ended the stream, or None.
        was_stopped: Whether the stream was stopped.
        is_exhausted: Whether the stream ended because all outputs failed.
        warnings: The distinct warnings of all results.
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
    """Write every result of a stream to the outputs until the stream ends.

    Args:
        runner: Runner that yields the results.
        outputs: Outputs to write to.
        stopping: Context manager that can stop the stream.
        on_result: Called with each written result and its new warnings.
    """
    run = Run()
    with stopping(runner) as is_stopped:
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
        run.was_stopped = is_stopped()
    return run
