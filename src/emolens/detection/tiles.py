"""Large and long images in several looks: the whole image, then overlapping tiles at finer scales.

A detector brings every image to one input size, so faces of a large image shrink with it. Tiles
show them larger, whatever the detector. Each tile has the shape of one of the detector's own
inputs, so that memory does not grow with the image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

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
# Smaller faces than this, or than this part of the shorter side, are not expected to be found in
# a large or long image. One look at 1280x960 px detects faces from 58 px.
_EXPECTED_PX = 60.0
_EXPECTED_SHARE = 1 / 4
# Where tiles are needed, they show faces from this size, that of FER2013's images ...
_WANTED_PX = 48.0
# ... as far as so many of them suffice.
_MAX_TILES = 24
# Input pixels per image pixel grow from look to look by this at most.
_MAX_STEP = 4.5
# Tiles overlap by this many of the smallest faces that the coarser look detects, so that a face
# at the edge of a tile is wholly inside another one, or large enough for the coarser look.
_OVERLAP_FACES = 1.3
# A box that ends so close to a tile's edge, in parts of its side, is of a face that was cut.
_CUT_SHARE = 0.02
# Two boxes of different looks are one face if they overlap by more than this (intersection over
# union), or if so much of the smaller one lies inside the larger one ...
_SAME_FACE_IOU = 0.3
_INSIDE_SHARE = 0.7
# ... and the larger side is at most so many times the smaller one. Beyond it, the smaller one is
# taken for a part of the larger face unless it has the better score.
_SAME_FACE_RATIO = 2.5


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of an image, in whole pixels: half-open, from (left, top) to (right, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    def cut(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The pixels, a view of the image."""
        return image[self.top : self.bottom, self.left : self.right]

    def is_cutting(self, box: Box, size_wh: tuple[int, int]) -> bool:
        """Whether a box, in pixels of the image, ends at an edge that is not the image's own."""
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
    """Where a detector looks, beside the whole image.

    Attributes:
        tiles: The tiles, the coarsest scale first; empty where one look is enough.
        smallest_px: Side of the smallest face that is looked for, in pixels of the image, framed
            as `FaceQuality.size_px` is.
        detector_px: Longer side of the 4:3 input that all looks together stand for.
    """

    tiles: tuple[Tile, ...]
    smallest_px: float
    detector_px: int


class TiledDetector:
    """Lets any detector see the small faces of large and long images.

    The whole image is always looked at once, so an image that needs no tiles gets exactly what the
    detector gives. It costs one call of the detector per tile.

    Args:
        detector: Finds the faces of one look.
        long_side_px: The longer side of that detector's 4:3 input.
        smallest_px: Side of the smallest face that it finds, in pixels of its input.
        detector_px: Longer side of the 4:3 input that all looks together stand for: tiles show an
            image with as many pixels as it has. None chooses by size and shape of each image.
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
        """The name of the detector behind it."""
        return self._detector.name

    @property
    def framing(self) -> Framing:
        """How FER2013 frames a face, in units of the detector's boxes."""
        return self._detector.framing

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Find the faces of a uint8 (H, W, 3) BGR image, largest first; an empty list if none.

        Raises:
            InputError: Not an image of that kind.
        """
        check_image(image)
        whole = self._detector.detect(image)
        size_wh = (image.shape[1], image.shape[0])
        tiles = self.plan(size_wh).tiles
        if not tiles:
            return whole
        return merge_looks([whole, *(self._look(image, tile) for tile in tiles)])

    def _look(self, image: npt.NDArray[np.uint8], tile: Tile) -> list[FaceDetection]:
        size_wh = (image.shape[1], image.shape[0])
        found = [_moved(face, tile) for face in self._detector.detect(tile.cut(image))]
        return [face for face in found if not tile.is_cutting(face.box, size_wh)]

    def plan(self, size_wh: tuple[int, int]) -> TilePlan:
        """Where to look in an image of (width, height) pixels."""
        coarse = input_scale(size_wh, self._shapes)
        if self._detector_px == self._long_side_px:
            return self._plan(size_wh, coarse, coarse)
        if self._detector_px is not None:
            fine = min(self._detector_px / _long_side(size_wh), MAX_ENLARGEMENT)
            return self._plan(size_wh, coarse, fine)
        if not self._is_less_than_expected(size_wh, self._smallest_px / coarse):
            return self._plan(size_wh, coarse, coarse)
        expected = expected_px(size_wh, self._smallest_px)
        fine = self._smallest_px / min(expected, _WANTED_PX)
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

    def _is_less_than_expected(self, size_wh: tuple[int, int], smallest_px: float) -> bool:
        is_room_for_faces = min(size_wh) >= self._smallest_px
        return is_room_for_faces and smallest_px > expected_px(size_wh, self._smallest_px)

    def warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """What users should know about faces that are not looked for in an image of that size."""
        plan = self.plan(size_wh)
        if not self._is_less_than_expected(size_wh, plan.smallest_px):
            return ()
        return (
            f"faces below {plan.smallest_px:.0f} px are not looked for here; a detector_px "
            f"(--detector-px) above {plan.detector_px} detects smaller ones and takes longer",
        )


@runtime_checkable
class _TellsWhatIsLeftOut(Protocol):
    """A detector with warnings, or one around it."""

    def warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]: ...


def detection_warnings(detector: FaceDetector, size_wh: tuple[int, int]) -> tuple[str, ...]:
    """Warnings on what a detector leaves out in an image of (width, height) pixels.

    Empty for a detector that does not plan its looks by the size of the image.
    """
    return detector.warnings(size_wh) if isinstance(detector, _TellsWhatIsLeftOut) else ()


def _long_side(size_wh: tuple[int, int]) -> float:
    """Longer side of a 4:3 image with as many pixels."""
    return math.sqrt(size_wh[0] * size_wh[1] * BASE_ASPECT)


def expected_px(size_wh: tuple[int, int], smallest_px: float) -> float:
    """Side of the smallest face that people expect to be found in an image of that size.

    Args:
        size_wh: (width, height) of the image in pixels.
        smallest_px: Side of the smallest face that can be found at all, in pixels.
    """
    return min(_EXPECTED_PX, max(smallest_px, _EXPECTED_SHARE * min(size_wh)))


def lay_tiles(
    size_wh: tuple[int, int],
    shapes: Sequence[tuple[int, int]],
    *,
    scale: float,
    overlap_px: float,
) -> list[Tile]:
    """Cover an image with overlapping tiles of one shape, that which needs fewest.

    Args:
        size_wh: (width, height) of the image in pixels.
        shapes: (width, height) of the inputs to choose from, in input pixels.
        scale: Input pixels per pixel of the image.
        overlap_px: Neighbouring tiles share at least this much, in input pixels.
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
    """Where tiles of a length begin that cover a side evenly."""
    if length >= side:
        return [0]
    n_tiles = max(math.ceil((side - overlap) / max(length - overlap, 1)), 2)
    return [round(index * (side - length) / (n_tiles - 1)) for index in range(n_tiles)]


def _moved(face: FaceDetection, tile: Tile) -> FaceDetection:
    """A face of a tile in pixels of the image."""
    offset = np.array([tile.left, tile.top], np.float32)
    x_min, y_min, x_max, y_max = face.box.to_tuple()
    box = Box(x_min + tile.left, y_min + tile.top, x_max + tile.left, y_max + tile.top)
    landmarks = None if face.landmarks is None else face.landmarks + offset
    return replace(face, box=box, landmarks=landmarks)


def merge_looks(looks: Sequence[Sequence[FaceDetection]]) -> list[FaceDetection]:
    """One detection per face from several looks at an image.

    Args:
        looks: What each look found, in pixels of the same image; a look names a face once.

    Returns:
        The faces, each as the look saw it that scored it best; largest first.
    """
    ranked = sorted(
        ((face, number) for number, look in enumerate(looks) for face in look),
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
    """Which of N boxes (N, 4) show the face of a better one (4,), or a part of it: bool (N,)."""
    low, high = np.maximum(best[:2], boxes[:, :2]), np.minimum(best[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    area, areas = (best[2:] - best[:2]).prod(), (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    is_inside = shared > _INSIDE_SHARE * np.minimum(area, areas)
    is_no_larger_face = areas <= _SAME_FACE_RATIO**2 * area
    is_same = shared > _SAME_FACE_IOU * (area + areas - shared)
    return np.asarray(is_same | (is_inside & is_no_larger_face), np.bool_)
