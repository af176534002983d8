"""Boxes, tags and probability bars on an image."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.rendering.bars import BarsLayout
from emolens.rendering.pen import Pen
from emolens.rendering.tag_layout import TagLayout, TagStyle
from emolens.rendering.tags import TagForm
from emolens.rendering.wording import label_rgb


def check_style(style: str) -> None:
    """Check the name of a style of tags.

    Raises:
        ConfigError: The style is unknown.
    """
    TagStyle.of(style)


def draw_faces(
    image: npt.NDArray[np.uint8],
    faces: Sequence[FaceResult],
    *,
    bars: bool = True,
    style: str = "auto",
    numbers: bool = True,
) -> npt.NDArray[np.uint8]:
    """Draw the box and tag of every face, and one bar per class next to large faces.

    No tag and no bar covers a face or another tag. Where there is no room for all, tags become
    shorter: expression and probability, expression, two letters and a number with a legend at an
    edge, a number, a coloured box.

    Args:
        image: uint8 (H, W, 3) BGR; not changed.
        faces: Faces to draw.
        bars: Whether to draw probability bars where they fit.
        style: "auto", or the longest form: "full" (expression and probability), "compact"
            (expression) or "color" (coloured boxes and a legend).
        numbers: Whether to draw the number of each face, from 1 in the order of `faces`, if there
            are several. The number of a track is always drawn.

    Returns:
        A new uint8 (H, W, 3) BGR image of the same size.

    Raises:
        ConfigError: The style is unknown.
    """
    drawing = FaceDrawing(bars=bars, style=TagStyle.of(style), numbers=numbers)
    if not faces:
        return image.copy()
    pen = Pen(image)
    drawing.draw(pen, faces)
    return pen.to_bgr()


class FaceDrawing:
    """The boxes, tags and bars of one image or stream.

    Args:
        bars: Whether to draw probability bars where they fit.
        style: The style of the tags.
        numbers: Whether to number faces without a track.
        max_bars: Maximum number of faces in an image with bars, or None.
    """

    def __init__(
        self,
        *,
        bars: bool = True,
        style: TagStyle = TagStyle.AUTO,
        numbers: bool = False,
        max_bars: int | None = None,
    ) -> None:
        self._tags = TagLayout(style, has_numbers=numbers)
        self._bars = BarsLayout(is_for_all=style is TagStyle.AUTO) if bars else None
        self._max_bars = max_bars

    def draw(
        self,
        pen: Pen,
        faces: Sequence[FaceResult],
        *,
        obstacles: Sequence[Box] = (),
        now_s: float = 0.0,
    ) -> None:
        """Draw the faces of the next frame.

        Args:
            pen: The pen.
            faces: Faces to draw.
            obstacles: Regions that tags and bars must not cover, in addition to the faces.
            now_s: Time of the frame in seconds.
        """
        for face in faces:
            pen.frame(face.box, label_rgb(face.label), is_dashed=face.label is None)
        plan = self._tags.plan(pen, faces, obstacles, now_s)
        has_room = self._max_bars is None or len(faces) <= self._max_bars
        if self._bars is not None and has_room and plan.form is TagForm.FULL:
            boxes = [face.box for face in faces]
            self._bars.draw(pen, faces, [*obstacles, *boxes, *plan.regions], now_s)
        plan.draw(pen)
