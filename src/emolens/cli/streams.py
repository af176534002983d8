"""What `video` and `live` share: outputs, layers, what is said at the end, how they are stopped."""

import contextlib
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.table import Table

from emolens import __version__
from emolens.cli.terminal import say, stdout_console
from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError, OutputError
from emolens.core.ports import FrameSource
from emolens.evaluation.person import Person
from emolens.evaluation.session import Session
from emolens.evaluation.session_page import Speed, session_page
from emolens.explanation.activation import ActivationExplainer
from emolens.explanation.heat_layer import HeatLayer
from emolens.media.files import write_bytes
from emolens.pipeline.latency import Latency
from emolens.pipeline.outputs import Layer
from emolens.pipeline.stream import StreamAnalyzer
from emolens.rendering.blur import FaceBlur
from emolens.rendering.stream_overlay import StreamOverlay

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


class StoppedError(Exception):
    """Somebody asked the process to end."""


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Inside the block Ctrl-C and SIGTERM raise `StoppedError`, so that files are completed."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise StoppedError

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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


def remarks_of(source: FrameSource) -> list[str]:
    """What was damaged or missing in a source."""
    found: list[str] = getattr(source, "remarks", [])
    return list(found)


def speed_of(session: Session, wall_s: float, latencies: Mapping[str, Latency]) -> Speed:
    """What the page says about speed, given how long all of it took."""
    seconds = max(wall_s, 1e-9)
    return Speed(session.n_frames / seconds, session.duration_s / seconds, latencies)


def try_report(path: Path, session: Session, *, source: str, model: str, speed: Speed) -> list[str]:
    """Write the page of a session; what went wrong is returned, since the rest is done."""
    page = session_page(
        session,
        title=Path(source).name or source,
        speed=speed,
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
    """Print one line per person, the longest visible first where there are many."""
    if not session.persons:
        say("no face found")
        return
    shown = sorted(session.persons, key=lambda person: -person.shown.visible_s)[:_MAX_SHOWN]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("person", justify="right")
    table.add_column("visible", no_wrap=True)
    table.add_column("from - to", no_wrap=True)
    table.add_column("apparent expressions", overflow="fold")
    for person in sorted(shown, key=lambda person: person.track_id):
        table.add_row(
            str(person.track_id),
            f"{person.shown.visible_s:.1f} s",
            f"{person.first_s:.1f} - {person.last_s:.1f} s",
            _shares(person),
        )
    stdout_console().print(table)
    n_more = session.n_persons - len(shown)
    if n_more:
        say(f"and {n_more} more, visible for a shorter time")


def _shares(person: Person) -> str:
    labels: list[Emotion | None] = [*Emotion, None]
    parts = [(person.shown.share(label) or 0.0, label) for label in labels]
    named = sorted(
        ((share, label) for share, label in parts if share >= 0.005), key=lambda p: -p[0]
    )
    return ", ".join(
        f"{'uncertain' if label is None else label.label} {share:.0%}" for share, label in named
    )
