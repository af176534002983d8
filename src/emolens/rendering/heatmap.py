"""Heat maps on faces: one class large, or all seven classes side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.errors import InputError
from emolens.rendering.font import sized_font
from emolens.rendering.palette import EMOTION_RGB, PANEL_RGB, PANEL_TEXT_RGB, Color

Pixels = npt.NDArray[np.uint8]
Heat = npt.NDArray[np.float32]

# Viridis (van der Walt and Smith 2015): dark violet to green to yellow, perceptually uniform for
# any colour vision and in grey. Cividis is too, but its middle resembles the grey face below.
COLORMAP = cv2.COLORMAP_VIRIDIS
# Opacity of the colour without evidence and with maximum evidence. The face below is darkened, so
# that brightness shows evidence and not skin.
_OPACITY = (0.25, 0.65)
_FACE_BRIGHTNESS = 0.7

# (number of faces, tile side): tiles shrink for many faces, to limit the memory of the plot.
_TILE_PX = ((12, 168), (60, 112), (math.inf, 64))
_LARGE_PX = ((1, 560), (6, 336), (math.inf, 168))
_MAX_COLUMNS = 3
_MUTED_RGB: Color = (175, 175, 180)
_FRAME_RGB: Color = (245, 245, 245)
_PLAIN = "the face"


@dataclass(frozen=True, slots=True)
class HeatLegend:
    """The meaning of the colours of a plot.

    Attributes:
        text: What the colours show.
        low: The value of the darkest colour.
        high: The value of the lightest colour.
        note: A sentence below the scale, or "".
        flat_below: A heat map with a smaller maximum, 0 to 1, gets the caption `flat_text`.
        flat_text: Its caption, at most a few words.
    """

    text: str
    low: str = "none"
    high: str = "most"
    note: str = ""
    flat_below: float = 0.05
    flat_text: str = "hardly any evidence"

    def __str__(self) -> str:
        text = self.text[0].upper() + self.text[1:]
        return f"{text}, from {self.low} (dark) to {self.high} (light)"


_EVIDENCE = HeatLegend("evidence for the class")


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedFace:
    """One face with its heat maps, for a plot.

    Attributes:
        title: One line above the face.
        crop: uint8 (S, S, 3) BGR, with S at least 1.
        scores: Class probabilities of the face.
        heats: float32 (K, h, w) heat maps, 0 to 1; K is 7 for all classes, or 1 for one class.
    """

    title: str
    crop: Pixels
    scores: EmotionScores
    heats: Heat

    def __post_init__(self) -> None:
        if self.crop.dtype != np.uint8 or self.crop.ndim != 3 or self.crop.shape[2] != 3:
            raise InputError(
                f"crop is {self.crop.dtype} {self.crop.shape}; allowed: uint8 (S, S, 3) in BGR "
                "order"
            )
        if self.heats.ndim != 3 or len(self.heats) not in {1, N_EMOTIONS}:
            raise InputError(
                f"heats has the shape {self.heats.shape}; allowed: (1, h, w) or "
                f"({N_EMOTIONS}, h, w)"
            )


def draw_heat(crop: Pixels, heat: Heat, size_px: int) -> Pixels:
    """Overlay a heat map on a face.

    Args:
        crop: uint8 (S, S, 3) BGR; not changed.
        heat: float32 (h, w), 0 to 1, covering the whole crop.
        size_px: Side of the result in pixels.

    Returns:
        uint8 (size_px, size_px, 3) BGR: the face in grey under viridis, from dark violet (no
        evidence) to yellow (maximum). More evidence is always brighter.
    """
    _check_heat(heat)
    face = _resized(crop, size_px)
    gray = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY).astype(np.float32)[:, :, None]
    smooth = np.asarray(cv2.resize(heat.astype(np.float32), (size_px, size_px)), np.float32)
    colors = cv2.applyColorMap(_levels(smooth), COLORMAP).astype(np.float32)
    least, most = _OPACITY
    opacity = (least + (most - least) * smooth)[:, :, None]
    mixed = opacity * colors + (1 - opacity) * _FACE_BRIGHTNESS * gray
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def draw_all_classes(faces: Sequence[ExplainedFace], legend: HeatLegend = _EVIDENCE) -> Pixels:
    """Draw all seven classes side by side, one row per face, starting with the face itself.

    Args:
        faces: At least one face, each with seven heat maps on one scale.
        legend: The meaning of the colours.

    Returns:
        uint8 (H, W, 3) BGR.
    """
    _check_faces(faces, N_EMOTIONS)
    side = _side_for(len(faces), _TILE_PX)
    sheet = _Sheet(side, n_columns=1 + N_EMOTIONS, n_rows=len(faces), legend=legend)
    for row, face in enumerate(faces):
        sheet.title(row, 0, face.title)
        sheet.tile(row, 0, _resized(face.crop, sheet.side))
        sheet.caption(row, 0, _PLAIN, None)
        for emotion in Emotion:
            column, heat = 1 + emotion.index, face.heats[emotion.index]
            sheet.tile(row, column, draw_heat(face.crop, heat, sheet.side))
            if emotion is face.scores.top:
                sheet.frame(row, column)
            sheet.caption(row, column, emotion.label, _probability(face.scores, emotion))
            sheet.bar(row, column, emotion, face.scores[emotion])
            sheet.warning(row, column, _warning(heat, legend))
    sheet.draw_legend()
    return sheet.to_bgr()


def draw_one_class(
    faces: Sequence[ExplainedFace], emotion: Emotion, legend: HeatLegend = _EVIDENCE
) -> Pixels:
    """Draw one class, with one large image per face.

    Args:
        faces: At least one face, each with one heat map.
        emotion: The class of the heat maps.
        legend: The meaning of the colours.

    Returns:
        uint8 (H, W, 3) BGR.
    """
    _check_faces(faces, 1)
    n_columns = min(len(faces), _MAX_COLUMNS)
    side = _side_for(len(faces), _LARGE_PX)
    n_rows = math.ceil(len(faces) / n_columns)
    sheet = _Sheet(side, n_columns=n_columns, n_rows=n_rows, legend=legend)
    for index, face in enumerate(faces):
        row, column = divmod(index, n_columns)
        sheet.title(row, column, face.title)
        sheet.tile(row, column, draw_heat(face.crop, face.heats[0], side))
        sheet.caption(row, column, emotion.label, _probability(face.scores, emotion))
        sheet.bar(row, column, emotion, face.scores[emotion])
        sheet.warning(row, column, _warning(face.heats[0], legend))
    sheet.draw_legend()
    return sheet.to_bgr()


class _Sheet:
    """A dark sheet of square tiles in rows and columns. The tile side determines all sizes."""

    def __init__(self, side: int, *, n_columns: int, n_rows: int, legend: HeatLegend) -> None:
        self.side = side
        self._legend = legend
        self.text_px = min(max(round(side / 11), 11), 18)
        self.font = sized_font(self.text_px)
        self.line = round(self.text_px * 1.5)
        self.gap = max(8, side // 14)
        self.row_height = self.line + side + round(self.line * 1.7) + self.gap
        width = self.gap + n_columns * (side + self.gap)
        self._texts, self._notes = (
            self._wrapped(text, width - 2 * self.gap) for text in (legend.text, legend.note)
        )
        n_lines = len(self._texts) + 1 + len(self._notes)
        self._top_of_legend = self.gap + n_rows * self.row_height
        height = self._top_of_legend + n_lines * self.line + self.gap
        self.canvas = Image.new("RGB", (width, height), PANEL_RGB)
        self.draw = ImageDraw.Draw(self.canvas)

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Return the upper left corner (x, y) of a tile in pixels."""
        x = self.gap + column * (self.side + self.gap)
        return x, self.gap + row * self.row_height + self.line

    def title(self, row: int, column: int, text: str) -> None:
        """Write a line above a tile, truncated at the end of the sheet or at the next tile."""
        x, y = self.corner(row, column)
        room = self.canvas.width - x - self.gap if column == 0 and self._is_wide else self.side
        self._text((x, y - self.line / 2), self._fitting(text, room), PANEL_TEXT_RGB, "lm")

    def tile(self, row: int, column: int, image: Pixels) -> None:
        """Paste a uint8 (side, side, 3) BGR image."""
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        self.canvas.paste(Image.fromarray(rgb), self.corner(row, column))

    def frame(self, row: int, column: int) -> None:
        """Draw a light frame around the tile of the most probable class."""
        x, y = self.corner(row, column)
        width = max(2, self.side // 56)
        corners = (x - width, y - width, x + self.side + width - 1, y + self.side + width - 1)
        self.draw.rectangle(corners, outline=_FRAME_RGB, width=width)

    def caption(self, row: int, column: int, name: str, number: str | None) -> None:
        """Write the class at the left below a tile, and its probability at the right."""
        x, y = self.corner(row, column)
        middle = y + self.side + self.line * 0.65
        self._text((x, middle), name, PANEL_TEXT_RGB, "lm")
        if number is not None:
            self._text((x + self.side, middle), number, PANEL_TEXT_RGB, "rm")

    def bar(self, row: int, column: int, emotion: Emotion, probability: float) -> None:
        """Draw the probability as a bar in the class colour. The full tile width is 100 %."""
        x, y = self.corner(row, column)
        top = y + self.side + round(self.line * 1.25)
        thick = max(3, self.text_px // 4)
        self.draw.rectangle((x, top, x + self.side - 1, top + thick), fill=(60, 60, 66))
        end = x + max(round(probability * self.side), 1) - 1
        self.draw.rectangle((x, top, end, top + thick), fill=EMOTION_RGB[emotion])

    def warning(self, row: int, column: int, text: str) -> None:
        """Write a short text at the lower edge of a tile, if it fits."""
        if self.font.getlength(text) > self.side:
            return
        x, y = self.corner(row, column)
        center = (x + self.side / 2, y + self.side - self.line * 0.6)
        self._text(center, text, PANEL_TEXT_RGB, "mm", outlined=True)

    def draw_legend(self) -> None:
        """Draw the meaning of the colours below all rows: text, colour scale, note."""
        x, middle = float(self.gap), self._top_of_legend + self.line / 2
        for line in self._texts:
            self._text((x, middle), line, _MUTED_RGB, "lm")
            middle += self.line
        self._scale(x, middle)
        for line in self._notes:
            middle += self.line
            self._text((x, middle), line, _MUTED_RGB, "lm")

    def _scale(self, x: float, middle: float) -> None:
        """Draw the colour scale between its lowest and highest value."""
        length, thick = 6 * self.text_px, round(self.text_px * 0.8)
        low, high = f"{self._legend.low} ", f" {self._legend.high}"
        self._text((x, middle), low, _MUTED_RGB, "lm")
        x += self.font.getlength(low)
        levels = np.tile(np.linspace(0, 1, length, dtype=np.float32), (thick, 1))
        colors = np.asarray(cv2.applyColorMap(_levels(levels), COLORMAP), np.uint8)
        strip = Image.fromarray(np.ascontiguousarray(colors[:, :, ::-1]))
        self.canvas.paste(strip, (round(x), round(middle - thick / 2)))
        self._text((x + length, middle), high, _MUTED_RGB, "lm")

    def _wrapped(self, text: str, room: float) -> list[str]:
        """Break a text into lines that fit."""
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.font.getlength(longer) <= room:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def to_bgr(self) -> Pixels:
        """Return the sheet as uint8 (H, W, 3) BGR."""
        return np.ascontiguousarray(np.asarray(self.canvas)[:, :, ::-1])

    @property
    def _is_wide(self) -> bool:
        """Whether a row shows one face, so that its title may span all tiles."""
        return self.canvas.width > (1 + N_EMOTIONS) * self.side

    def _text(
        self,
        xy: tuple[float, float],
        text: str,
        color: Color,
        anchor: str,
        *,
        outlined: bool = False,
    ) -> None:
        outline = max(1, self.text_px // 8) if outlined else 0
        self.draw.text(
            xy, text, color, self.font, anchor, stroke_width=outline, stroke_fill=PANEL_RGB
        )

    def _fitting(self, text: str, room: float) -> str:
        if self.font.getlength(text) <= room:
            return text
        while text and self.font.getlength(f"{text}...") > room:
            text = text[:-1]
        return f"{text}..."


def _probability(scores: EmotionScores, emotion: Emotion) -> str:
    return f"{scores[emotion]:.0%}"


def _warning(heat: Heat, legend: HeatLegend) -> str:
    return legend.flat_text if float(heat.max()) < legend.flat_below else ""


def _side_for(n_faces: int, sides: Sequence[tuple[float, int]]) -> int:
    return next(side for limit, side in sides if n_faces <= limit)


def _levels(heat: Heat) -> Pixels:
    return np.asarray(np.rint(np.clip(heat, 0, 1) * 255), np.uint8)


def _resized(crop: Pixels, size_px: int) -> Pixels:
    is_shrinking = max(crop.shape[:2]) > size_px
    how = cv2.INTER_AREA if is_shrinking else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (size_px, size_px), interpolation=how), np.uint8)


def _check_heat(heat: Heat) -> None:
    if heat.ndim != 2 or heat.size == 0 or not (heat.min() >= 0 and heat.max() <= 1):
        raise InputError(
            f"heat has the shape {heat.shape}"
            + (f" and values {heat.min():.3g} to {heat.max():.3g}" if heat.size else "")
            + "; allowed: (h, w) with values 0 to 1"
        )


def _check_faces(faces: Sequence[ExplainedFace], n_heats: int) -> None:
    if not faces:
        raise InputError("faces is empty; allowed: at least one face")
    for face in faces:
        if len(face.heats) != n_heats:
            raise InputError(
                f"face {face.title!r} has {len(face.heats)} heat maps; this plot needs {n_heats}"
            )
