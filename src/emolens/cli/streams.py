"""What `video` and `live` share: outputs, layers, what is said at the end, how they are stopped."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

from rich.table import Table

from emolens import __version__
from emolens.cli.terminal import progress, say, stdout_console
from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError, EmolensError, OutputError
from emolens.core.frame import Frame
from emolens.core.ports import FrameSource
from emolens.explanation.activation import ActivationExplainer
from emolens.explanation.heat_layer import HeatLayer
from emolens.pipeline.latency import Latency
from emolens.pipeline.outputs import Layer, Outputs
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer
from emolens.rendering.blur import FaceBlur
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.reports.session_page import Speed, session_page
from emolens.sessions.session import Session, SessionSummary
from emolens.sessions.track_summary import TrackSummary
from emolens.storage.files import write_bytes

# A table of more people than this is no longer read.
_MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Look:
    """How frames are drawn.

    Attributes:
        model: Name or path of the emotion model, which also makes the heat maps.
        blur: Whether faces are made unrecognisable.
        heatmap: Whether heat maps are laid over them.
    """

    model: str
    blur: bool
    heatmap: bool

    def layers(self, analyzer: StreamAnalyzer, overlay: StreamOverlay) -> list[Layer]:
        """What is laid over a frame, the lowest first.

        Raises:
            ModelError: The model has no heat maps.
        """
        layers: list[Layer] = [FaceBlur()] if self.blur else []
        if self.heatmap:
            heat = HeatLayer(ActivationExplainer.load(self.model), analyzer.framing)
            heat.warm_up()
            layers.append(heat)
        return [*layers, overlay]


@contextlib.contextmanager
def stopping_on_signals(runner: StreamRunner) -> Iterator[Callable[[], bool]]:
    """Inside the block Ctrl-C and SIGTERM end a stream, so that files are completed.

    A second signal does what it does elsewhere. Nothing is raised from inside a model or a codec.

    Yields:
        Whether a signal came.
    """
    before: dict[int, object] = {}
    came = False

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal itself gave
        before.clear()

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        restore()
        runner.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, stop)
    try:
        yield lambda: came
    finally:
        restore()


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


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came out of a recording that was analysed.

    Attributes:
        session: What was seen.
        failures: What went wrong on the way, for people; empty if nothing did.
        remarks: What else is to be known about the source, for people.
        wall_s: How long it took in seconds.
        latencies: How long each stage took.
    """

    session: Session
    failures: list[str]
    remarks: list[str]
    wall_s: float
    latencies: dict[str, Latency]

    @property
    def speed(self) -> Speed:
        """What a page says about speed."""
        seconds = max(self.wall_s, 1e-9)
        return Speed(
            self.session.n_frames / seconds, self.session.duration_s / seconds, self.latencies
        )

    def __str__(self) -> str:
        rate = self.session.n_frames / max(self.wall_s, 1e-9)
        return (
            f"{self.session.n_frames} frames, {self.session.duration_s:.1f} s of video in "
            f"{self.wall_s:.1f} s ({rate:.0f} frames a second)"
        )


def run_recorded(
    source: FrameSource,
    analyzer: StreamAnalyzer,
    outputs: Outputs,
    summary: SessionSummary,
    *,
    quiet: bool,
) -> Recorded:
    """Analyse every frame of an open source and hand it to outputs, which are closed then.

    Args:
        source: Where frames come from; it is not closed.
        analyzer: What is done with them.
        outputs: Where results go, the summary among them.
        summary: Adds up what is seen.
        quiet: Whether to show no progress.
    """
    began_s = time.monotonic()
    runner = StreamRunner(lambda: _Kept(source), analyzer.step, is_live=False)
    ended_by: list[str] = []
    notes: list[str] = []
    with outputs, progress("frames", getattr(source, "n_expected", None), quiet=quiet) as done:
        ended_by = _take_all(runner, outputs, done, notes)
    remarks: list[str] = getattr(source, "remarks", [])
    # A source that makes no difference has remarks about what it could not read.
    damage: list[str] = getattr(source, "failures", remarks)
    return Recorded(
        summary.finish(),
        [*ended_by, *outputs.failures, *damage],
        [*notes, *(remark for remark in remarks if remark not in damage)],
        time.monotonic() - began_s,
        {**runner.status.latencies, **outputs.latencies},
    )


def _take_all(
    runner: StreamRunner, outputs: Outputs, done: Callable[[int], None], notes: list[str]
) -> list[str]:
    """Take all results; what ends them early is returned, since what came before is kept.

    The notes of the results are added to `notes`, each once.
    """
    n_frames = 0
    with runner, stopping_on_signals(runner) as was_asked:
        try:
            for result in runner:
                outputs.write(result.frame, result)
                notes += [note for note in result.notes if note not in notes]
                n_frames += 1
                done(n_frames)
                if outputs.is_exhausted:
                    return ["stopped, since nothing is left to write to"]
        except EmolensError as error:
            return [str(error)]
        if was_asked():
            return [f"stopped after {n_frames} frames; what was measured before is kept"]
    return []


class _Kept:
    """A source that a runner does not close, since its remarks are asked for afterwards."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Who opened the source closes it."""

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._source)


def try_report(path: Path, recorded: Recorded, *, source: str, model: str) -> list[str]:
    """Write the page of a recording; what went wrong is returned, since the rest is done."""
    page = session_page(
        recorded.session,
        title=Path(source).name or source,
        speed=recorded.speed,
        source=source,
        model=model,
        emolens_version=__version__,
    )
    try:
        write_bytes(path, page.encode("utf-8"))
    except OutputError as error:
        return [str(error)]
    return []


def show_session(session: Session) -> None:
    """Print one line per track, the longest visible first where there are many."""
    if not session.tracks:
        say("no face found")
        return
    shown = sorted(session.tracks, key=lambda track: -track.shown.visible_s)[:_MAX_SHOWN]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("track", justify="right")
    table.add_column("visible", no_wrap=True)
    table.add_column("from - to", no_wrap=True)
    table.add_column("apparent expressions", overflow="fold")
    for track in sorted(shown, key=lambda track: track.track_id):
        table.add_row(
            str(track.track_id),
            f"{track.shown.visible_s:.1f} s",
            f"{track.first_s:.1f} - {track.last_s:.1f} s",
            _shares(track),
        )
    stdout_console().print(table)
    n_more = session.n_tracks - len(shown)
    if n_more:
        say(f"and {n_more} more, visible for a shorter time")


def _shares(track: TrackSummary) -> str:
    labels: list[Emotion | None] = [*Emotion, None]
    parts = [(track.shown.share(label) or 0.0, label) for label in labels]
    named = sorted(
        ((share, label) for share, label in parts if share >= 0.005), key=lambda p: -p[0]
    )
    return ", ".join(
        f"{'uncertain' if label is None else label.label} {share:.0%}" for share, label in named
    )
