"""Crops of the images of a data set: the largest face, or a check of images taken as crops."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.core.ports import FaceDetector
from emolens.datasets.faces import DetectedFace, FaceSample
from emolens.datasets.loading import take_whole
from emolens.imaging.bgr import as_bgr
from emolens.pipeline.framed_face import cut_faces, detect_regions

CROP_CHECK_PX: Final = 96
"""Images up to this side are not checked: they are published as face crops (FER2013, FER+: 48 px),
and a photograph of this size has no face that a detector finds."""
MIN_FILLED: Final = 0.7
"""Smallest usual side of a face's framing square, as a fraction of the longer side of a face crop.

FER2013's own images have a median of 0.94, and 0.76 at the 5th percentile. On images of another
source, the recall is 1.3 points lower at 0.77, 3.2 points at 0.71 and 7.9 points at 0.62. Source:
docs/experiments/0001-framing.md, "Wider crops".
"""
_N_CHECKED: Final = 64
# Large photographs are kept at the size of one pass of the detector, to save memory.
_KEPT_PX: Final = 640


class LargestFaceFramer:
    """A crop of the largest face of each image, by the stages of `ImageAnalyzer`.

    An image without a face is kept whole, with `n_faces` 0.

    Args:
        detector: Face detector.
        on_progress: Called with the number of images done.
    """

    def __init__(
        self, detector: FaceDetector, on_progress: Callable[[int], None] = lambda _n_done: None
    ) -> None:
        self._detector = detector
        self._on_progress = on_progress
        self._n_done = 0

    def __call__(self, sample: FaceSample) -> Callable[[int], FaceSample]:
        """Detect the faces of a sample, and return a function from a side to the crop."""
        image = as_bgr(sample.image)
        regions = detect_regions(self._detector, image)
        self._n_done += 1
        self._on_progress(self._n_done)
        if not regions:
            return take_whole(replace(sample, detected=DetectedFace(0)))
        return partial(_largest, sample, image, regions)


def _largest(
    sample: FaceSample,
    image: npt.NDArray[np.uint8],
    regions: list[tuple[Box, FaceDetection | None]],
    size_px: int,
) -> FaceSample:
    [face] = cut_faces(image, regions[:1], size_px=size_px)
    detected = DetectedFace(len(regions), face.assess().reasons)
    return replace(sample, image=face.crop, detected=detected)


class CropCheck:
    """A check whether faces fill images that are taken whole, on a random sample of up to 64.

    The sample depends only on the number of images (reservoir sampling with a fixed seed).

    Source:
        Vitter 1985, "Random sampling with a reservoir", algorithm R.
    """

    def __init__(self) -> None:
        self._random = random.Random(0)  # noqa: S311 (a sample, not a secret)
        self._kept: list[npt.NDArray[np.uint8]] = []
        self._n_seen = 0

    def __call__(self, sample: FaceSample) -> Callable[[int], FaceSample]:
        """Take the whole image as a crop, and sample it for the check."""
        if max(sample.image.shape) > CROP_CHECK_PX:
            self._n_seen += 1
            place = self._random.randrange(self._n_seen)
            if len(self._kept) < _N_CHECKED:
                self._kept.append(_reduced(sample.image))
            elif place < _N_CHECKED:
                self._kept[place] = _reduced(sample.image)
        return take_whole(sample)

    @property
    def has_images(self) -> bool:
        """Whether there is an image to check."""
        return bool(self._kept)

    def warning(self, detector: FaceDetector) -> str | None:
        """Return a warning if faces fill less of the images than of a face crop, otherwise None."""
        found = [detect_regions(detector, as_bgr(image)) for image in self._kept]
        filled = [
            regions[0][0].width / max(image.shape)
            for image, regions in zip(self._kept, found, strict=True)
            if regions
        ]
        if not filled or median(filled) >= MIN_FILLED:
            return None
        return (
            "the images seem to be whole photographs, but are evaluated as face crops: in "
            f"{len(filled)} of {len(self._kept)} checked images a face was detected, and its "
            f"square fills {median(filled):.0%} of the side of the image (median; face crops: at "
            f"least {MIN_FILLED:.0%}). Add --detect (detect=True) to detect and crop the faces."
        )


def _reduced(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Shrink a grey image to `_KEPT_PX`, unless it is smaller; a copy, never a view."""
    height, width = image.shape
    scale = min(1.0, _KEPT_PX / max(height, width))
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
