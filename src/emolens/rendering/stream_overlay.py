"""The overlay of a stream: labels, bars, a timeline of recent seconds and a status line."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion
from emolens.core.face import FaceResult
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box
from emolens.rendering.overlay import draw_on
from emolens.rendering.palette import ABSTAINED_RGB, EMOTION_RGB, text_rgb
from emolens.rendering.pen import Pen

# Length of the timeline and its maximum number of rows.
_WINDOW_S: Final = 10.0
_MAX_ROWS: Final = 4
# Shorter pauses between two frames do not interrupt a span.
_JOINED_S: Final = 0.6
# Bars of more faces would cover too much of the image.
_MAX_BARS: Final = 3


@dataclass(slots=True)
class _Span:
    """A time span with a constant label."""

    emotion: Emotion | None
    from_s: float
    until_s: float


class StreamOverlay:
    """A layer that draws the results of one stream, including the recent labels of each face.

    Args:
        bars: Whether to draw probability bars.
        strip: Whether to draw the timeline at the lower edge.
        status: Returns a short text for the upper right corner, e.g. frames per second. The default
            is the media time.
    """

    def __init__(
        self,
        *,
        bars: bool = True,
        strip: bool = True,
        status: Callable[[FrameResult], str] | None = None,
    ) -> None:
        self._status = status or _time_text
        self._bars = bars
        self._strip = strip
        self._spans: dict[int, deque[_Span]] = {}

    def apply(self, image: npt.NDArray[np.uint8], result: FrameResult) -> npt.NDArray[np.uint8]:
        """Draw the next result.

        Args:
            image: uint8 (H, W, 3) BGR; not changed.
            result: The result of the frame.

        Returns:
            A new uint8 (H, W, 3) BGR image of the same size.
        """
        self._add_spans(result)
        pen = Pen(image)
        rows = self._rows(result.faces) if self._strip else []
        strip = _strip_box(pen, len(rows))
        draw_on(
            pen,
            result.faces,
            bars=self._bars and len(result.faces) <= _MAX_BARS,
            taken=[strip] if rows else [],
        )
        for row, face in enumerate(rows):
            self._draw_row(pen, strip, row, face, result.media_time_s)
        _draw_status(pen, self._status(result))
        return pen.to_bgr()

    def _add_spans(self, result: FrameResult) -> None:
        at_s = result.media_time_s
        for face in result.faces:
            if face.track_id is None:
                continue
            spans = self._spans.setdefault(face.track_id, deque())
            last = spans[-1] if spans else None
            is_joined = last is not None and 0 <= at_s - last.until_s <= _JOINED_S
            if last is not None and is_joined:
                last.until_s = at_s
            if last is None or not is_joined or last.emotion != face.label:
                spans.append(_Span(face.label, at_s, at_s))
        for track_id, spans in list(self._spans.items()):
            while spans and not 0 <= at_s - spans[0].until_s <= _WINDOW_S:
                spans.popleft()
            if not spans:
                del self._spans[track_id]

    def _rows(self, faces: Sequence[FaceResult]) -> list[FaceResult]:
        """Return the largest faces ordered by track id, so that rows keep their positions."""
        tracked = [face for face in faces if face.track_id is not None]
        return sorted(tracked[:_MAX_ROWS], key=lambda face: face.track_id or 0)

    def _draw_row(self, pen: Pen, strip: Box, row: int, face: FaceResult, now_s: float) -> None:
        track_id = face.track_id or 0
        height = _row_height(pen)
        top = strip.y_min + row * height
        chip = _chip_width(pen)
        pen.panel((strip.x_min, top, strip.x_max, top + height - 1))
        pen.chip((strip.x_min + 2, top + 2, strip.x_min + chip, top + height - 3), track_id)
        left = strip.x_min + chip + pen.line_px * 2
        per_s = (strip.x_max - pen.line_px * 2 - left) / _WINDOW_S
        for span in self._spans.get(track_id, ()):
            x_from = left + per_s * max(0.0, _WINDOW_S - (now_s - span.from_s))
            x_to = left + per_s * (_WINDOW_S - (now_s - span.until_s))
            color = ABSTAINED_RGB if span.emotion is None else EMOTION_RGB[span.emotion]
            pen.block((x_from, top + 3, max(x_to, x_from + 1), top + height - 4), color)
            name = "" if span.emotion is None else span.emotion.label
            if name and pen.width_of(name) < x_to - x_from - 2 * pen.line_px:
                middle = (x_from + 2 * pen.line_px, top + height / 2)
                pen.write(middle, name, color=text_rgb(color))


def _time_text(result: FrameResult) -> str:
    minutes, seconds = divmod(max(result.media_time_s, 0.0), 60)
    return f"{int(minutes):02d}:{seconds:04.1f}"


def _row_height(pen: Pen) -> int:
    return round(pen.text_px * 1.3)


def _chip_width(pen: Pen) -> float:
    return pen.text_px * 2.0


def _strip_box(pen: Pen, n_rows: int) -> Box:
    width, height = pen.size_wh
    return Box(0, max(0, height - n_rows * _row_height(pen)), width, height)


def _draw_status(pen: Pen, status: str) -> None:
    margin = pen.text_px * 0.4
    length = pen.width_of(status)
    height = pen.text_px * 1.4
    x_min = pen.size_wh[0] - length - 3 * margin
    pen.panel((x_min, margin, x_min + length + 2 * margin, margin + height), radius=height / 4)
    pen.write((x_min + margin, margin + height / 2), status)
