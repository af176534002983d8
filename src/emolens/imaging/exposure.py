"""Images with few grey levels: dark, washed out or in fog, spread over the scale again.

A network that has seen faces in good light calls whatever it can barely see neutral, and is sure
of it. What has contrast enough is never touched.

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

# 0.3 % of FER2013's faces span fewer levels, and as many are right when they are spread.
NARROW_LEVELS: Final = 64
# Fewer cannot be spread to anything but steps and noise.
MIN_LEVELS: Final = 4
# 97 % of FER2013's faces have less grain; white noise has 20. With more, only half of the dark
# faces get the label that they have in good light.
MAX_GRAIN: Final = 1.75
# What is spread and has nothing brighter is called dark.
DARK_LEVEL: Final = 64
# As much as most of FER2013's faces span, around the middle of the scale.
_SPREAD_LEVELS = 160
_MIDDLE_LEVEL = 128
# Part of a face crop that is left out on each side: hair and background.
_RIM = 1 / 8
# This share of the pixels may be darker, and the same may be brighter, than the levels say.
_FACE_SHARE = 0.02
# Small enough for a bright face on a black ground to count.
_IMAGE_SHARE = 0.001
# A lamp or a window may take so much of an image that is dark otherwise.
_MOST_SHARE = 0.1
_HALF = 0.5
# Half of an image below this: night, or a closed shutter.
_BLACK_LEVEL = 16
# So many pixels tell the levels of an image.
_SAMPLE_PX = 10_000

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Levels:
    """The darkest and the brightest level of some pixels, but for a few that do not count.

    Attributes:
        low: 0..255.
        high: 0..255, at least `low`.
    """

    low: int
    high: int

    @property
    def span(self) -> int:
        """How many levels lie between them."""
        return self.high - self.low

    @property
    def is_narrow(self) -> bool:
        """True where a network could not see much."""
        return self.span < NARROW_LEVELS

    def spread(self, pixels: Pixels) -> Pixels:
        """Spread narrow levels over the scale.

        Args:
            pixels: uint8, of any shape.

        Returns:
            The same pixels where there is nothing to do or too little to spread, else new ones.
        """
        if not MIN_LEVELS <= self.span < NARROW_LEVELS:
            return pixels
        gain = _SPREAD_LEVELS / self.span
        scaled = (np.arange(256) - (self.low + self.high) / 2) * gain + _MIDDLE_LEVEL
        table = np.clip(np.round(scaled), 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(pixels, table), np.uint8).reshape(pixels.shape)


def face_levels(gray_crop: Pixels) -> Levels:
    """The levels of a face.

    Args:
        gray_crop: uint8 (S, S), the face with a little around it.
    """
    rim = int(_RIM * len(gray_crop))
    middle = gray_crop[rim : len(gray_crop) - rim, rim : len(gray_crop) - rim]
    return _levels(middle, _FACE_SHARE)


def crop_spread(
    gray: Pixels, square: Box, size_px: int, *, turn_degrees: float = 0.0
) -> tuple[Pixels, Levels]:
    """Cut a face out and spread its levels where they are narrow.

    Args:
        gray: uint8 (H, W), the image.
        square: The face, in pixels of the image.
        size_px: Side of the crop.
        turn_degrees: How far the square is turned clockwise about its centre.

    Returns:
        The crop as `emolens.imaging.turn.crop_turned` gives it, uint8 (S, S), its levels spread,
        and the levels that the face has in the image.
    """
    crop = crop_turned(gray, square, size_px, roll_degrees=turn_degrees)
    levels = face_levels(crop)
    spread = levels.spread(gray)
    # Spread before it is cut: pixels that are averaged keep the fractions of few levels.
    if spread is gray:
        return crop, levels
    return crop_turned(spread, square, size_px, roll_degrees=turn_degrees), levels


def image_levels(image: Pixels) -> Levels:
    """The levels of a whole image, of all its colours together.

    Args:
        image: uint8 (H, W, 3).
    """
    return _levels(_sample(image), _IMAGE_SHARE)


def spread_most(image: Pixels) -> Pixels | None:
    """Spread the levels that most of an image has, where few bright or dark things hide them.

    Args:
        image: uint8 (H, W, 3).

    Returns:
        The image with the levels of its middle eight tenths spread, what lies beyond them cut
        off; None where these are no fewer than a network can see.
    """
    spread = _levels(_sample(image), _MOST_SHARE).spread(image)
    return None if spread is image else spread


def light_warnings(image: Pixels, *, has_faces: bool) -> tuple[str, ...]:
    """What a user should know about the light of an image.

    Args:
        image: uint8 (H, W, 3).
        has_faces: Whether faces were found: a dark background is worth a warning only without any.

    Returns:
        One warning where the levels are narrow, or where half of an image without faces is black.
    """
    levels = image_levels(image)
    if levels.is_narrow and levels.high < DARK_LEVEL:
        return (f"very dark: no value above {levels.high} of 255; brightened to be read",)
    if levels.is_narrow:
        return (
            f"very little contrast: values {levels.low} to {levels.high} of 255; spread to be read",
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
    """How much of what is seen in a face is noise.

    Args:
        gray_crop: uint8 (S, S).

    Returns:
        Variance of the Laplacian over the variance of the grey values; 0 for a flat surface, about
        1 for a face, 20 for white noise.
    """
    gray = gray_crop.astype(np.float32)
    variance = float(gray.var())
    return float(cv2.Laplacian(gray, cv2.CV_32F).var()) / variance if variance else 0.0
