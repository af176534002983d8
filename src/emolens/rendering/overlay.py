"""Boxes, labels and probability bars on a picture."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.rendering.font import sized_font
from emolens.rendering.palette import (
    ABSTAINED_RGB,
    EMOTION_RGB,
    PANEL_RGB,
    PANEL_TEXT_RGB,
    Color,
    text_rgb,
)

# Text is this part of the picture's shorter side, within limits that stay legible and modest.
_TEXT_PART = 1 / 32
_TEXT_PX = (11, 64)
# Bars are drawn beside faces at least this many text heights tall; smaller faces get a label only.
_BARS_FROM = 5.5
_BAR_ROW = 1.25
_PANEL_OPACITY = 200

_Corners = tuple[float, float, float, float]


def draw_faces(
    image: npt.NDArray[np.uint8], faces: Sequence[FaceResult], *, bars: bool = True
) -> npt.NDArray[np.uint8]:
    """Draw every face's box and label, and beside large faces a bar per class.

    Args:
        image: uint8 (H, W, 3) BGR; not changed.
        faces: What to draw.
        bars: Whether to draw probability bars where there is room for them.

    Returns:
        A new uint8 (H, W, 3) BGR picture of the same size.
    """
    if not faces:
        return image.copy()
    canvas = Image.fromarray(np.ascontiguousarray(image[:, :, ::-1]))
    pen = _Pen(canvas)
    for face in faces:
        pen.box(face.box, _face_color(face))
    # Panels and labels come last, so no box of a neighbour crosses them.
    taken: list[Box] = [face.box for face in faces]
    if bars:
        for face in faces:
            pen.bars(face, taken)
    for face in faces:
        pen.label(face)
    return np.ascontiguousarray(np.asarray(canvas)[:, :, ::-1])


def label_text(face: FaceResult) -> str:
    """What the label says: the class and its probability, or that emolens abstains."""
    if face.label is not None:
        return f"{face.label.label} {face.confidence:.0%}"
    reasons = ", ".join(reason.value.replace("_", " ") for reason in face.quality.reasons)
    return f"uncertain ({reasons})" if reasons else "uncertain"


class _Pen:
    """Draws on one picture with sizes that follow from it."""

    def __init__(self, canvas: Image.Image) -> None:
        self.canvas = canvas
        self.draw = ImageDraw.Draw(canvas, "RGBA")
        shorter = min(canvas.size)
        self.text_px = round(min(max(shorter * _TEXT_PART, _TEXT_PX[0]), _TEXT_PX[1]))
        self.line_px = max(1, round(self.text_px / 7))
        self.font = sized_font(self.text_px)
        self.small_font = sized_font(max(_TEXT_PX[0], round(self.text_px * 0.8)))

    def box(self, box: Box, color: Color) -> None:
        """A rounded frame with a dark outline, visible on light and dark ground."""
        radius = min(box.width, box.height) / 12
        outer = self._corners(box.pad(0), grow=self.line_px / 2)
        self.draw.rounded_rectangle(outer, radius, outline=(0, 0, 0, 160), width=2 * self.line_px)
        self.draw.rounded_rectangle(
            self._corners(box), radius, outline=(*color, 255), width=self.line_px
        )

    def label(self, face: FaceResult) -> None:
        """A filled tag above the box, or inside its top where there is no room above."""
        text = label_text(face)
        margin = self.text_px * 0.35
        width = self.font.getlength(text) + 2 * margin
        height = self.text_px * 1.5
        x = min(max(face.box.x_min, 0), max(self.canvas.width - width, 0))
        above = face.box.y_min - height - self.line_px
        y = above if above >= 0 else max(face.box.y_min, 0)
        color = _face_color(face)
        self.draw.rounded_rectangle((x, y, x + width, y + height), height / 5, fill=(*color, 255))
        self.draw.text(
            (x + margin, y + height / 2), text, fill=text_rgb(color), font=self.font, anchor="lm"
        )

    def bars(self, face: FaceResult, taken: list[Box]) -> None:
        """A panel with one bar per class, beside the box and away from other faces and panels."""
        row = self.small_font.size * _BAR_ROW
        names_width = max(self.small_font.getlength(f"{e.label} ") for e in Emotion)
        size_wh = (names_width + 8.5 * row, row * (len(Emotion) + 0.6))
        if face.box.height < _BARS_FROM * self.text_px:
            return
        panel = self._free_place(face.box, size_wh, taken)
        if panel is None:
            return
        taken.append(panel)
        self.draw.rounded_rectangle(
            self._corners(panel), row / 3, fill=(*PANEL_RGB, _PANEL_OPACITY)
        )
        self._bar_rows(panel, face.scores, row, names_width)

    def _bar_rows(self, panel: Box, scores: EmotionScores, row: float, names_width: float) -> None:
        left = panel.x_min + row / 2
        start = left + names_width
        longest = panel.x_max - start - 3.2 * row
        for index, emotion in enumerate(Emotion):
            middle = panel.y_min + row * (index + 0.8)
            probability = float(scores.probabilities[emotion])
            length = max(probability * longest, 1)
            bar = (start, middle - row * 0.3, start + length, middle + row * 0.3)
            self.draw.rectangle(bar, fill=(*EMOTION_RGB[emotion], 255))
            texts = ((left, emotion.label), (start + length + row * 0.3, f"{probability:.0%}"))
            for x, text in texts:
                self.draw.text(
                    (x, middle), text, fill=PANEL_TEXT_RGB, font=self.small_font, anchor="lm"
                )

    def _free_place(
        self, box: Box, size_wh: tuple[float, float], taken: Sequence[Box]
    ) -> Box | None:
        """Right of the box, left of it, or below it: the first place inside and free."""
        width, height = size_wh
        gap = 2 * self.line_px
        y = min(max(box.y_min, 0), max(self.canvas.height - height, 0))
        x = min(max(box.x_min, 0), max(self.canvas.width - width, 0))
        corners = (
            (box.x_max + gap, y),
            (box.x_min - gap - width, y),
            (x, box.y_max + gap),
        )
        for left, top in corners:
            place = Box(left, top, left + width, top + height)
            inside = place.clip(self.canvas.size) == place
            if inside and all(place.iou(other) == 0 for other in taken):
                return place
        return None

    @staticmethod
    def _corners(box: Box, grow: float = 0.0) -> _Corners:
        # Pillow's corners are pixel indices, the last one included.
        x_min, y_min = math.floor(box.x_min - grow), math.floor(box.y_min - grow)
        x_max, y_max = math.ceil(box.x_max + grow) - 1, math.ceil(box.y_max + grow) - 1
        return x_min, y_min, max(x_max, x_min), max(y_max, y_min)


def _face_color(face: FaceResult) -> Color:
    return ABSTAINED_RGB if face.label is None else EMOTION_RGB[face.label]
