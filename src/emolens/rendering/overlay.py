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
    """Draw every face's box and label, and beside large faces a bar per class.

    Args:
        image: uint8 (H, W, 3) BGR; not changed.
        faces: What to draw.
        bars: Whether to draw probability bars where there is room for them.

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
    """Draw faces with a pen that others use too.

    Args:
        pen: What to draw with.
        faces: What to draw.
        bars: Whether to draw probability bars where there is room for them.
        taken: Places that bars keep away from, besides the faces themselves.
    """
    for face in faces:
        pen.box(face.box, face_color(face))
    # Panels and labels come last, so no box of a neighbour crosses them.
    occupied = [*taken, *(face.box for face in faces)]
    if bars:
        for face in faces:
            pen.bars(face.box, face.scores, occupied)
    for face in faces:
        pen.label(face.box, label_text(face), face_color(face), face.track_id)


def label_text(face: FaceResult) -> str:
    """What the label says: the class and its probability, or that emolens abstains."""
    if face.label is not None:
        # A label that is kept for calm may not be the most probable class any more.
        return f"{face.label.label} {face.scores.probabilities[face.label]:.0%}"
    reasons = ", ".join(reason.value.replace("_", " ") for reason in face.quality.reasons)
    return f"uncertain ({reasons})" if reasons else "uncertain"


def face_color(face: FaceResult) -> Color:
    """The colour of a face's label, grey where emolens abstains; RGB."""
    return ABSTAINED_RGB if face.label is None else EMOTION_RGB[face.label]
