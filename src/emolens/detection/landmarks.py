"""Look closely at every face that a detector finds: is it one, where exactly, and how is it rolled?

One small network answers for every detector, so that landmarks, boxes and framing mean the same
whichever one is behind it, also for faces that lie on their side or upside down.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

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
"""How FER2013 frames a face, in units of the network's boxes."""
# Below this probability a find is not a face. In the second and the third look real faces have
# 0.94 and more.
_MIN_FACE: Final = 0.7
# A look is turned where the one before shows more roll than this, ...
_NEARLY_DEGREES: Final = 5.0
# ... and what is left of the roll in the end must be less, or nobody knows which way is up.
_REST_DEGREES: Final = 30.0

# A known face is searched for at a size at which its box is at least so wide or high: the smallest
# at which nine of ten faces of photographs are found (docs/experiments/0001-framing.md).
_QUICK_PX: Final = 48.0
# Two finds of one face, as `emolens.detection.tiles` merges looks.
_SAME_FACE_IOU: Final = 0.5
# A find and the same face followed: a detector's box of a rolled face differs from the network's.
_SAME_FIND_IOU: Final = 0.3

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QuickLook:
    """A detector with a small input, and how large faces come out in it.

    Attributes:
        detector: The detector.
        sizes: (width, height) of its inputs.
    """

    detector: FaceDetector
    sizes: Sequence[tuple[int, int]]

    def shows(self, faces: Sequence[FaceDetection], size_wh: tuple[int, int]) -> bool:
        """Whether faces of an image of (width, height) px are large enough to be seen again."""
        sides = [max(face.box.width, face.box.height) for face in faces]
        return min(sides) * input_scale(size_wh, self.sizes) >= _QUICK_PX


class LandmarkDetector:
    """Another detector whose finds are looked at again, closely, by the landmark network.

    Each find is looked at three times: as the detector frames it, and twice as the look before
    frames it, turned upright. Finds that look like no face in one of these two are left out. Boxes,
    landmarks and roll are those of the last look, at the face and at its mirror image; scores are
    the other detector's.

    Implements `emolens.core.ports.FaceDetector` and `FaceFollower`.

    Args:
        detector: Finds the faces.
        model: The landmark network.
        quick: The same detector with a smaller input, for `search_known`.
    """

    def __init__(
        self, detector: FaceDetector, model: LandmarkModel, *, quick: QuickLook | None = None
    ) -> None:
        self._detector = detector
        self._model = model
        self._quick = quick

    @property
    def name(self) -> str:
        """The other detector's name."""
        return self._detector.name

    @property
    def framing(self) -> Framing:
        """How FER2013 frames a face; for a rolled face in units of `roll.box`."""
        return LANDMARK_FRAMING

    def warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """What the other detector leaves out in an image of (width, height) pixels."""
        return detection_warnings(self._detector, size_wh)

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces of an image, each with landmarks and its roll.

        Args:
            image: uint8 (H, W, 3), BGR, of any size.

        Returns:
            The faces, largest first; an empty list if there are none.

        Raises:
            InputError: Not an image of that kind.
            ModelError: The landmark network gave numbers that are not finite.
        """
        return self._checked(image, self._detector.detect(image))

    def search_known(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection]:
        """Search an image in which some faces are known, at a smaller size if they are large.

        A find where a known face is expected is looked at once, as by `follow`; others as by
        `detect`.

        Args:
            image: uint8 (H, W, 3), BGR.
            expected: The known faces as they should be now, as `moved_to` gives them.

        Returns:
            As `detect`, which takes over where a known face would be small or is missed; other
            small faces may be missed.

        Raises:
            InputError: Not an image of that kind.
            ModelError: The landmark network gave numbers that are not finite.
        """
        size_wh = (image.shape[1], image.shape[0])
        if self._quick is None or not expected or not self._quick.shows(expected, size_wh):
            return self.detect(image)
        found = self._quick.detector.detect(image)
        known, new = _told_apart(self.follow(image, expected), found)
        if len(known) < len(expected):
            return self.detect(image)
        return _in_order([*known, *self._checked(image, new)])

    def _checked(
        self, image: npt.NDArray[np.uint8], found: Sequence[FaceDetection]
    ) -> list[FaceDetection]:
        """What a detector found, each face placed, those that are none left out."""
        if not found:
            return []
        scale = self._model.manifest.scale
        first = self._look(image, [_Square.around(face.box, scale) for face in found])
        second = self._look(image, [look.next_square(scale) for look in first])
        likely = [pair for pair in zip(found, second, strict=True) if pair[1].is_face]
        if not likely:
            return []
        squares = [look.next_square(scale) for _, look in likely]
        last = self._look(image, squares, also_mirrored=True)
        size_wh = (image.shape[1], image.shape[0])
        return _in_order(
            [
                look.to_detection(face.score, size_wh)
                for (face, _), look in zip(likely, last, strict=True)
                if look.is_face
            ]
        )

    def follow(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection | None]:
        """Find faces again in the next frame, by one look where each is expected.

        Args:
            image: uint8 (H, W, 3), BGR.
            expected: The faces as they should be now, as `moved_to` gives them.

        Returns:
            Each face as it is, with the score that it had, in the order given; None where the look
            shows no face.

        Raises:
            ModelError: The landmark network gave numbers that are not finite.
        """
        if not expected:
            return []
        scale, size_wh = self._model.manifest.scale, (image.shape[1], image.shape[0])
        looks = self._look(image, [_Square.of(face, scale) for face in expected])
        return [
            look.to_detection(face.score, size_wh) if look.is_face and look.is_upright else None
            for face, look in zip(expected, looks, strict=True)
        ]

    def _look(
        self,
        image: npt.NDArray[np.uint8],
        squares: Sequence["_Square"],
        *,
        also_mirrored: bool = False,
    ) -> list["_Look"]:
        """One look at each square; what the mirror image shows is averaged with it if asked for."""
        size_px = self._model.manifest.size_px
        closeups = np.stack([square.cut(image, size_px) for square in squares])[:, None]
        if also_mirrored:
            closeups = np.concatenate([closeups, closeups[..., ::-1]])
        answers = run_rows(self._model.session, closeups, LANDMARK_OUTPUTS)
        if not all(np.isfinite(answer).all() for answer in answers):
            raise ModelError("the landmark network gave numbers that are not finite")
        if also_mirrored:
            plain, mirrored = zip(*(np.split(answer, 2) for answer in answers), strict=True)
            pairs = zip(plain, _mirrored_back(*mirrored), strict=True)
            answers = [(one + other) / 2 for one, other in pairs]
        return [_Look(*row) for row in zip(squares, *answers, strict=True)]


def _mirrored_back(landmarks: Floats, boxes: Floats, is_face: Floats) -> tuple[Floats, ...]:
    """Answers for mirror images as they are for the images themselves."""
    flip = np.array([-1, 1], np.float32)
    boxes = np.concatenate([boxes[:, :2] * flip, boxes[:, 2:]], axis=1)
    return (landmarks * flip)[:, list(MIRRORED_LANDMARKS)], boxes, is_face


@dataclass(frozen=True, slots=True)
class _Square:
    """A square of the image, turned clockwise about its centre."""

    box: Box
    turn_degrees: float = 0.0

    @classmethod
    def of(cls, face: FaceDetection, scale: float) -> "_Square":
        """The square in which a known face stands about upright."""
        roll = face.roll
        if roll is None:
            return cls.around(face.box, scale)
        return cls.around(roll.box, scale, _worth_turning(roll.degrees))

    @classmethod
    def around(cls, box: Box, scale: float, turn_degrees: float = 0.0) -> "_Square":
        side = scale * max(box.width, box.height, 1.0)
        return cls(Box.from_center(box.center_xy, side), turn_degrees)

    def cut(self, image: npt.NDArray[np.uint8], size_px: int) -> Floats:
        closeup = cut_closeup(image, self.box, size_px, turn_degrees=self.turn_degrees)
        return closeup.astype(np.float32)

    def to_image(self, points: Floats) -> npt.NDArray[np.float64]:
        """Points (N, 2) in sides of the square from its middle, in pixels of the image."""
        angle = math.radians(self.turn_degrees)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        placed = self.box.width * points.astype(np.float64) @ turn.T
        return np.asarray(placed + np.array(self.box.center_xy))


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What the network says of one square, in sides of it from its middle."""

    square: _Square
    landmarks: Floats
    box: Floats
    probability: float

    @property
    def is_face(self) -> bool:
        return self.probability >= _MIN_FACE

    @property
    def is_upright(self) -> bool:
        return abs(self.rest_degrees) <= _REST_DEGREES

    @property
    def rest_degrees(self) -> float:
        """Roll of the face in the square: from the middle of the eyes to that of the mouth."""
        across, down = self.landmarks[3:].mean(axis=0) - self.landmarks[:2].mean(axis=0)
        return math.degrees(math.atan2(-across, down))

    def upright_box(self) -> Box:
        """The face's box in pixels, as it is once the face stands upright."""
        (center,) = self.square.to_image(self.box[None, :2])
        half_w, half_h = (self.square.box.width * float(side) / 2 for side in self.box[2:])
        x, y = map(float, center)
        return Box(x - half_w, y - half_h, x + half_w, y + half_h)

    def next_square(self, scale: float) -> _Square:
        roll = self.square.turn_degrees + self.rest_degrees
        return _Square.around(self.upright_box(), scale, _worth_turning(roll))

    def to_detection(self, score: float, size_wh: tuple[int, int]) -> FaceDetection:
        upright = self.upright_box()
        roll = wrap(self.square.turn_degrees + self.rest_degrees)
        return FaceDetection(
            turned_box(upright, self.square.turn_degrees).clip(size_wh),
            score,
            self.square.to_image(self.landmarks).astype(np.float32),
            FaceRoll(roll, upright, self.is_upright),
        )


def moved_to(face: FaceDetection, box: Box) -> FaceDetection:
    """A face whose box is expected to be another now: moved there, and as large.

    Args:
        face: The face as it was seen last.
        box: Its box now, in pixels.
    """
    roll = face.roll
    if roll is not None:
        grown = max(box.width, box.height) / max(face.box.width, face.box.height, 1.0)
        # The box may be clipped and the upright one is not, so their middles may differ.
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
    """The box around the ellipse that a box holds, once it is turned about its centre.

    A head is about elliptic; the corners of a box are none of it. 0 degrees give the box itself, 90
    the box on its side.
    """
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle) ** 2, math.sin(angle) ** 2
    half_w = math.sqrt(cosine * box.width**2 + sine * box.height**2) / 2
    half_h = math.sqrt(sine * box.width**2 + cosine * box.height**2) / 2
    x, y = box.center_xy
    return Box(x - half_w, y - half_h, x + half_w, y + half_h)


def _worth_turning(degrees: float) -> float:
    return wrap(degrees) if abs(wrap(degrees)) > _NEARLY_DEGREES else 0.0


def wrap(degrees: float) -> float:
    """The same angle from -180 to 180."""
    return (degrees + 180) % 360 - 180


def _told_apart(
    followed: Sequence[FaceDetection | None], found: Sequence[FaceDetection]
) -> tuple[list[FaceDetection], list[FaceDetection]]:
    """Followed faces that were found as well, with the finds' scores, and the other finds."""
    left = list(found)
    known = []
    for face in followed:
        same = max(left, key=lambda find: find.box.iou(face.box), default=None) if face else None
        if face and same and same.box.iou(face.box) >= _SAME_FIND_IOU:
            left = [find for find in left if find is not same]
            known.append(replace(face, score=same.score))
    return known, left


def _in_order(faces: Sequence[FaceDetection]) -> list[FaceDetection]:
    """The faces that show anything, each once, with the better score, largest first."""
    kept: list[FaceDetection] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if face.box.area > 0 and all(face.box.iou(other.box) <= _SAME_FACE_IOU for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: (-face.box.area, -face.score))
