"""Tags of faces: number and apparent expression, in forms of different length."""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from emolens.core.emotion import Emotion
from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.rendering.palette import (
    ABSTAINED_RGB,
    PANEL_RGB,
    PANEL_TEXT_RGB,
    Color,
    text_rgb,
    track_rgb,
)
from emolens.rendering.pen import Pen, inclusive
from emolens.rendering.placement import SizeWH
from emolens.rendering.wording import label_code, label_rgb, label_text, label_word

# Text height as a share of the longer side of the face, at most the text height of the image and
# at least this share of it.
_TEXT_PART: Final = 0.2
_SMALLEST_PART: Final = 0.5
_SMALLEST_PX: Final = 11
# Few sizes of text keep the cache of rendered lines small.
_SIZES_PER_OCTAVE: Final = 2
# A size stays until it differs by this factor from the wanted size.
_SIZE_SLACK: Final = 1.3
# The reasons of an abstention are omitted if the tag would be wider than so many face sides.
_REASONS_MAX_SIDES: Final = 2.0
_HEIGHT: Final = 1.45
_MARGIN: Final = 0.35
_NUMBER_PART: Final = 0.85


class TagForm(IntEnum):
    """The forms of a tag, longest first."""

    FULL = 0
    WORD = 1
    CODE = 2
    NUMBER = 3
    NONE = 4


@dataclass(frozen=True, slots=True)
class Tag:
    """The content of one tag.

    Attributes:
        label: The label to show.
        number: The number of the face or track, or None.
        is_track: Whether the number is the number of a track.
        text_px: Size of the font in pixels.
        texts: The text beside the number of each form, longest first.
    """

    label: Emotion | None
    number: int | None
    is_track: bool
    text_px: int
    texts: tuple[str, ...]

    @classmethod
    def of_face(cls, pen: Pen, face: FaceResult, number: int | None, text_px: int) -> "Tag":
        """Create the tag of a face.

        Args:
            pen: The pen.
            face: The face.
            number: The number to show for a face without a track, or None.
            text_px: Size of the font in pixels.
        """
        is_track = face.track_id is not None
        number = face.track_id if is_track else number
        texts = [label_text(face), label_word(face.label), label_code(face.label)]
        if number is not None:
            texts.append("")
        tag = cls(face.label, number, is_track, text_px, tuple(texts))
        side = max(face.box.width, face.box.height)
        if face.label is not None or tag.width(pen, TagForm.FULL) <= _REASONS_MAX_SIDES * side:
            return tag
        return cls(face.label, number, is_track, text_px, (texts[1], *texts[1:]))

    def sizes_wh(self, pen: Pen) -> tuple[SizeWH, ...]:
        """Return (width, height) of each form in pixels; no number, no form of a number only."""
        return tuple((self.width(pen, form), self.height) for form in range(len(self.texts)))

    @property
    def height(self) -> int:
        """The height in pixels."""
        return math.ceil(self.text_px * _HEIGHT)

    def width(self, pen: Pen, form: int) -> int:
        """Return the width of a form in pixels."""
        text = self.texts[form]
        beside = pen.width_of(text, px=self.text_px) + 2 * self._margin if text else 0.0
        return math.ceil(self._chip_width(pen) + beside)

    def draw(self, pen: Pen, region: Box, form: int) -> None:
        """Draw a form into its region."""
        color = PANEL_RGB if self.label is None else label_rgb(self.label)
        radius = self.height / 5
        pen.block(inclusive(region), color, radius=radius)
        self._draw_number(pen, region, color, has_chip=bool(self.texts[form]))
        if self.label is None:
            pen.outline(region, ABSTAINED_RGB, radius=radius)
        ink = PANEL_TEXT_RGB if self.label is None else text_rgb(color)
        left = region.x_min + self._chip_width(pen) + self._margin
        pen.write((left, region.center_xy[1]), self.texts[form], color=ink, px=self.text_px)

    def _draw_number(self, pen: Pen, region: Box, color: Color, *, has_chip: bool) -> None:
        """Draw the number on a chip of its own or, alone, on the colour of the label."""
        if self.number is None:
            return
        chip = self._chip_width(pen)
        if has_chip:
            color = track_rgb(self.number) if self.is_track else PANEL_RGB
            corners = (region.x_min + 1, region.y_min + 1, region.x_min + chip, region.y_max - 2)
            pen.block(corners, color, radius=self.height / 5)
        middle = (region.x_min + chip / 2, region.center_xy[1])
        ink = text_rgb(color)
        pen.write(middle, str(self.number), color=ink, px=self._number_px, is_centered=True)

    @property
    def _margin(self) -> float:
        return self.text_px * _MARGIN

    @property
    def _number_px(self) -> int:
        return max(_SMALLEST_PX, round(self.text_px * _NUMBER_PART))

    def _chip_width(self, pen: Pen) -> float:
        if self.number is None:
            return 0.0
        width = pen.width_of(str(self.number), px=self._number_px)
        return max(width + 2 * self._margin, self.height)


def tag_text_px(image_text_px: int, box: Box, last_px: int | None = None) -> int:
    """Return the text height for the tag of a face in pixels.

    Args:
        image_text_px: Text height for the whole image in pixels.
        box: Box of the face.
        last_px: Text height in the last frame, kept if it still suits, or None.
    """
    smallest = max(_SMALLEST_PX, round(image_text_px * _SMALLEST_PART))
    wanted = min(image_text_px, _TEXT_PART * max(box.width, box.height))
    if wanted <= smallest:
        return smallest
    is_suitable = last_px and 1 / _SIZE_SLACK <= last_px / wanted <= _SIZE_SLACK
    if last_px and is_suitable and smallest <= last_px <= image_text_px:
        return last_px
    step = round(_SIZES_PER_OCTAVE * math.log2(image_text_px / wanted))
    return max(smallest, round(image_text_px * 2 ** (-step / _SIZES_PER_OCTAVE)))
