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
from emolens.rendering.holds import Holds
from emolens.rendering.overlay import FaceDrawing
from emolens.rendering.palette import ABSTAINED_RGB, EMOTION_RGB, text_rgb, track_rgb
from emolens.rendering.pen import Corners, Pen
from emolens.rendering.status import StatusCorner
from emolens.rendering.tag_layout import TagStyle

# Length of the timeline, its maximum number of rows and its maximum share of the image's height.
_WINDOW_S: Final = 10.0
_MAX_ROWS: Final = 4
_MAX_STRIP_PART: Final = 1 / 6
_ROWS: Final = "rows"
# Shorter pauses between two frames do not interrupt a span.
_JOINED_S: Final = 0.6
# Bars of more faces would cover too much of the image.
_MAX_BARS: Final = 3
_CUT_RGB: Final = (255, 255, 255)


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
        status: Returns a short text for a corner, e.g. frames per second. The default is the media
            time.
        style: The style of the tags, see `draw_faces`.

    Raises:
        ConfigError: The style is unknown.
    """

    def __init__(
        self,
        *,
        bars: bool = True,
        strip: bool = True,
        status: Callable[[FrameResult], str] | None = None,
        style: str = "auto",
    ) -> None:
        self._status = status or _time_text
        self._corner = StatusCorner()
        self._faces = FaceDrawing(bars=bars, style=TagStyle.of(style), max_bars=_MAX_BARS)
        self._strip = strip
        self._most_rows: Holds[str, int] = Holds()
        self._spans: dict[int, deque[_Span]] = {}
        self._shot: int | None = None
        self._cuts_s: deque[float] = deque()

    def apply(self, image: npt.NDArray[np.uint8], result: FrameResult) -> npt.NDArray[np.uint8]:
        """Draw the next result.

        Args:
            image: uint8 (H, W, 3) BGR; not changed.
            result: The result of the frame.

        Returns:
            A new uint8 (H, W, 3) BGR image of the same size.
        """
        self._add_spans(result)
        self._add_cut(result)
        pen = Pen(image)
        boxes = [face.box for face in result.faces]
        rows = self._rows(result.faces, self._n_rows(pen, boxes, result.media_time_s))
        strip = _strip_box(pen, len(rows))
        status = self._corner.plan(pen, self._status(result), [strip, *boxes])
        obstacles = [strip, status.region] if status else [strip]
        self._faces.draw(pen, result.faces, obstacles=obstacles, now_s=result.media_time_s)
        for row, face in enumerate(rows):
            self._draw_row(pen, strip, row, face, result.media_time_s)
        if status:
            status.draw(pen)
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

    def _add_cut(self, result: FrameResult) -> None:
        at_s = result.media_time_s
        if self._shot not in {None, result.shot}:
            self._cuts_s.append(at_s)
        self._shot = result.shot
        while self._cuts_s and not 0 <= at_s - self._cuts_s[0] <= _WINDOW_S:
            self._cuts_s.popleft()

    def _n_rows(self, pen: Pen, boxes: Sequence[Box], now_s: float) -> int:
        """Return the number of rows that are low enough and cover no face."""
        if not self._strip:
            return 0
        height = pen.size_wh[1]
        free = height - max((box.clip(pen.size_wh).y_max for box in boxes), default=0.0)
        room = min(free, height * _MAX_STRIP_PART)
        n_rows = min(int(room / _row_height(pen)), _MAX_ROWS)
        # Rows that were covered by a face return when none was covered for a moment.
        held = self._most_rows.get(_ROWS, now_s)
        if held is not None and n_rows > held:
            return held
        self._most_rows.restart({_ROWS: n_rows}, now_s)
        return n_rows

    def _rows(self, faces: Sequence[FaceResult], n_rows: int) -> list[FaceResult]:
        """Return the largest faces ordered by track id, so that rows keep their positions."""
        tracked = [face for face in faces if face.track_id is not None]
        return sorted(tracked[:n_rows], key=lambda face: face.track_id or 0)

    def _draw_row(self, pen: Pen, strip: Box, row: int, face: FaceResult, now_s: float) -> None:
        track_id = face.track_id or 0
        height = _row_height(pen)
        top = strip.y_min + row * height
        chip = _chip_width(pen)
        pen.panel((strip.x_min, top, strip.x_max, top + height - 1))
        _draw_chip(pen, (strip.x_min + 2, top + 2, strip.x_min + chip, top + height - 3), track_id)
        # Low rows keep their height for the text.
        edge = max(1, round(height / 10))
        left = strip.x_min + chip + pen.line_px * 2
        per_s = (strip.x_max - pen.line_px * 2 - left) / _WINDOW_S
        for span in self._spans.get(track_id, ()):
            x_from = left + per_s * max(0.0, _WINDOW_S - (now_s - span.from_s))
            x_to = left + per_s * (_WINDOW_S - (now_s - span.until_s))
            corners = (x_from, top + edge, max(x_to, x_from + 1), top + height - 1 - edge)
            if span.emotion is None:
                pen.hatch(corners, ABSTAINED_RGB)
                continue
            color, name = EMOTION_RGB[span.emotion], span.emotion.label
            pen.block(corners, color)
            if pen.width_of(name) < x_to - x_from - 2 * pen.line_px:
                middle = (x_from + 2 * pen.line_px, top + height / 2)
                pen.write(middle, name, color=text_rgb(color))
        for cut_s in self._cuts_s:
            x = left + per_s * (_WINDOW_S - (now_s - cut_s))
            pen.block((x - pen.line_px, top, x, top + height - 1), _CUT_RGB)


def _time_text(result: FrameResult) -> str:
    minutes, seconds = divmod(max(result.media_time_s, 0.0), 60)
    return f"{int(minutes):02d}:{seconds:04.1f}"


def _row_height(pen: Pen) -> int:
    return round(pen.text_px * 1.3)


def _chip_width(pen: Pen) -> float:
    return pen.text_px * 2.0


def _strip_box(pen: Pen, n_rows: int) -> Box:
    width, height = pen.size_wh
    return Box(0, height - n_rows * _row_height(pen), width, height)


def _draw_chip(pen: Pen, corners: Corners, track_id: int) -> None:
    """Draw a track number on its colour, as on the tag of its face."""
    x_min, y_min, x_max, y_max = corners
    color = track_rgb(track_id)
    pen.block(corners, color, radius=(y_max - y_min) / 5)
    middle = (x_min + x_max) / 2, (y_min + y_max) / 2
    pen.write(middle, str(track_id), color=text_rgb(color), is_centered=True)
