"""Detect faces as they are, and look again, turned upright, at those that do not seem to be."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceDetection, FaceRoll
from emolens.core.geometry import Box, Framing
from emolens.core.ports import FaceDetector
from emolens.detection.tiles import detection_notes
from emolens.imaging.turn import crop_turned, turn_for

CLOSE_UP_PX: Final = 128
"""Side of the square in which a face is seen again."""

# All from docs/experiments/0016-roll.md.
# The square is this many sides of the detector's box wide.
_CLOSE_UP_SCALE: Final = 2.0
# In a face that is seen the right way up the middle of the eyes is 0.39 sides of the box away from
# the middle of the mouth. Landmarks that are guessed on a face that lies on its side huddle.
_MIN_FACE_HEIGHT: Final = 0.32
# A face that seems whole and clear, and would not be turned, is taken for what it seems.
_CLEAR_SCORE: Final = 0.65
# A close-up with this score needs no other one beside it.
_SURE_SCORE: Final = 0.8
# Between two quarter turns a face is rolled by 45 degrees at most; it is then detected once more,
# turned by what is left, unless that is next to nothing.
_LIKELY_DEGREES: Final = 55.0
_NEARLY_DEGREES: Final = 12.0
_QUARTER_TURNS: Final = (0.0, 90.0, -90.0, 180.0)
_DIAGONAL_TURNS: Final = (45.0, -45.0, 135.0, -135.0)
# A turn this close to one that was tried shows nothing new.
_SAME_TURN_DEGREES: Final = 20.0
# The face of a close-up is in its middle: at most this part of its side away.
_MAX_OFFSET: Final = 1 / 6


class UprightDetector:
    """Another detector that also tells how each face is rolled.

    Detectors learn from faces that are mostly upright. On one that lies on its side they still draw
    a box, but guess its landmarks. A face that does not look upright is cut out, turned and
    detected again; the turn in which it looks most like a face counts.

    Implements `emolens.core.ports.FaceDetector`. Faces without landmarks are left as they are.

    Args:
        detector: Detects faces in whole images.
        close_up: The same detector for images of `CLOSE_UP_PX` x `CLOSE_UP_PX`.
    """

    def __init__(self, detector: FaceDetector, close_up: FaceDetector) -> None:
        self._detector = detector
        self._close_up = close_up

    @property
    def name(self) -> str:
        """The other detector's name."""
        return self._detector.name

    @property
    def framing(self) -> Framing:
        """The other detector's framing; for a rolled face in units of `roll.box`."""
        return self._detector.framing

    def notes(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """What the other detector leaves out in an image of (width, height) pixels."""
        return detection_notes(self._detector, size_wh)

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces of an image, each with its roll.

        Args:
            image: uint8 (H, W, 3), BGR, of any size.

        Returns:
            The faces, largest first; an empty list if there are none. Box and score are those that
            the other detector gives the face as it is.

        Raises:
            InputError: Not an image of that kind.
        """
        return [self._with_roll(image, found) for found in self._detector.detect(image)]

    def _with_roll(self, image: npt.NDArray[np.uint8], found: FaceDetection) -> FaceDetection:
        seeming = found.roll
        if seeming is None or found.landmarks is None:
            return found
        is_whole = _is_whole(found)
        is_upright = is_whole and turn_for(seeming.degrees) == 0
        if is_upright and found.score >= _CLEAR_SCORE:
            return found
        seen = self._turned(image, found, seeming.degrees, is_whole=is_whole)
        if seen is None:
            return replace(found, checked_roll=replace(seeming, is_certain=is_upright))
        return replace(found, landmarks=seen.landmarks, checked_roll=seen.checked_roll)

    def _turned(
        self, image: npt.NDArray[np.uint8], found: FaceDetection, seeming: float, *, is_whole: bool
    ) -> FaceDetection | None:
        """The face in the turn in which it scores best, or None if it never looks like one."""
        best: _Look | None = None
        for n_groups, group in enumerate(((seeming,), _QUARTER_TURNS, _DIAGONAL_TURNS)):
            for turn in group:
                if n_groups == 0 or abs(wrap(turn - seeming)) > _SAME_TURN_DEGREES:
                    best = _better(best, self._look(image, found.box, turn))
            # Landmarks that are guessed say nothing about the turn either.
            is_sure = best is not None and best.score >= _SURE_SCORE and is_whole
            if is_sure or (best is not None and n_groups > 0):
                break
        if best is not None and abs(best.rest_degrees) > _NEARLY_DEGREES:
            turn = wrap(best.turn_degrees + best.rest_degrees)
            best = self._look(image, found.box, turn) or best
        if best is None or turn_for(best.rest_degrees) != 0:
            return None
        return best.to_image()

    def _look(self, image: npt.NDArray[np.uint8], box: Box, turn_degrees: float) -> "_Look | None":
        """Detect a face again in a close-up that is turned; None where there is none."""
        side = _CLOSE_UP_SCALE * max(box.width, box.height)
        square = Box.from_center(box.center_xy, side)
        close_up = crop_turned(image, square, CLOSE_UP_PX, roll_degrees=turn_degrees)
        looks = [
            _Look(face, face.landmarks, face.roll.degrees, square, turn_degrees)
            for face in self._close_up.detect(close_up)
            if face.landmarks is not None and face.roll and _is_in_the_middle(face)
        ]
        likely = [
            look
            for look in looks
            if abs(look.rest_degrees) <= _LIKELY_DEGREES and _is_whole(look.face)
        ]
        return max(likely, key=lambda look: look.score, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A face in a close-up: a square of the image, turned by some degrees about its centre.

    `rest_degrees` is the roll that is left in the close-up.
    """

    face: FaceDetection
    landmarks: npt.NDArray[np.float32]
    rest_degrees: float
    square: Box
    turn_degrees: float

    @property
    def score(self) -> float:
        return self.face.score

    def to_image(self) -> FaceDetection:
        """The face where it lies in the image."""
        angle = math.radians(self.turn_degrees)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        scale = self.square.width / CLOSE_UP_PX
        points = np.vstack([self.landmarks, [self.face.box.center_xy]]).astype(np.float64)
        placed = scale * (points - CLOSE_UP_PX / 2) @ turn.T + np.array(self.square.center_xy)
        x, y = placed[-1]
        half_w, half_h = scale * self.face.box.width / 2, scale * self.face.box.height / 2
        box = Box(x - half_w, y - half_h, x + half_w, y + half_h)
        roll = FaceRoll(wrap(self.turn_degrees + self.rest_degrees), box)
        return FaceDetection(box, self.score, placed[:-1].astype(np.float32), roll)


def wrap(degrees: float) -> float:
    """The same angle from -180 to 180."""
    return (degrees + 180) % 360 - 180


def _better(first: _Look | None, second: _Look | None) -> _Look | None:
    if first is None or second is None:
        return first or second
    return max(first, second, key=lambda look: look.score)


def _is_whole(face: FaceDetection) -> bool:
    """Whether eyes and mouth are as far apart as in a face that is seen the right way up."""
    if face.landmarks is None:
        return False
    points = face.landmarks.astype(np.float64)
    height = float(np.linalg.norm(points[3:].mean(axis=0) - points[:2].mean(axis=0)))
    return height >= _MIN_FACE_HEIGHT * max(face.box.width, face.box.height)


def _is_in_the_middle(face: FaceDetection) -> bool:
    x, y = face.box.center_xy
    middle = CLOSE_UP_PX / 2
    return math.hypot(x - middle, y - middle) <= _MAX_OFFSET * CLOSE_UP_PX
