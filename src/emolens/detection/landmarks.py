"""Refinement of detected faces by the landmark network: face probability, box, landmarks and roll.

One small network serves all detectors, so landmarks, boxes and framing have the same meaning for
each of them, also for faces that are sideways or upside down.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.description import LANDMARKS, Description, description_of
from emolens.core.errors import ModelError
from emolens.core.face import MIRRORED_LANDMARKS, FaceDetection, FaceRoll
from emolens.core.geometry import Box, Framing
from emolens.core.ports import FaceDetector
from emolens.detection.letterbox import input_scale
from emolens.detection.tiles import detection_warnings
from emolens.imaging.closeup import cut_closeup
from emolens.runtime.batches import run_rows
from emolens.runtime.model_file import LANDMARK_OUTPUTS, LandmarkModel

# All from docs/experiments/0017-landmarks.md.
LANDMARK_FRAMING: Final = Framing(shift_x=-0.001, shift_y=-0.025, scale=0.972)
"""FER2013's face framing in units of the network's boxes."""
# Detections with a lower probability are not faces. In the second and the third crop, real faces
# have 0.94 and more.
_MIN_FACE: Final = 0.7
# A crop is rotated if the previous one shows more roll than this.
_MIN_TURN_DEGREES: Final = 5.0
# If more roll remains in the last crop, the orientation of the face is uncertain.
_MAX_RESIDUAL_DEGREES: Final = 30.0

# The coarse detector is used if the box of every known face is at least this wide or high in its
# input: the smallest size at which nine of ten faces in photographs are detected.
# Source: docs/experiments/0001-framing.md.
_MIN_COARSE_FACE_PX: Final = 48.0
# Two detections of one face, as in `emolens.detection.tiles`.
_SAME_FACE_IOU: Final = 0.5
# A detection and a followed face. Lower, because the detector's box of a rolled face differs from
# the network's.
_SAME_FOLLOWED_IOU: Final = 0.3

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CoarseDetector:
    """A detector with a small input.

    Attributes:
        detector: The detector.
        sizes: (width, height) of its inputs.
    """

    detector: FaceDetector
    sizes: Sequence[tuple[int, int]]

    def resolves(self, faces: Sequence[FaceDetection], size_wh: tuple[int, int]) -> bool:
        """Whether faces in an image of (width, height) px are large enough for this detector."""
        sides = [max(face.box.width, face.box.height) for face in faces]
        return min(sides) * input_scale(size_wh, self.sizes) >= _MIN_COARSE_FACE_PX


class LandmarkDetector:
    """A detector whose detections are verified and refined by the landmark network.

    Each detection is cropped three times: with the detector's box, then twice with the box and the
    roll of the previous crop. Detections that are not a face in the second or third crop are left
    out. Boxes, landmarks and roll are those of the last crop, averaged with its mirror image.
    Scores are those of the wrapped detector.

    Implements `emolens.core.ports.FaceDetector` and `FaceFollower`.

    Args:
        detector: Detects the faces.
        model: The landmark network.
        coarse: The same detector with a smaller input, for `redetect`.
    """

    def __init__(
        self, detector: FaceDetector, model: LandmarkModel, *, coarse: CoarseDetector | None = None
    ) -> None:
        self._detector = detector
        self._model = model
        self._coarse = coarse

    @property
    def name(self) -> str:
        """Name of the wrapped detector."""
        return self._detector.name

    @property
    def framing(self) -> Framing:
        """FER2013's face framing; for a rolled face in units of `roll.box`."""
        return LANDMARK_FRAMING

    @property
    def description(self) -> Description:
        """The landmark network, and the settings of the wrapped detector."""
        return {
            **description_of(self._detector),
            LANDMARKS: self._model.identity,
        }

    def warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """Return the wrapped detector's warnings for an image of (width, height) pixels."""
        return detection_warnings(self._detector, size_wh)

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces in an image, each with landmarks and its roll.

        Args:
            image: uint8 (H, W, 3), BGR, of any size.

        Returns:
            The faces, largest first; an empty list if there are none.

        Raises:
            InputError: The image has another dtype or shape.
            ModelError: The landmark network returned numbers that are not finite.
        """
        return self._refined(image, self._detector.detect(image))

    def redetect(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection]:
        """Detect the faces in an image with known faces, with a smaller input if these are large.

        A detection at a known face is refined by one crop, as in `follow`; the others as in
        `detect`.

        Args:
            image: uint8 (H, W, 3), BGR.
            expected: The known faces at their expected positions, as returned by `moved_to`.

        Returns:
            As for `detect`, which is used if a known face is too small for the coarse detector or
            is missed. Otherwise, other small faces may be missed.

        Raises:
            InputError: The image has another dtype or shape.
            ModelError: The landmark network returned numbers that are not finite.
        """
        size_wh = (image.shape[1], image.shape[0])
        if self._coarse is None or not expected or not self._coarse.resolves(expected, size_wh):
            return self.detect(image)
        found = self._coarse.detector.detect(image)
        known, new = _split_known(self.follow(image, expected), found)
        if len(known) < len(expected):
            return self.detect(image)
        return _deduplicated([*known, *self._refined(image, new)])

    def _refined(
        self, image: npt.NDArray[np.uint8], found: Sequence[FaceDetection]
    ) -> list[FaceDetection]:
        """Refine detections and leave out those that are not faces."""
        if not found:
            return []
        scale = self._model.manifest.scale
        first = self._estimate(image, [_Square.around(face.box, scale) for face in found])
        second = self._estimate(image, [estimate.next_square(scale) for estimate in first])
        likely = [pair for pair in zip(found, second, strict=True) if pair[1].is_face]
        if not likely:
            return []
        squares = [estimate.next_square(scale) for _, estimate in likely]
        last = self._estimate(image, squares, also_mirrored=True)
        size_wh = (image.shape[1], image.shape[0])
        return _deduplicated(
            [
                estimate.to_detection(face.score, size_wh)
                for (face, _), estimate in zip(likely, last, strict=True)
                if estimate.is_face
            ]
        )

    def follow(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection | None]:
        """Locate known faces in the next frame, with one crop at each expected position.

        Args:
            image: uint8 (H, W, 3), BGR.
            expected: The faces at their expected positions, as returned by `moved_to`.

        Returns:
            Each face at its new position, with its previous score, in the order given; None if the
            crop shows no upright face.

        Raises:
            ModelError: The landmark network returned numbers that are not finite.
        """
        if not expected:
            return []
        scale, size_wh = self._model.manifest.scale, (image.shape[1], image.shape[0])
        estimates = self._estimate(image, [_Square.of(face, scale) for face in expected])
        return [
            estimate.to_detection(face.score, size_wh)
            if estimate.is_face and estimate.is_upright
            else None
            for face, estimate in zip(expected, estimates, strict=True)
        ]

    def _estimate(
        self,
        image: npt.NDArray[np.uint8],
        squares: Sequence["_Square"],
        *,
        also_mirrored: bool = False,
    ) -> list["_Estimate"]:
        """Run the network once on each square, optionally averaged with its mirror image."""
        size_px = self._model.manifest.size_px
        closeups = np.stack([square.cut(image, size_px) for square in squares])[:, None]
        if also_mirrored:
            closeups = np.concatenate([closeups, closeups[..., ::-1]])
        outputs = run_rows(self._model.session, closeups, LANDMARK_OUTPUTS)
        if not all(np.isfinite(output).all() for output in outputs):
            raise ModelError("the landmark network returned numbers that are not finite")
        if also_mirrored:
            plain, mirrored = zip(*(np.split(output, 2) for output in outputs), strict=True)
            pairs = zip(plain, _unmirrored(*mirrored), strict=True)
            outputs = [(one + other) / 2 for one, other in pairs]
        return [_Estimate(*row) for row in zip(squares, *outputs, strict=True)]


def _unmirrored(landmarks: Floats, boxes: Floats, is_face: Floats) -> tuple[Floats, ...]:
    """Convert outputs for mirror images to outputs for the original images."""
    flip = np.array([-1, 1], np.float32)
    boxes = np.concatenate([boxes[:, :2] * flip, boxes[:, 2:]], axis=1)
    return (landmarks * flip)[:, list(MIRRORED_LANDMARKS)], boxes, is_face


@dataclass(frozen=True, slots=True)
class _Square:
    """A square of the image, rotated clockwise about its centre."""

    box: Box
    turn_degrees: float = 0.0

    @classmethod
    def of(cls, face: FaceDetection, scale: float) -> "_Square":
        """Return the square in which a known face is nearly upright."""
        roll = face.roll
        if roll is None:
            return cls.around(face.box, scale)
        return cls.around(roll.box, scale, _turn_degrees(roll.degrees))

    @classmethod
    def around(cls, box: Box, scale: float, turn_degrees: float = 0.0) -> "_Square":
        side = scale * max(box.width, box.height, 1.0)
        return cls(Box.from_center(box.center_xy, side), turn_degrees)

    def cut(self, image: npt.NDArray[np.uint8], size_px: int) -> Floats:
        closeup = cut_closeup(image, self.box, size_px, turn_degrees=self.turn_degrees)
        return closeup.astype(np.float32)

    def to_image(self, points: Floats) -> npt.NDArray[np.float64]:
        """Convert points (N, 2), relative to the centre in units of the side, to image pixels."""
        angle = math.radians(self.turn_degrees)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        placed = self.box.width * points.astype(np.float64) @ turn.T
        return np.asarray(placed + np.array(self.box.center_xy))


@dataclass(frozen=True, slots=True, eq=False)
class _Estimate:
    """The network's outputs for one square, relative to its centre in units of its side."""

    square: _Square
    landmarks: Floats
    box: Floats
    probability: float

    @property
    def is_face(self) -> bool:
        return self.probability >= _MIN_FACE

    @property
    def is_upright(self) -> bool:
        return abs(self.residual_degrees) <= _MAX_RESIDUAL_DEGREES

    @property
    def residual_degrees(self) -> float:
        """Roll of the face in the square, from the line between the centres of eyes and mouth."""
        across, down = self.landmarks[3:].mean(axis=0) - self.landmarks[:2].mean(axis=0)
        return math.degrees(math.atan2(-across, down))

    def upright_box(self) -> Box:
        """Return the box of the face in pixels, as if the face were upright."""
        (center,) = self.square.to_image(self.box[None, :2])
        half_w, half_h = (self.square.box.width * float(side) / 2 for side in self.box[2:])
        x, y = map(float, center)
        return Box(x - half_w, y - half_h, x + half_w, y + half_h)

    def next_square(self, scale: float) -> _Square:
        roll = self.square.turn_degrees + self.residual_degrees
        return _Square.around(self.upright_box(), scale, _turn_degrees(roll))

    def to_detection(self, score: float, size_wh: tuple[int, int]) -> FaceDetection:
        upright = self.upright_box()
        roll = wrap(self.square.turn_degrees + self.residual_degrees)
        return FaceDetection(
            turned_box(upright, self.square.turn_degrees).clip(size_wh),
            score,
            self.square.to_image(self.landmarks).astype(np.float32),
            FaceRoll(roll, upright, self.is_upright),
        )


def moved_to(face: FaceDetection, box: Box) -> FaceDetection:
    """Return a face moved and scaled to another box.

    Args:
        face: The face at its last position.
        box: Its new box, in pixels.
    """
    roll = face.roll
    if roll is not None:
        grown = max(box.width, box.height) / max(face.box.width, face.box.height, 1.0)
        # Only the box may be clipped, so the centres of the box and the upright box may differ.
        x, y = (
            now + grown * (upright - before)
            for now, upright, before in zip(
                box.center_xy, roll.box.center_xy, face.box.center_xy, strict=True
            )
        )
        half_w, half_h = grown * roll.box.width / 2, grown * roll.box.height / 2
        placed = Box(x - half_w, y - half_h, x + half_w, y + half_h)
        roll = FaceRoll(roll.degrees, placed, roll.is_certain)
    return replace(face, box=box, checked_roll=roll)


def turned_box(box: Box, degrees: float) -> Box:
    """Return the box around the ellipse inscribed in a box that is rotated about its centre.

    A head is roughly an ellipse, so the corners of the box do not count. 0 degrees return the box
    itself, 90 degrees the box on its side.
    """
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle) ** 2, math.sin(angle) ** 2
    half_w = math.sqrt(cosine * box.width**2 + sine * box.height**2) / 2
    half_h = math.sqrt(sine * box.width**2 + cosine * box.height**2) / 2
    x, y = box.center_xy
    return Box(x - half_w, y - half_h, x + half_w, y + half_h)


def _turn_degrees(degrees: float) -> float:
    return wrap(degrees) if abs(wrap(degrees)) > _MIN_TURN_DEGREES else 0.0


def wrap(degrees: float) -> float:
    """Return the same angle between -180 and 180 degrees."""
    return (degrees + 180) % 360 - 180


def _split_known(
    followed: Sequence[FaceDetection | None], found: Sequence[FaceDetection]
) -> tuple[list[FaceDetection], list[FaceDetection]]:
    """Split detections into known faces, with their new scores, and new ones."""
    new = list(found)
    known = []
    for face in followed:
        same = max(new, key=lambda other: other.box.iou(face.box), default=None) if face else None
        if face and same and same.box.iou(face.box) >= _SAME_FOLLOWED_IOU:
            new = [other for other in new if other is not same]
            known.append(replace(face, score=same.score))
    return known, new


def _deduplicated(faces: Sequence[FaceDetection]) -> list[FaceDetection]:
    """Keep the best of overlapping detections, without empty boxes, largest first."""
    kept: list[FaceDetection] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if face.box.area > 0 and all(face.box.iou(other.box) <= _SAME_FACE_IOU for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: (-face.box.area, -face.score))
