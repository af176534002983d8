"""Boxes, labels and probability bars on an image."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.rendering.palette import ABSTAINED_RGB, EMOTION_RGB, Color
from emolens.rendering.pen import Pen


def draw_faces(
    image: npt.NDArray[np.uint8], faces: Sequence[FaceResult], *, bars: bool = True
) -> npt.NDArray[np.uint8]:
    """Draw the box and label of every face, and one bar per class next to large faces.

    Args:
        image: uint8 (H, W, 3) BGR; not changed.
        faces: Faces to draw.
        bars: Whether to draw probability bars where they fit.

    Returns:
        A new uint8 (H, W, 3) BGR image of the same size.
    """
    if not faces:
        return image.copy()
    pen = Pen(image)
    draw_on(pen, faces, bars=bars)
    return pen.to_bgr()


def draw_on(
    pen: Pen, faces: Sequence[FaceResult], *, bars: bool, taken: Sequence[Box] = ()
) -> None:
    """Draw faces with a shared pen.

    Args:
        pen: The pen.
        faces: Faces to draw.
        bars: Whether to draw probability bars where they fit.
        taken: Regions that bars must not cover, in addition to the faces.
    """
    for face in faces:
        pen.box(face.box, face_color(face))
    # Draw panels and labels last, so that no other box crosses them.
    occupied = [*taken, *(face.box for face in faces)]
    if bars:
        for face in faces:
            pen.bars(face.box, face.scores, occupied)
    for face in faces:
        pen.label(face.box, label_text(face), face_color(face), face.track_id)


def label_text(face: FaceResult) -> str:
    """Return the label text: the class with its probability, or "uncertain" with reasons."""
    if face.label is not None:
        # Hysteresis may keep a label that is no longer the most probable class.
        return f"{face.label.label} {face.scores[face.label]:.0%}"
    reasons = ", ".join(reason.value.replace("_", " ") for reason in face.reasons)
    return f"uncertain ({reasons})" if reasons else "uncertain"


def face_color(face: FaceResult) -> Color:
    """Return the RGB colour of a face's label, or grey if emolens abstains."""
    return ABSTAINED_RGB if face.label is None else EMOTION_RGB[face.label]
