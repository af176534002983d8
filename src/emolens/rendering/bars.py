"""Panels with one probability bar per class, beside faces."""

import math
from collections.abc import Sequence
from typing import Final

from emolens.core.emotion import LABELS, Emotion, EmotionScores
from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.rendering.holds import Holds
from emolens.rendering.palette import EMOTION_RGB
from emolens.rendering.pen import Pen, inclusive
from emolens.rendering.placement import Anchor, Place, SizeWH, Spot, Wish, place_tags

# Minimum face height for bars, in text heights. Smaller faces get a tag only.
_BARS_FROM: Final = 5.5
_ROW: Final = 1.25
_SPOTS: Final = (Spot.RIGHT, Spot.LEFT, Spot.BELOW, Spot.ABOVE)
_NO_ROOM: Final = "no room"


class BarsLayout:
    """The panels of the faces of one image or stream.

    Args:
        is_for_all: Whether panels are drawn only if every large face gets one.
    """

    def __init__(self, *, is_for_all: bool) -> None:
        self._is_for_all = is_for_all
        self._anchors: Holds[int, Anchor] = Holds()
        self._lacks: Holds[str, bool] = Holds()

    def draw(
        self, pen: Pen, faces: Sequence[FaceResult], obstacles: Sequence[Box], now_s: float
    ) -> None:
        """Draw the panels that fit.

        Args:
            pen: The pen.
            faces: The faces; small ones get no panel.
            obstacles: Regions to leave free, including the boxes of all faces.
            now_s: Time of the frame in seconds.
        """
        large = [face for face in faces if face.box.height >= _BARS_FROM * pen.text_px]
        wishes = [
            Wish(
                face.box,
                (_panel_wh(pen),),
                _SPOTS,
                None if face.track_id is None else self._anchors.get(face.track_id, now_s),
                2 * pen.line_px,
            )
            for face in large
        ]
        places = place_tags(wishes, pen.size_wh, obstacles=obstacles)
        has_gaps = self._is_for_all and None in places
        # A panel that was left out for lack of room stays away for a moment.
        has_waiting = self._lacks.get(_NO_ROOM, now_s)
        if has_gaps or not has_waiting:
            self._lacks.renew({_NO_ROOM: True} if has_gaps else {}, now_s)
        if has_gaps or has_waiting:
            return
        self._remember(large, places, now_s)
        for face, place in zip(large, places, strict=True):
            if place is not None:
                _draw_panel(pen, place.region, face.scores)

    def _remember(
        self, faces: Sequence[FaceResult], places: Sequence[Place | None], now_s: float
    ) -> None:
        anchors = {
            face.track_id: place.anchor
            for face, place in zip(faces, places, strict=True)
            if face.track_id is not None and place is not None
        }
        self._anchors.renew(anchors, now_s)


def _panel_wh(pen: Pen) -> SizeWH:
    row = pen.small_px * _ROW
    return math.ceil(_names_width(pen) + 8.5 * row), math.ceil(row * (len(LABELS) + 0.6))


def _names_width(pen: Pen) -> float:
    return max(pen.width_of(f"{label} ") for label in LABELS)


def _draw_panel(pen: Pen, panel: Box, scores: EmotionScores) -> None:
    row = pen.small_px * _ROW
    pen.panel(inclusive(panel), radius=row / 3)
    left = panel.x_min + row / 2
    start = left + _names_width(pen)
    longest = panel.x_max - start - 3.2 * row
    for index, emotion in enumerate(Emotion):
        middle = panel.y_min + row * (index + 0.8)
        probability = scores[emotion]
        length = max(probability * longest, 1)
        bar = (start, middle - row * 0.3, start + length, middle + row * 0.3)
        pen.block(bar, EMOTION_RGB[emotion])
        pen.write((left, middle), emotion.label)
        pen.write((start + length + row * 0.3, middle), f"{probability:.0%}")
