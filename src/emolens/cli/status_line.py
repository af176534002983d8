"""The status line of a live stream on the terminal."""

import time
from typing import Final, Self

from rich.live import Live
from rich.text import Text

from emolens.cli.terminal import stderr_console
from emolens.core.frame import FrameResult
from emolens.rendering.wording import label_text

# Faster updates flicker.
_STATUS_EVERY_S: Final = 0.25


class StatusLine:
    """One line with the speed and the current faces, on an interactive terminal only."""

    def __init__(self, *, is_shown: bool) -> None:
        console = stderr_console()
        is_live = is_shown and console.is_terminal
        self._live = Live(console=console, transient=True, auto_refresh=False) if is_live else None
        self._next_s = 0.0
        self._n_dropped = 0

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, result: FrameResult, speed: str) -> None:
        """Update the line with a result, at most four times a second."""
        self._n_dropped += result.dropped_before
        now_s = time.monotonic()
        if self._live is None or now_s < self._next_s:
            return
        self._next_s = now_s + _STATUS_EVERY_S
        faces = ", ".join(f"{face.track_id}: {label_text(face)}" for face in result.faces)
        dropped = f" · {self._n_dropped} dropped" if self._n_dropped else ""
        self._live.update(Text(f"{speed}{dropped} · {faces or 'no face'}"), refresh=True)
