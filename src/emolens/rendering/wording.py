"""The words at a face, from a whole label to a code of two letters."""

from typing import Final

from emolens.core.emotion import Emotion
from emolens.core.face import FaceResult
from emolens.rendering.palette import ABSTAINED_RGB, EMOTION_RGB, Color

UNCERTAIN: Final = "uncertain"
_UNCERTAIN_CODE: Final = "?"


def label_text(face: FaceResult) -> str:
    """Return the label text: the class with its probability, or "uncertain" with reasons."""
    if face.label is not None:
        # Hysteresis may keep a label that is no longer the most probable class.
        return f"{face.label.label} {face.scores[face.label]:.0%}"
    reasons = ", ".join(reason.value.replace("_", " ") for reason in face.reasons)
    return f"{UNCERTAIN} ({reasons})" if reasons else UNCERTAIN


def label_word(label: Emotion | None) -> str:
    """Return the class, or "uncertain" for None."""
    return UNCERTAIN if label is None else label.label


def label_code(label: Emotion | None) -> str:
    """Return the first two letters of a class, which are unique, or "?" for None."""
    return _UNCERTAIN_CODE if label is None else label.label[:2]


def label_rgb(label: Emotion | None) -> Color:
    """Return the RGB colour of a label, or grey if emolens abstains."""
    return ABSTAINED_RGB if label is None else EMOTION_RGB[label]
