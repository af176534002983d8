"""Comparison of the fine detail of two aligned faces, to detect the same photograph."""

import cv2
import numpy as np
import numpy.typing as npt

from emolens.datasets.reframing import THUMBNAIL_PX, Reframing, mirrored

COMPARED_PX = 48
"""Side of the images in the final comparison."""
# Chosen from inspected pairs of FER2013: docs/experiments/0007-duplicates.md.
MIN_COARSE_CORRELATION = 0.85
MIN_DETAIL_CORRELATION = 0.96
# Smallest shared part of the square, and largest ratio of the areas. A few enlarged pixels have too
# little detail for a comparison.
_MIN_SHARED = 0.4
_MAX_AREA_RATIO = 2.0
# Smallest standard deviation of the detail in grey levels; below it may be noise or rounding.
_MIN_DETAIL = 1.0
_FINEST_PX, _COARSEST_PX = 0.8, 4.0

_COARSE_STEPS, _FINE_STEPS = 8, 30
_TOLERANCE = 1e-3
_ECC_BLUR_PX = 3
_INSIDE = 0.99

_Image = npt.NDArray[np.float32]
_Warp = npt.NDArray[np.float32]


def thumbnail_of(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Shrink a uint8 (48, 48) image to uint8 (24, 24)."""
    size_wh = (THUMBNAIL_PX, THUMBNAIL_PX)
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def is_same_photograph(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], guess: Reframing
) -> bool:
    """Return whether two images show one photograph, even if cropped, lit or saved differently.

    Args:
        first: uint8 (48, 48), grey.
        second: uint8 (48, 48), grey.
        guess: The reframing that probably maps the second image to the first.
    """
    return aligned_correlation(first, second, guess) >= MIN_DETAIL_CORRELATION


def aligned_correlation(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], guess: Reframing
) -> float:
    """Align two images and correlate their fine detail.

    The affine map with the best correlation warps the second image onto the first, at 24 px first,
    then at 48 px. The correlation ignores structure coarser than about 4 px, because different
    faces in the same light resemble each other there.

    Args:
        first: uint8 (48, 48), grey.
        second: uint8 (48, 48), grey.
        guess: The reframing that probably maps the second image to the first.

    Returns:
        The correlation, -1 to 1; 0 if the alignment does not converge or the overlap or detail is
        insufficient.

    Source:
        Evangelidis and Psarakis 2008, "Parametric Image Alignment Using Enhanced Correlation
        Coefficient Maximization" (OpenCV's implementation). The limits are from
        docs/experiments/0007-duplicates.md.
    """
    if guess.is_mirrored:
        second = mirrored(second)
    coarse = _align(thumbnail_of(first), thumbnail_of(second), guess.warp, _COARSE_STEPS)
    if coarse is None or coarse[0] < MIN_COARSE_CORRELATION:
        return 0.0
    fine = _align(first, second, _enlarged(coarse[1]), _FINE_STEPS)
    return 0.0 if fine is None else detail_correlation(first, second, fine[1])


def _align(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], warp: _Warp, n_steps: int
) -> tuple[float, _Warp] | None:
    """Return the correlation after alignment and the map, or None without convergence."""
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, n_steps, _TOLERANCE)
    everywhere = np.ones(second.shape, np.uint8)
    try:
        # findTransformECC writes to its argument.
        correlation, aligned = cv2.findTransformECC(
            first, second, warp.copy(), cv2.MOTION_AFFINE, criteria, everywhere, _ECC_BLUR_PX
        )
    except cv2.error:
        # OpenCV raises this if the alignment diverges or an image is flat.
        return None
    return float(correlation), np.asarray(aligned, np.float32)


def _enlarged(warp: _Warp) -> _Warp:
    """Convert a map to images of 48 px, whose pixel centres are at 2 x + 1/2."""
    enlarged = warp.copy()
    enlarged[:, 2] = 2 * warp[:, 2] + (warp[:, :2].sum(axis=1) - 1) / 2
    return enlarged


def detail_correlation(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], warp: _Warp
) -> float:
    """Correlate the fine detail of two images in their overlap.

    Args:
        first: uint8 (48, 48), grey.
        second: uint8 (48, 48), grey.
        warp: float32 (2, 3), from pixels of the first to pixels of the second.

    Returns:
        The correlation, -1 to 1; 0 if the overlap or the detail is insufficient.
    """
    area_ratio = abs(float(np.linalg.det(warp[:, :2].astype(np.float64))))
    if not 1 / _MAX_AREA_RATIO <= area_ratio <= _MAX_AREA_RATIO:
        return 0.0
    shared = _warped(np.ones((COMPARED_PX, COMPARED_PX), np.float32), warp, cv2.BORDER_CONSTANT)
    is_shared = shared > _INSIDE
    if is_shared.mean() < _MIN_SHARED:
        return 0.0
    moved = _warped(second.astype(np.float32), warp, cv2.BORDER_REPLICATE)
    details = [_detail(image)[is_shared] for image in (first.astype(np.float32), moved)]
    one, other = (detail - detail.mean() for detail in details)
    deviations = float(one.std()), float(other.std())
    if min(deviations) < _MIN_DETAIL:
        return 0.0
    return float((one * other).mean()) / (deviations[0] * deviations[1])


def _warped(image: _Image, warp: _Warp, border: int) -> _Image:
    size_wh = (COMPARED_PX, COMPARED_PX)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(image, warp, size_wh, flags=flags, borderMode=border), np.float32
    )


def _detail(image: _Image) -> _Image:
    """Band-pass filter an image: suppress light and shade, and reduce watermarks."""
    smooth = cv2.GaussianBlur(image, (0, 0), _FINEST_PX)
    return np.asarray(smooth - cv2.GaussianBlur(smooth, (0, 0), _COARSEST_PX), np.float32)
