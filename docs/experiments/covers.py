"""Drawn occlusions of faces: masks, sunglasses, hands, scarves, bars and beards."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError

Pixels = npt.NDArray[np.uint8]
Points = list[tuple[float, float]]
_Draw = Callable[["_Brush"], None]

# Outlines in face coordinates: x in eye distances from the middle of the face, y from the eyes (0)
# to the mouth (1).
_MASK: Final[Points] = [
    *((0.0, 0.42), (0.45, 0.5), (0.95, 0.55), (0.9, 1.1), (0.55, 1.55), (0.0, 1.75)),
    *((-0.55, 1.55), (-0.9, 1.1), (-0.95, 0.55), (-0.45, 0.5)),
]
_SCARF: Final[Points] = [(-1.3, 0.65), (0.0, 0.5), (1.3, 0.65), (1.5, 2.6), (-1.5, 2.6)]
_BEARD: Final[Points] = [
    *((-0.95, 0.6), (-0.7, 0.9), (-0.4, 0.8), (0.0, 0.78), (0.4, 0.8), (0.7, 0.9), (0.95, 0.6)),
    *((0.9, 1.3), (0.5, 1.75), (0.0, 1.85), (-0.5, 1.75), (-0.9, 1.3)),
]


def cover_face(
    image: Pixels, landmarks: npt.NDArray[np.float32], kind: str, rng: np.random.Generator
) -> Pixels:
    """Draw a cover over a face.

    Args:
        image: uint8 (H, W, 3) BGR.
        landmarks: float32 (5, 2), as in `emolens.core.face.FaceDetection`.
        kind: One of `COVERS`.
        rng: Random generator for the texture and small variations.

    Returns:
        A copy of the image with the cover in it.

    Raises:
        InputError: The cover is unknown.
    """
    if kind not in COVERS:
        raise InputError(f"unknown cover {kind!r}; allowed: {', '.join(COVERS)}")
    brush = _Brush(image.copy(), landmarks.astype(np.float64), rng)
    COVERS[kind](brush)
    return brush.image


class _Brush:
    """A brush in the coordinates of a face."""

    def __init__(
        self, image: Pixels, landmarks: npt.NDArray[np.float64], rng: np.random.Generator
    ) -> None:
        self.image = image
        self.rng = rng
        right_eye, left_eye, _, mouth_right, mouth_left = landmarks
        self._middle = (right_eye + left_eye) / 2
        self._down = (mouth_right + mouth_left) / 2 - self._middle
        # Both cheeks are as far from the middle as in a frontal face.
        length = max(float(np.hypot(*(left_eye - right_eye))), 0.8 * float(np.hypot(*self._down)))
        self._across = np.array([self._down[1], -self._down[0]])
        self._across *= length / max(float(np.hypot(*self._across)), 1e-6)

    def at(self, points: Points) -> npt.NDArray[np.int32]:
        """Convert points to pixels of the image."""
        relative = np.asarray(points, np.float64)
        placed = self._middle + relative @ np.stack([self._across, self._down])
        return np.asarray(np.rint(placed), np.int32)

    def fill(self, outline: Points, texture: npt.NDArray[np.float64]) -> None:
        """Fill an outline with a float (H, W, 3) or (3,) texture."""
        shape = np.zeros(self.image.shape[:2], np.uint8)
        cv2.fillPoly(shape, [self.at(outline)], 255)
        weight = cv2.GaussianBlur(shape, (0, 0), 0.7)[..., None] / 255.0
        mixed = self.image * (1 - weight) + np.broadcast_to(texture, self.image.shape) * weight
        self.image = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)

    def line(self, points: Points, color: npt.NDArray[np.float64], width: float) -> None:
        """Draw a line; its width is in eye distances."""
        thickness = max(1, round(width * float(np.hypot(*self._across))))
        shade = [float(value) for value in color]
        cv2.polylines(self.image, [self.at(points)], False, shade, thickness, cv2.LINE_AA)  # noqa: FBT003 (OpenCV takes it by place)

    def cloth(self, color: tuple[float, float, float], *, noise: float) -> npt.NDArray[np.float64]:
        """Render a cloth with a vertical light gradient and noise, as float (H, W, 3)."""
        height, width = self.image.shape[:2]
        light = np.linspace(1.05, 0.85, height)[:, None, None]
        grain = self.rng.normal(0, noise, (height, width, 1))
        return np.asarray(np.asarray(color) * light + grain, np.float64)

    def skin(self) -> npt.NDArray[np.float64]:
        """Measure the mean skin colour between and below the eyes, as float (3,)."""
        places = self.at([(0.0, 0.15), (0.45, 0.4), (-0.45, 0.4)])
        height, width = self.image.shape[:2]
        inside = np.clip(places, 0, [width - 1, height - 1])
        return np.asarray(self.image[inside[:, 1], inside[:, 0]].mean(axis=0), np.float64)


def _mask(color: tuple[float, float, float], *, noise: float = 2.0) -> _Draw:
    def draw(brush: _Brush) -> None:
        brush.fill(_MASK, brush.cloth(color, noise=noise))
        dark = np.asarray(color) * 0.85
        for y in (0.8, 1.05, 1.3):
            brush.line([(-0.85, y - 0.03), (0.0, y + 0.03), (0.85, y - 0.03)], dark, 0.02)
        brush.line([(0.93, 0.6), (1.4, 0.2)], np.asarray(color), 0.03)
        brush.line([(-0.93, 0.6), (-1.4, 0.2)], np.asarray(color), 0.03)

    return draw


def _patterned_mask(brush: _Brush) -> None:
    base, other = brush.rng.uniform(20, 235, (2, 3))
    height, width = brush.image.shape[:2]
    cell = max(3, round(float(np.hypot(*brush._across)) / brush.rng.uniform(4, 9)))
    rows, columns = np.indices((height, width))
    checks = ((rows // cell + columns // cell) % 2)[..., None]
    brush.fill(_MASK, np.where(checks, base, other))


def _sunglasses(brush: _Brush) -> None:
    color = np.full(3, brush.rng.uniform(10, 50))
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for x in (-0.5, 0.5):
        outline = [(x + 0.42 * np.cos(a), 0.03 + 0.28 * np.sin(a)) for a in angles]
        brush.fill(outline, color)
    brush.line([(-1.2, -0.05), (1.2, -0.05)], color, 0.07)


def _hand(brush: _Brush) -> None:
    skin = brush.skin()
    for number in range(4):
        y = 0.62 + 0.24 * number
        finger = [(-0.75, y), (0.7, y - 0.08), (0.8, y + 0.05), (0.7, y + 0.17), (-0.75, y + 0.25)]
        brush.fill(finger, skin * brush.rng.uniform(0.93, 1.05))
        brush.line([(-0.75, y + 0.25), (0.75, y + 0.16)], skin * 0.6, 0.02)


def _scarf(brush: _Brush) -> None:
    colors = brush.rng.uniform(20, 220, (2, 3))
    height, width = brush.image.shape[:2]
    period = max(4.0, float(np.hypot(*brush._across)) * brush.rng.uniform(0.15, 0.4))
    rows = np.arange(height)[:, None, None] + np.zeros((1, width, 1))
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * rows / period)
    brush.fill(_SCARF, colors[0] * wave + colors[1] * (1 - wave))


def _helmet_bars(brush: _Brush) -> None:
    color = np.full(3, brush.rng.uniform(30, 220))
    for y in (0.55, 1.0, 1.45):
        brush.line([(-1.3, y - 0.1), (0.0, y), (1.3, y - 0.1)], color, 0.12)
    brush.line([(0.0, 0.55), (0.0, 1.45)], color, 0.1)


def _beard(brush: _Brush) -> None:
    mouth = brush.image.copy()
    shape = np.zeros(brush.image.shape[:2], np.uint8)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    lips = [(0.45 * np.cos(a), 1.0 + 0.16 * np.sin(a)) for a in angles]
    cv2.fillPoly(shape, [brush.at(lips)], 255)
    dark = brush.skin() * brush.rng.uniform(0.25, 0.6)
    brush.fill(_BEARD, brush.cloth((dark[0], dark[1], dark[2]), noise=14))
    brush.image[shape > 0] = mouth[shape > 0]


COVERS: Final[dict[str, _Draw]] = {
    "mask_blue": _mask((205, 175, 120)),
    "mask_white": _mask((235, 235, 235)),
    "mask_black": _mask((35, 35, 35)),
    "mask_patterned": _patterned_mask,
    "scarf": _scarf,
    "hand": _hand,
    "sunglasses": _sunglasses,
    "helmet_bars": _helmet_bars,
    # Not an occlusion of the expression: the mouth stays visible.
    "beard": _beard,
}
"""The covers by name. A beard leaves the mouth visible, and all except sunglasses the eyes."""
