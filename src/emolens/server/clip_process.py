"""The process that analyses one video: `python -m emolens.server.clip_process`.

It reads a `ClipTask` as one line of JSON from standard input, and writes a `ClipStatus` per line to
standard output. It decodes bytes of strangers, so it limits its own memory, time and files before,
and it ends when standard input ends, because then its server is gone.
"""

import contextlib
import io
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, Self, TextIO

from pydantic import Field

from emolens.contract import ErrorRecord, Record
from emolens.core.command_line import running
from emolens.core.errors import EmolensError, ImageTooLargeError, RequestTooLargeError
from emolens.core.frame import Frame
from emolens.core.ports import FrameSource, SourceReport
from emolens.core.records import public_name
from emolens.jobs.video import VideoJob, analyze_video
from emolens.media.open_source import SourcePlan, plan_source
from emolens.pipeline.models import Models
from emolens.pipeline.stream import STREAM_THREADS
from emolens.pipeline.stream_settings import StreamSettings
from emolens.server.errors import INTERNAL_STATUS, record_of, status_of

if sys.platform != "win32":
    import resource

_STATUS_EVERY_S: Final = 0.2
_MAX_MESSAGES: Final = 50
_MAX_OUTPUT_BYTES: Final = 256 * 1024**2
_MAX_OPEN_FILES: Final = 128
_NICENESS: Final = 10


class ClipOptions(Record):
    """What a client can choose; the defaults are those of `emolens video`."""

    table: Literal["csv", "parquet", "jsonl"] = Field(
        default="csv", description="Format of the table with one row per face and frame."
    )
    report: bool = Field(default=True, description="Write a report as an HTML page.")
    min_confidence: float = Field(
        default=0.0, ge=0, le=1, description="Minimum smoothed probability of a label."
    )
    detect_hz: float = Field(
        default=10.0,
        ge=0,
        le=1000,
        description="Detections and classifications per second; 0 means every frame.",
    )
    cuts: bool = Field(default=True, description="Detect cuts; all tracks end at a cut.")


class ClipTask(Record):
    """The analysis of one video.

    Attributes:
        folder: The folder of the job, with the folders `video` and `outputs`.
        name: Name of the video, a file in `video`.
        options: What the client has chosen.
        model: Name of the emotion model, or path of an `.onnx` file.
        detector: Name of the face detector.
        clip_s: Maximum duration in seconds.
        clip_pixels: Maximum width x height.
        job_bytes: Maximum memory of the process.
        job_s: Maximum time of the process.
    """

    folder: str
    name: str
    options: ClipOptions
    model: str = "default"
    detector: str
    clip_s: float
    clip_pixels: int
    job_bytes: int
    job_s: float

    @property
    def video(self) -> Path:
        """The video."""
        return Path(self.folder, "video", self.name)

    def output(self, kind: str) -> Path:
        """Return the path of an output: `table`, `summary` or `report`."""
        suffix = {"table": self.options.table, "summary": "json"}.get(kind, "html")
        return Path(self.folder, "outputs", f"{kind}.{suffix}")


class ClipStatus(Record):
    """The state of an analysis; the last one `is_done`."""

    n_frames: int = Field(default=0, ge=0)
    n_expected: int | None = None
    warnings: list[str] = Field(default=[])
    failures: list[str] = Field(default=[])
    error: ErrorRecord | None = None
    is_done: bool = False


def analyze_clip(task: ClipTask, on_status: Callable[[ClipStatus], None]) -> ClipStatus:
    """Analyse a video within its limits, and return the last state.

    Args:
        task: The video and its limits.
        on_status: Called with the progress.

    Raises:
        ImageTooLargeError: The frames are larger than allowed.
        RequestTooLargeError: The video is longer than allowed.
        EmolensError: As for `emolens.jobs.video.analyze_video`.
    """
    options, hz = task.options, task.options.detect_hz or None
    job = VideoJob(
        tables=[task.output("table")],
        summary=task.output("summary"),
        report=task.output("report") if options.report else None,
        settings=StreamSettings(
            detect_hz=hz,
            classify_hz=hz,
            min_confidence=options.min_confidence,
            cuts=options.cuts,
        ),
    )
    models = Models(model=task.model, detector=task.detector, n_threads=STREAM_THREADS)
    plan = plan_source(task.video)
    limited = replace(plan, open=lambda: _open_limited(plan, task))
    progress = _Progress(on_status)
    with running(equivalent_command(task)):
        recorded = analyze_video(limited, job, models=models, progress=progress.show)
    return ClipStatus(
        n_frames=recorded.session.n_frames,
        n_expected=progress.n_expected,
        warnings=_shown(recorded.warnings),
        failures=_shown(recorded.failures),
        is_done=True,
    )


def _shown(messages: list[str]) -> list[str]:
    return [public_name(message) for message in messages[:_MAX_MESSAGES]]


def equivalent_command(task: ClipTask) -> list[str]:
    """Return the words after `emolens` of the command that writes the same table."""
    options, usual = task.options, ClipOptions()
    words = ["video", task.name, "--table", f"table.{options.table}"]
    if options.min_confidence != usual.min_confidence:
        words += ["--min-confidence", f"{options.min_confidence:g}"]
    if options.detect_hz != usual.detect_hz:
        words += ["--detect-hz", f"{options.detect_hz:g}"]
    return words if options.cuts else [*words, "--no-cuts"]


class _Progress:
    """A progress callback that states the number of frames a few times per second."""

    def __init__(self, on_status: Callable[[ClipStatus], None]) -> None:
        self._on_status = on_status
        self.n_expected: int | None = None

    @contextlib.contextmanager
    def show(self, _description: str, n_steps: int | None) -> Iterator[Callable[[int], None]]:
        self.n_expected = n_steps
        next_s = 0.0

        def done(n_frames: int) -> None:
            nonlocal next_s
            if time.monotonic() >= next_s:
                next_s = time.monotonic() + _STATUS_EVERY_S
                self._on_status(ClipStatus(n_frames=n_frames, n_expected=n_steps))

        yield done


class _LimitedSource:
    """A source that ends with an error at a limit. The metadata of a container may be wrong."""

    def __init__(self, source: FrameSource, task: ClipTask) -> None:
        self._source, self._task = source, task

    @property
    def report(self) -> SourceReport:
        return self._source.report

    def interrupt(self) -> None:
        self._source.interrupt()

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._source.__exit__(None, None, None)

    def __iter__(self) -> Iterator[Frame]:
        first_s: float | None = None
        for frame in self._source:
            first_s = frame.media_time_s if first_s is None else first_s
            _check_duration(frame.media_time_s - first_s, self._task)
            height, width = frame.image.shape[:2]
            _check_size((width, height), self._task)
            yield frame


def _open_limited(plan: SourcePlan, task: ClipTask) -> FrameSource:
    source = plan.open()
    try:
        if source.report.size_wh is not None:
            _check_size(source.report.size_wh, task)
        _check_duration(source.report.duration_s or 0.0, task)
    except BaseException:
        source.__exit__(None, None, None)
        raise
    return _LimitedSource(source, task)


def _check_size(size_wh: tuple[int, int], task: ClipTask) -> None:
    width, height = size_wh
    if width * height > task.clip_pixels:
        raise ImageTooLargeError(
            f"{task.name} has frames of {width}x{height} px; allowed: up to "
            f"{task.clip_pixels:,} pixels. Send a smaller video."
        )


def _check_duration(seconds: float, task: ClipTask) -> None:
    if seconds > task.clip_s:
        raise RequestTooLargeError(
            f"{task.name} lasts {seconds:.1f} s; allowed: up to {task.clip_s:g} s. Send a shorter "
            "part of it."
        )


def restrict(task: ClipTask) -> None:
    """Lower the limits of this process: memory, processor time, files and priority."""
    os.umask(0o077)
    if sys.platform != "win32":
        os.nice(_NICENESS)
        # Threads of the decoder count too. The server itself ends the process after `job_s`.
        _lower(resource.RLIMIT_CPU, int(task.job_s * (os.cpu_count() or 1)) + 1)
        _lower(resource.RLIMIT_FSIZE, _MAX_OUTPUT_BYTES)
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
        if sys.platform != "darwin":  # macOS does not limit memory
            _lower(resource.RLIMIT_AS, task.job_bytes)


if sys.platform != "win32":

    def _lower(kind: int, value: int) -> None:
        hard = resource.getrlimit(kind)[1]
        lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (lowered, lowered))


def run_task(task: ClipTask, on_status: Callable[[ClipStatus], None]) -> None:
    """Analyse a video, and state the last state or the error."""
    try:
        status = analyze_clip(task, on_status)
    except MemoryError:
        traceback.print_exc()
        message = f"{task.name} needs more memory than allowed. Send a smaller video."
        status = ClipStatus(error=ErrorRecord(code="processing", message=message), is_done=True)
    except EmolensError as error:
        if status_of(error) == INTERNAL_STATUS:
            traceback.print_exc()
        status = ClipStatus(error=record_of(error), is_done=True)
    on_status(status)


def _end_with_server() -> None:
    # Not through `sys.stdin`, whose lock would be held when the interpreter ends.
    while os.read(0, 4096):
        pass
    os._exit(1)


def _own_channel() -> TextIO:
    """Return the standard output of the process; what libraries print goes to standard error."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return io.TextIOWrapper(os.fdopen(channel, "wb"), encoding="ascii")


def main() -> None:
    """Analyse the video of the task on standard input."""
    channel = _own_channel()
    task = ClipTask.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_server, daemon=True).start()
    restrict(task)

    def tell(status: ClipStatus) -> None:
        channel.write(json.dumps(status.model_dump()) + "\n")
        channel.flush()

    run_task(task, tell)


if __name__ == "__main__":
    main()
