"""Drawn faces: a labelled data set without subjects, for tests, tutorials and experiments."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import InputError
from emolens.datasets.faces import FaceSet

# Faces are drawn larger by this factor and then shrunk, for smooth lines.
_OVERSAMPLING = 4


@dataclass(frozen=True, slots=True)
class _Features:
    """The facial features of an expression; all lengths are relative to the side of the image.

    Attributes:
        smile: Height of the corners of the mouth above its middle.
        mouth_open: Height of the open mouth, 0 for a line.
        eye_open: Height of the eyes.
        brow_tilt: Height of the inner ends of the brows above the outer ends.
        brow_raise: Height of the brows above their neutral position.
        nose_wrinkle: Length of the wrinkles beside the nose.
    """

    smile: float = 0.0
    mouth_open: float = 0.0
    eye_open: float = 0.05
    brow_tilt: float = 0.0
    brow_raise: float = 0.0
    nose_wrinkle: float = 0.0


# After the descriptions in Ekman and Friesen 1978, "Facial Action Coding System".
_FEATURES = {
    Emotion.ANGRY: _Features(smile=-0.03, eye_open=0.035, brow_tilt=-0.07, brow_raise=-0.02),
    Emotion.DISGUST: _Features(
        smile=-0.05, eye_open=0.03, brow_tilt=-0.03, brow_raise=-0.02, nose_wrinkle=0.06
    ),
    Emotion.FEAR: _Features(
        smile=-0.02, mouth_open=0.06, eye_open=0.085, brow_tilt=0.05, brow_raise=0.04
    ),
    Emotion.HAPPY: _Features(smile=0.08, mouth_open=0.03, eye_open=0.04),
    Emotion.SAD: _Features(smile=-0.07, eye_open=0.04, brow_tilt=0.07),
    Emotion.SURPRISE: _Features(mouth_open=0.13, eye_open=0.085, brow_raise=0.06),
    Emotion.NEUTRAL: _Features(),
}


def draw_face(
    emotion: Emotion, rng: np.random.Generator, *, size_px: int = 48
) -> npt.NDArray[np.uint8]:
    """Draw a face with an expression; light, position, proportions and noise vary.

    Args:
        emotion: The expression.
        rng: Random generator for all variations.
        size_px: Side S of the image, at least 16.

    Returns:
        uint8 (S, S), grey.

    Raises:
        InputError: The side is less than 16 px.
    """
    if size_px < 16:
        raise InputError(f"size_px is {size_px}; expected at least 16 px for a drawn face")
    side = size_px * _OVERSAMPLING
    skin, dark = rng.uniform(120, 215), rng.uniform(15, 60)
    canvas = np.full((side, side), rng.uniform(20, 235), np.uint8)
    pen = _Pen(canvas, center=rng.uniform(-0.03, 0.03, 2), scale=rng.uniform(0.9, 1.1))
    pen.ellipse((0, 0.02), (0.38, 0.47), skin, filled=True)
    _draw_features(pen, _varied(_FEATURES[emotion], rng), dark)
    turned = _turn(canvas, rng.uniform(-10, 10))
    small = cv2.resize(turned, (size_px, size_px), interpolation=cv2.INTER_AREA)
    light = np.linspace(rng.uniform(-20, 20), rng.uniform(-20, 20), size_px)
    noise = rng.normal(0, rng.uniform(2, 8), (size_px, size_px))
    return np.asarray(np.clip(small + light + noise, 0, 255), np.uint8)


def drawn_faces(n_faces: int, *, seed: int = 0, size_px: int = 48) -> FaceSet:
    """Draw labelled faces, the same number of each class.

    Args:
        n_faces: Number of faces; 0 returns an empty set.
        seed: Seed of the random generator. The same seed returns the same faces.
        size_px: Side of the images, at least 16.

    Returns:
        The faces, with classes in turn.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(n_faces, dtype=np.int64) % N_EMOTIONS
    drawn = [Emotion.from_index(label) for label in labels.tolist()]
    faces = [draw_face(emotion, rng, size_px=size_px) for emotion in drawn]
    images = np.array(faces, np.uint8).reshape(n_faces, size_px, size_px)
    return FaceSet(images, labels, tuple(f"drawn face {n + 1}" for n in range(n_faces)))


def _varied(features: _Features, rng: np.random.Generator) -> _Features:
    """Vary the features randomly, like the faces of different subjects."""
    strength = rng.uniform(0.75, 1.25)
    return _Features(
        smile=strength * features.smile + rng.normal(0, 0.008),
        mouth_open=strength * features.mouth_open,
        eye_open=max(features.eye_open + rng.normal(0, 0.005), 0.015),
        brow_tilt=strength * features.brow_tilt + rng.normal(0, 0.008),
        brow_raise=strength * features.brow_raise + rng.normal(0, 0.008),
        nose_wrinkle=strength * features.nose_wrinkle,
    )


def _draw_features(pen: "_Pen", features: _Features, dark: float) -> None:
    for side in (-1, 1):
        pen.ellipse((side * 0.16, -0.08), (0.07, features.eye_open), 245, filled=True)
        pen.ellipse((side * 0.16, -0.08), (0.07, features.eye_open), dark, filled=False)
        pen.ellipse((side * 0.16, -0.08), (0.03, min(0.03, features.eye_open)), dark, filled=True)
        brow_y = -0.2 - features.brow_raise
        pen.line(
            (side * 0.25, brow_y + features.brow_tilt / 2),
            (side * 0.08, brow_y - features.brow_tilt / 2),
            dark,
        )
        if features.nose_wrinkle > 0:
            for y in (0.02, 0.07):
                pen.line((side * 0.05, y), (side * (0.05 + features.nose_wrinkle), y - 0.03), dark)
    pen.line((0, -0.02), (-0.03, 0.1), dark)
    pen.line((-0.03, 0.1), (0.03, 0.1), dark)
    _draw_mouth(pen, features, dark)


def _draw_mouth(pen: "_Pen", features: _Features, dark: float) -> None:
    x = np.linspace(-0.15, 0.15, 21)
    bend = (x / 0.15) ** 2
    upper = 0.26 + features.smile / 2 - features.smile * bend
    lower = upper + features.mouth_open * (1 - bend)
    pen.area(np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1]]), dark)


class _Pen:
    """A pen in coordinates relative to the middle of a face and the side of the image."""

    def __init__(
        self, canvas: npt.NDArray[np.uint8], center: npt.NDArray[np.float64], scale: float
    ) -> None:
        self.canvas = canvas
        self.side = len(canvas)
        self.center, self.scale = center, scale
        self.line_px = max(1, round(0.022 * self.side))

    def ellipse(
        self,
        middle: tuple[float, float],
        half_axes: tuple[float, float],
        grey: float,
        *,
        filled: bool,
    ) -> None:
        axes = [max(1, round(axis * self.scale * self.side)) for axis in half_axes]
        width = -1 if filled else self.line_px // 2 + 1
        cv2.ellipse(self.canvas, self._at(middle), axes, 0, 0, 360, grey, width, cv2.LINE_AA)

    def line(self, start: tuple[float, float], end: tuple[float, float], grey: float) -> None:
        cv2.line(self.canvas, self._at(start), self._at(end), grey, self.line_px, cv2.LINE_AA)

    def area(self, outline: npt.NDArray[np.float64], grey: float) -> None:
        corners = np.array([self._at((x, y)) for x, y in outline.tolist()], np.int32)
        cv2.fillPoly(self.canvas, [corners], grey, cv2.LINE_AA)
        cv2.polylines(self.canvas, [corners], isClosed=True, color=grey, thickness=self.line_px)

    def _at(self, place: tuple[float, float]) -> tuple[int, int]:
        x, y = (0.5 + np.asarray(place) * self.scale + self.center) * self.side
        return round(x), round(y)


def _turn(canvas: npt.NDArray[np.uint8], angle_deg: float) -> npt.NDArray[np.uint8]:
    side = len(canvas)
    turning = cv2.getRotationMatrix2D((side / 2, side / 2), angle_deg, 1)
    turned = cv2.warpAffine(canvas, turning, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)
