"""Face quality: size, sharpness, light, share inside the image and direction."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.face import FaceDetection, FaceQuality, QualityReason
from emolens.core.geometry import Box
from emolens.imaging.crop import resize_gray_square
from emolens.imaging.exposure import (
    DARK_LEVEL,
    MAX_GRAIN,
    MIN_LEVELS,
    Levels,
    face_levels,
    measure_grain,
)

# Half of FER2013's 48 px. Smaller faces have less than a quarter of the pixels of training faces.
MIN_SIZE_PX = 24.0
# Sharpness is measured at a fixed size, so that one limit serves every model.
SHARPNESS_SIZE_PX = 48
# 0.11 % of FER2013's train faces lie below, nearly all of them blank, and 92 % of the same faces
# after a Gaussian blur with sigma 2 px (of 48). Source: docs/experiments/0002-quality.md.
MIN_SHARPNESS = 0.02
# Contrast below this standard deviation, in grey levels, is not normalised, because it is noise.
_MIN_CONTRAST = 8.0
# Variance that rounding to whole grey levels adds to the Laplacian: 1/12 times the sum of its
# squared coefficients, 4^2 + 4 * 1.
_ROUNDING_VARIANCE = 20 / 12
# Share of the framing square inside the image. A face fully inside a corner has about 0.8.
MIN_SHARE_INSIDE = 0.7
# Largest distance of the nose beyond an eye, in units of the distance between the eyes. The nose
# tip lies half that distance before the eyes (Farkas 1994, "Anthropometry of the Head and Face":
# about 35 mm, and 63 mm between the pupils), so 0.35 is a head turned by 57 degrees.
MAX_NOSE_OVERSHOOT = 0.35


QUALITY_LIMITS: Final = {
    "quality_min_face_px": MIN_SIZE_PX,
    "quality_min_sharpness": MIN_SHARPNESS,
    "quality_min_share_inside": MIN_SHARE_INSIDE,
    "quality_max_nose_overshoot": MAX_NOSE_OVERSHOOT,
    "quality_min_levels": float(MIN_LEVELS),
    "quality_max_grain": MAX_GRAIN,
    "quality_dark_level": float(DARK_LEVEL),
}
"""The limits beyond which a face gets no label, for the record of how a result was made."""


def measure_sharpness(gray_crop: npt.NDArray[np.uint8]) -> float:
    """Measure the amount of fine detail in a grey crop.

    Args:
        gray_crop: uint8 (H, W).

    Returns:
        Variance of the Laplacian at 48 x 48 px, less the share of rounding, over the variance of
        the grey values, so that dim light does not count as blur; 0 for a flat surface.
    """
    gray = resize_gray_square(gray_crop, SHARPNESS_SIZE_PX).astype(np.float32)
    contrast = max(float(gray.std()), _MIN_CONTRAST)
    detail = float(cv2.Laplacian(gray, cv2.CV_32F).var())
    return max(detail - _ROUNDING_VARIANCE, 0.0) / contrast**2


def assess_quality(
    image_size_wh: tuple[int, int],
    square: Box,
    gray_crop: npt.NDArray[np.uint8],
    detection: FaceDetection | None,
    levels: Levels | None = None,
) -> FaceQuality:
    """Assess whether a face is good enough to predict its apparent expression.

    Args:
        image_size_wh: (width, height) of the image in pixels.
        square: The framing square in pixels of the image; it may extend beyond the image.
        gray_crop: uint8 (S, S), the crop, with stretched levels if they were narrow.
        detection: The detection of the face, or None for an image that is given as a face crop.
            Such crops are assessed by size, sharpness and light only.
        levels: The levels of the face before they were stretched; None uses those of the crop.

    Returns:
        Size, sharpness and all reasons against a prediction.

    Raises:
        InputError: The image size is empty.
    """
    if min(image_size_wh) < 1:
        raise InputError(f"image_size_wh is {image_size_wh}; allowed: at least 1 x 1 px")
    sharpness = measure_sharpness(gray_crop)
    reasons: list[QualityReason] = []
    if square.width < MIN_SIZE_PX:
        reasons.append(QualityReason.TOO_SMALL)
    is_blurred = sharpness < MIN_SHARPNESS
    if is_blurred:
        reasons.append(QualityReason.BLURRED)
    if detection is not None and _is_cut_off(image_size_wh, square, detection):
        reasons.append(QualityReason.CUT_OFF)
    if detection is not None and _is_turned_away(detection):
        reasons.append(QualityReason.TURNED_AWAY)
    if detection is not None and detection.roll is not None and not detection.roll.is_certain:
        reasons.append(QualityReason.TILTED)
    reason = _bad_light(levels or face_levels(gray_crop), gray_crop)
    # A flat surface that is not dark is reported as blurred only.
    if reason is not None and (reason is QualityReason.TOO_DARK or not is_blurred):
        reasons.append(reason)
    return FaceQuality(square.width, sharpness, tuple(reasons))


def _bad_light(levels: Levels, gray_crop: npt.NDArray[np.uint8]) -> QualityReason | None:
    if not levels.is_narrow:
        return None
    if levels.span >= MIN_LEVELS and measure_grain(gray_crop) <= MAX_GRAIN:
        return None
    is_dark = levels.high < DARK_LEVEL
    return QualityReason.TOO_DARK if is_dark else QualityReason.LOW_CONTRAST


def _is_cut_off(size_wh: tuple[int, int], square: Box, detection: FaceDetection) -> bool:
    # Detectors clip their boxes to the image, so the box itself cannot be used.
    if square.clip(size_wh).area < MIN_SHARE_INSIDE * square.area:
        return True
    if detection.landmarks is None:
        return False
    return bool(((detection.landmarks < 0) | (detection.landmarks > size_wh)).any())


def _is_turned_away(detection: FaceDetection) -> bool:
    if detection.landmarks is None:
        return False
    right_eye, left_eye, nose = detection.landmarks[:3].astype(np.float64)
    across = left_eye - right_eye
    length_squared = float(across @ across)
    if length_squared == 0:
        return True
    # 0 at the right eye, 1 at the left one; independent of head roll.
    place = float((nose - right_eye) @ across) / length_squared
    return not -MAX_NOSE_OVERSHOOT <= place <= 1 + MAX_NOSE_OVERSHOOT
