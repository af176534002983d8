"""Contrast stretching for dark, washed-out or foggy images, which have few grey levels.

Networks trained on well-lit faces confidently predict neutral for faces that are barely visible.
Images with enough contrast are never changed.

Source of all limits: docs/experiments/0015-dark-and-deep.md.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.geometry import Box
from emolens.imaging.turn import crop_turned

# 0.3 % of FER2013's faces span fewer levels; stretching them does not change the accuracy.
NARROW_LEVELS: Final = 64
# Stretching fewer levels only yields steps and noise.
MIN_LEVELS: Final = 4
# 97 % of FER2013's faces have less grain; white noise has 20. Above this limit, only half of the
# dark faces get the same label as in good light.
MAX_GRAIN: Final = 1.75
# A narrow range without a brighter level counts as dark, not as low contrast.
DARK_LEVEL: Final = 64
# The span of most FER2013 faces, around the middle of the scale.
_SPREAD_LEVELS = 160
_MIDDLE_LEVEL = 128
# Share of a face crop that is ignored on each side: hair and background.
_RIM = 1 / 8
# Share of pixels that may lie below the low level, and equally above the high level.
_FACE_SHARE = 0.02
# Small enough to keep a bright face on a black background.
_IMAGE_SHARE = 0.001
# A lamp or a window may cover this share of an otherwise dark image.
_MOST_SHARE = 0.1
_HALF = 0.5
# Half of the pixels below this level: night, or a closed shutter.
_BLACK_LEVEL = 16
# The levels of an image are estimated from about this many pixels.
_SAMPLE_PX = 10_000

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Levels:
    """The darkest and the brightest level of some pixels, except for a small share of outliers.

    Attributes:
        low: 0..255.
        high: 0..255, at least `low`.
    """

    low: int
    high: int

    @property
    def span(self) -> int:
        """Number of levels between `low` and `high`."""
        return self.high - self.low

    @property
    def is_narrow(self) -> bool:
        """Whether the contrast is too low for a network."""
        return self.span < NARROW_LEVELS

    def spread(self, pixels: Pixels) -> Pixels:
        """Stretch narrow levels over the scale.

        Args:
            pixels: uint8, of any shape.

        Returns:
            New pixels; the same ones if the levels are wide enough, or too few to stretch.
        """
        if not MIN_LEVELS <= self.span < NARROW_LEVELS:
            return pixels
        gain = _SPREAD_LEVELS / self.span
        scaled = (np.arange(256) - (self.low + self.high) / 2) * gain + _MIDDLE_LEVEL
        table = np.clip(np.round(scaled), 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(pixels, table), np.uint8).reshape(pixels.shape)


def face_levels(gray_crop: Pixels) -> Levels:
    """Measure the levels of a face.

    Args:
        gray_crop: uint8 (S, S), the face with a small margin.
    """
    rim = int(_RIM * len(gray_crop))
    middle = gray_crop[rim : len(gray_crop) - rim, rim : len(gray_crop) - rim]
    return _levels(middle, _FACE_SHARE)


def crop_spread(
    gray: Pixels, square: Box, size_px: int, *, turn_degrees: float = 0.0
) -> tuple[Pixels, Levels]:
    """Crop a face and stretch its levels if they are narrow.

    Args:
        gray: uint8 (H, W), the image.
        square: The square around the face, in pixels of the image.
        size_px: Side of the crop.
        turn_degrees: Clockwise rotation of the square about its centre.

    Returns:
        The crop as for `emolens.imaging.turn.crop_turned`, uint8 (S, S), with stretched levels, and
        the levels of the face in the image.
    """
    crop = crop_turned(gray, square, size_px, roll_degrees=turn_degrees)
    levels = face_levels(crop)
    spread = levels.spread(gray)
    # Stretch before cropping, so that averaged pixels keep fractions of the few levels.
    if spread is gray:
        return crop, levels
    return crop_turned(spread, square, size_px, roll_degrees=turn_degrees), levels


def image_levels(image: Pixels) -> Levels:
    """Measure the levels of a whole image, over all its colour channels.

    Args:
        image: uint8 (H, W, 3).
    """
    return _levels(_sample(image), _IMAGE_SHARE)


def spread_most(image: Pixels) -> Pixels | None:
    """Stretch the levels of most of an image, ignoring small bright or dark areas.

    Args:
        image: uint8 (H, W, 3).

    Returns:
        The image with the central 80 % of its pixel values stretched and the others clipped; None
        if these levels are wide enough for a network.
    """
    spread = _levels(_sample(image), _MOST_SHARE).spread(image)
    return None if spread is image else spread


def light_warnings(image: Pixels, *, has_faces: bool) -> tuple[str, ...]:
    """Return the warnings about the exposure of an image.

    Args:
        image: uint8 (H, W, 3).
        has_faces: Whether faces were detected; a dark background is reported only without any.

    Returns:
        One warning if the levels are narrow, or if half of an image without faces is black.
    """
    levels = image_levels(image)
    if levels.is_narrow and levels.high < DARK_LEVEL:
        return (
            f"very dark: the brightest value is {levels.high} of 255; the image is brightened "
            "before detection and classification",
        )
    if levels.is_narrow:
        return (
            f"very low contrast: the values range from {levels.low} to {levels.high} of 255; they "
            "are stretched before detection and classification",
        )
    if not has_faces and (median := _levels(_sample(image), _HALF).high) < _BLACK_LEVEL:
        return (f"very dark: half of the values are at most {median} of 255",)
    return ()


def _sample(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    step = math.ceil(math.sqrt(height * width / _SAMPLE_PX))
    return image[::step, ::step]


def _levels(pixels: Pixels, share: float) -> Levels:
    counts = np.bincount(pixels.reshape(-1), minlength=256)
    n_left_out = share * pixels.size
    low = np.searchsorted(counts.cumsum(), n_left_out, side="right")
    high = 255 - np.searchsorted(counts[::-1].cumsum(), n_left_out, side="right")
    return Levels(int(low), int(high))


def measure_grain(gray_crop: Pixels) -> float:
    """Measure the share of noise in a face crop.

    Args:
        gray_crop: uint8 (S, S).

    Returns:
        Variance of the Laplacian over the variance of the grey values; 0 for a flat surface, about
        1 for a face, 20 for white noise.
    """
    gray = gray_crop.astype(np.float32)
    variance = float(gray.var())
    return float(cv2.Laplacian(gray, cv2.CV_32F).var()) / variance if variance else 0.0
