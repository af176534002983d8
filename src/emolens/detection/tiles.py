"""Tiled detection for large and long images: one pass over the image, then overlapping tiles.

A detector scales every image to one input size, so faces in a large image become small. Tiles show
them larger, for any detector. Each tile has one of the detector's own input shapes, so memory use
does not grow with the image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from emolens.core.description import Description, description_of
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box, Framing
from emolens.core.ports import FaceDetector
from emolens.detection.letterbox import (
    BASE_ASPECT,
    MAX_ENLARGEMENT,
    check_image,
    input_scale,
    input_sizes,
)

# Source of all of them: docs/experiments/0012-large-images.md.
# Users do not expect smaller faces than this, or than this fraction of the shorter side, to be
# detected in a large or long image. One pass over 1280x960 px detects faces from 58 px.
_EXPECTED_PX = 60.0
_EXPECTED_SHARE = 1 / 4
# If tiles are needed, they detect faces from this size, that of FER2013's images, ...
_TARGET_PX = 48.0
# ... or the smallest that this number of tiles allows.
_MAX_TILES = 24
# Largest ratio of input pixels per image pixel between consecutive scales.
_MAX_STEP = 4.5
# Overlap of tiles, in units of the smallest face of the next coarser scale. A face at the edge of a
# tile is thus wholly inside another tile, or large enough for the coarser scale.
_OVERLAP_FACES = 1.3
# A box that ends within this fraction of its side from a tile's edge belongs to a cut face.
_CUT_SHARE = 0.02
# Two boxes of different passes are one face if their intersection over union is larger than this,
# or if this share of the smaller one lies inside the larger one ...
_SAME_FACE_IOU = 0.3
_INSIDE_SHARE = 0.7
# ... and the larger side is at most this multiple of the smaller one. Above it, the smaller one
# counts as a part of the larger face, unless it has the better score.
_SAME_FACE_RATIO = 2.5


@dataclass(frozen=True, slots=True)
class Tile:
    """A region of an image in whole pixels: half-open, from (left, top) to (right, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    def cut(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the pixels, a view of the image."""
        return image[self.top : self.bottom, self.left : self.right]

    def is_cutting(self, box: Box, size_wh: tuple[int, int]) -> bool:
        """Whether a box, in pixels of the image, ends at an inner edge of the tile."""
        margin = 1 + _CUT_SHARE * max(box.width, box.height)
        width, height = size_wh
        return (
            (self.left > 0 and box.x_min < self.left + margin)
            or (self.top > 0 and box.y_min < self.top + margin)
            or (self.right < width and box.x_max > self.right - margin)
            or (self.bottom < height and box.y_max > self.bottom - margin)
        )


@dataclass(frozen=True, slots=True)
class TilePlan:
    """The tiles of an image, in addition to the pass over the whole image.

    Attributes:
        tiles: The tiles, the coarsest scale first; empty if one pass is enough.
        smallest_px: Side of the smallest detectable face, in pixels of the image, framed as in
            `FaceQuality.size_px`.
        detector_px: Longer side of the 4:3 input that is equivalent to all passes together.
    """

    tiles: tuple[Tile, ...]
    smallest_px: float
    detector_px: int


class TiledDetector:
    """A detector that also detects the small faces of large and long images.

    The whole image is always processed once. An image without tiles gets exactly the result of the
    wrapped detector. Each tile costs one call of that detector.

    Args:
        detector: Detects the faces in one pass.
        long_side_px: Longer side of that detector's 4:3 input.
        smallest_px: Side of the smallest face that it detects, in pixels of its input.
        detector_px: Longer side of the 4:3 input that is equivalent to all passes together. None
            selects it by size and shape of each image.
    """

    def __init__(
        self,
        detector: FaceDetector,
        *,
        long_side_px: int,
        smallest_px: float,
        detector_px: int | None = None,
    ) -> None:
        self._detector = detector
        self._long_side_px = long_side_px
        self._shapes = input_sizes(long_side_px)
        self._smallest_px = smallest_px
        self._detector_px = detector_px

    @property
    def name(self) -> str:
        """Name of the wrapped detector."""
        return self._detector.name

    @property
    def framing(self) -> Framing:
        """FER2013's face framing in units of the detector's boxes."""
        return self._detector.framing

    @property
    def description(self) -> Description:
        """The input size, and the settings of the wrapped detector."""
        return {
            **description_of(self._detector),
            "detector_px": self._detector_px,
            "detector_pass_px": self._long_side_px,
        }

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces in a uint8 (H, W, 3) BGR image, largest first; an empty list if none.

        Raises:
            InputError: The image has another dtype or shape.
        """
        check_image(image)
        whole = self._detector.detect(image)
        size_wh = (image.shape[1], image.shape[0])
        tiles = self.plan(size_wh).tiles
        if not tiles:
            return whole
        return merge_passes([whole, *(self._detect_tile(image, tile) for tile in tiles)])

    def _detect_tile(self, image: npt.NDArray[np.uint8], tile: Tile) -> list[FaceDetection]:
        size_wh = (image.shape[1], image.shape[0])
        found = [_moved(face, tile) for face in self._detector.detect(tile.cut(image))]
        return [face for face in found if not tile.is_cutting(face.box, size_wh)]

    def plan(self, size_wh: tuple[int, int]) -> TilePlan:
        """Return the tiles for an image of (width, height) pixels."""
        coarse = input_scale(size_wh, self._shapes)
        if self._detector_px == self._long_side_px:
            return self._plan(size_wh, coarse, coarse)
        if self._detector_px is not None:
            fine = min(self._detector_px / _long_side(size_wh), MAX_ENLARGEMENT)
            return self._plan(size_wh, coarse, fine)
        if not self._misses_expected(size_wh, self._smallest_px / coarse):
            return self._plan(size_wh, coarse, coarse)
        expected = expected_px(size_wh, self._smallest_px)
        fine = self._smallest_px / min(expected, _TARGET_PX)
        plan = self._plan(size_wh, coarse, fine)
        while len(plan.tiles) > _MAX_TILES:
            fine *= 0.97
            plan = self._plan(size_wh, coarse, fine)
        return plan

    def _plan(self, size_wh: tuple[int, int], coarse: float, fine: float) -> TilePlan:
        if fine <= coarse:
            return TilePlan((), self._smallest_px / coarse, self._long_side_px)
        n_steps = math.ceil(math.log(fine / coarse) / math.log(_MAX_STEP))
        step = (fine / coarse) ** (1 / n_steps)
        tiles: list[Tile] = []
        for number in range(1, n_steps + 1):
            scale = coarse * step**number
            # No face is larger than the image is wide or high.
            overlap = min(step * self._smallest_px * _OVERLAP_FACES, min(size_wh) * scale)
            tiles += lay_tiles(size_wh, self._shapes, scale=scale, overlap_px=overlap)
        detector_px = math.ceil(fine * _long_side(size_wh))
        return TilePlan(tuple(tiles), self._smallest_px / fine, detector_px)

    def _misses_expected(self, size_wh: tuple[int, int], smallest_px: float) -> bool:
        is_room_for_faces = min(size_wh) >= self._smallest_px
        return is_room_for_faces and smallest_px > expected_px(size_wh, self._smallest_px)

    def warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """Return a warning if the smallest expected faces in an image of that size are missed."""
        plan = self.plan(size_wh)
        if not self._misses_expected(size_wh, plan.smallest_px):
            return ()
        return (
            f"faces below {plan.smallest_px:.0f} px may be missed in an image of this size; a "
            f"detector_px (--detector-px) above {plan.detector_px} detects smaller faces and "
            "takes longer",
        )


@runtime_checkable
class _HasWarnings(Protocol):
    """A detector with warnings, or a wrapper around one."""

    def warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]: ...


def detection_warnings(detector: FaceDetector, size_wh: tuple[int, int]) -> tuple[str, ...]:
    """Return a detector's warnings about missed faces in an image of (width, height) pixels.

    Empty for a detector without warnings.
    """
    return detector.warnings(size_wh) if isinstance(detector, _HasWarnings) else ()


def _long_side(size_wh: tuple[int, int]) -> float:
    """Return the longer side of a 4:3 image with the same number of pixels."""
    return math.sqrt(size_wh[0] * size_wh[1] * BASE_ASPECT)


def expected_px(size_wh: tuple[int, int], smallest_px: float) -> float:
    """Return the side of the smallest face that users expect to be detected in an image.

    Args:
        size_wh: (width, height) of the image in pixels.
        smallest_px: Side of the smallest face that the detector can detect at all, in pixels.
    """
    return min(_EXPECTED_PX, max(smallest_px, _EXPECTED_SHARE * min(size_wh)))


def lay_tiles(
    size_wh: tuple[int, int],
    shapes: Sequence[tuple[int, int]],
    *,
    scale: float,
    overlap_px: float,
) -> list[Tile]:
    """Cover an image with overlapping tiles of the shape that needs the fewest.

    Args:
        size_wh: (width, height) of the image in pixels.
        shapes: (width, height) of the available inputs, in input pixels.
        scale: Input pixels per pixel of the image.
        overlap_px: Minimum overlap of neighbouring tiles, in input pixels.
    """
    grids = [
        [
            _starts(side, math.floor(length / scale), overlap_px / scale)
            for side, length in zip(size_wh, shape, strict=True)
        ]
        for shape in shapes
    ]
    best = min(range(len(shapes)), key=lambda row: len(grids[row][0]) * len(grids[row][1]))
    width, height = (
        min(side, math.floor(length / scale))
        for side, length in zip(size_wh, shapes[best], strict=True)
    )
    lefts, tops = grids[best]
    return [Tile(left, top, left + width, top + height) for top in tops for left in lefts]


def _starts(side: int, length: int, overlap: float) -> list[int]:
    """Return the start positions of tiles of a length that cover a side evenly."""
    if length >= side:
        return [0]
    n_tiles = max(math.ceil((side - overlap) / max(length - overlap, 1)), 2)
    return [round(index * (side - length) / (n_tiles - 1)) for index in range(n_tiles)]


def _moved(face: FaceDetection, tile: Tile) -> FaceDetection:
    """Convert a face of a tile to pixels of the image."""
    offset = np.array([tile.left, tile.top], np.float32)
    x_min, y_min, x_max, y_max = face.box.to_tuple()
    box = Box(x_min + tile.left, y_min + tile.top, x_max + tile.left, y_max + tile.top)
    landmarks = None if face.landmarks is None else face.landmarks + offset
    return replace(face, box=box, landmarks=landmarks)


def merge_passes(passes: Sequence[Sequence[FaceDetection]]) -> list[FaceDetection]:
    """Merge the detections of several passes over an image into one per face.

    Args:
        passes: Detections of each pass, in pixels of the same image, each face at most once per
            pass.

    Returns:
        The faces, each as in the pass with the best score; largest first.
    """
    ranked = sorted(
        ((face, number) for number, faces in enumerate(passes) for face in faces),
        key=lambda pair: -pair[0].score,
    )
    if not ranked:
        return []
    boxes = np.array([face.box.to_tuple() for face, _ in ranked], np.float64)
    numbers = np.array([number for _, number in ranked])
    is_open = np.ones(len(ranked), bool)
    kept: list[FaceDetection] = []
    for row, (face, number) in enumerate(ranked):
        if is_open[row]:
            kept.append(face)
            is_open &= ~(_is_same_face(boxes[row], boxes) & (numbers != number))
    return sorted(kept, key=lambda face: (-face.box.area, -face.score))


def _is_same_face(
    best: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Whether boxes (N, 4) show the face of a better one (4,), or a part of it: bool (N,)."""
    low, high = np.maximum(best[:2], boxes[:, :2]), np.minimum(best[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    area, areas = (best[2:] - best[:2]).prod(), (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    is_inside = shared > _INSIDE_SHARE * np.minimum(area, areas)
    is_no_larger_face = areas <= _SAME_FACE_RATIO**2 * area
    is_same = shared > _SAME_FACE_IOU * (area + areas - shared)
    return np.asarray(is_same | (is_inside & is_no_larger_face), np.bool_)
