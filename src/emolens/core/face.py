"""One face on its way through the stages: detected, tracked, judged, named."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.core.records import ArrayRecord

# Of the boxes around upright faces 1 % are wider, of those around faces rolled by 60 to 120 degrees
# 81 to 93 %. Source: docs/experiments/0016-roll.md.
_MAX_UPRIGHT_ASPECT = 1.1

LANDMARK_NAMES = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
MIRRORED_LANDMARKS = (1, 0, 2, 4, 3)
"""Where each landmark of a face is among those of its mirror image."""


@dataclass(frozen=True, slots=True)
class FaceRoll:
    """How a face is rolled in the image plane, that is, tilted towards a shoulder.

    Attributes:
        degrees: Clockwise as seen in the image, -180..180; 0 is upright.
        box: The box that a detector draws around the face once it stands upright, in pixels; on the
            image it lies turned about its centre by `degrees`.
        is_certain: False where the face does not look like one whichever way it is turned.
    """

    degrees: float
    box: Box
    is_certain: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class FaceDetection(ArrayRecord):
    """A face that a detector found.

    Attributes:
        box: The detector's own box, in pixels of the image.
        score: The detector's score, 0..1.
        landmarks: float32 (5, 2) points (x, y) in pixels, read-only, or None: right eye, left eye,
            nose, right and left mouth corner, right and left being the subject's.
        checked_roll: How the face is rolled, found out by turning it; None where nobody did.
    """

    box: Box
    score: float
    landmarks: npt.NDArray[np.float32] | None = None
    checked_roll: FaceRoll | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise InputError(f"detection score must be 0..1, got {self.score}")
        if self.landmarks is not None:
            landmarks = np.array(self.landmarks, dtype=np.float32)
            if landmarks.shape != (len(LANDMARK_NAMES), 2):
                raise InputError(f"landmarks must have shape (5, 2), got {landmarks.shape}")
            landmarks.setflags(write=False)
            object.__setattr__(self, "landmarks", landmarks)

    @property
    def roll(self) -> FaceRoll | None:
        """How the face is rolled: as checked, else as its landmarks or its box show.

        The landmarks' roll is the direction from the middle of the eyes to the middle of the mouth;
        the line through the eyes underestimates it. Without landmarks a box that is wider than high
        tells that the face lies on its side, but not on which; any other box tells nothing, and the
        roll is None. Source: docs/experiments/0016-roll.md.
        """
        if self.checked_roll is not None:
            return self.checked_roll
        if self.landmarks is None:
            is_aside = self.box.width > _MAX_UPRIGHT_ASPECT * self.box.height
            return FaceRoll(90.0, self.box, is_certain=False) if is_aside else None
        eyes, (_nose, *mouth) = self.landmarks[:2].tolist(), self.landmarks[2:].tolist()
        # Twice the way from the middle of the one to the middle of the other.
        across, down = (mouth[0][i] + mouth[1][i] - eyes[0][i] - eyes[1][i] for i in (0, 1))
        return FaceRoll(math.degrees(math.atan2(-across, down)), self.box)

    @property
    def roll_degrees(self) -> float | None:
        """The roll, clockwise, -180..180, or None where it is not known for certain."""
        roll = self.roll
        return roll.degrees if roll is not None and roll.is_certain else None


class TrackState(StrEnum):
    """What a track knows about its face in the current frame."""

    NEW = "new"
    SEEN = "seen"
    PREDICTED = "predicted"


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face with an identity that stays from frame to frame.

    Attributes:
        track_id: Number of the track, unique within one stream.
        box: Current box in pixels.
        detection: The detection behind it, or None where the box is only predicted.
        state: Whether the track is new, seen in this frame or only predicted.
        age_s: Seconds since the track began.
        unseen_s: Seconds since its last detection.
    """

    track_id: int
    box: Box
    detection: FaceDetection | None
    state: TrackState
    age_s: float
    unseen_s: float


class QualityReason(StrEnum):
    """Why the expression of a face cannot be assessed."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    CUT_OFF = "cut_off"
    TURNED_AWAY = "turned_away"
    TILTED = "tilted"
    TOO_DARK = "too_dark"
    LOW_CONTRAST = "low_contrast"


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """Whether a face is good enough to read.

    Attributes:
        size_px: Side of the framing square in pixels of the image.
        sharpness: Variance of the Laplacian over the grey variance, at 48 px; 0 is a flat surface
            (docs/experiments/0002-quality.md).
        reasons: Everything that speaks against reading the face; empty when it is assessable.
    """

    size_px: float
    sharpness: float
    reasons: tuple[QualityReason, ...] = ()

    @property
    def is_assessable(self) -> bool:
        """True when nothing speaks against reading the face."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class FaceResult:
    """What emolens says about one face.

    Attributes:
        box: The detector's box in pixels, clipped to the image; smoothed in a stream.
        detection_score: The detector's score 0..1, or None for an image given as a face crop and
            in frames of a stream that the detector did not search.
        quality: Size, sharpness and whether the face can be assessed.
        raw: Calibrated scores of this image alone.
        smoothed: Scores smoothed over the track, or None outside a stream and for a track that was
            never assessable.
        label: The class shown to people, or None where emolens abstains.
        roll_degrees: How far the face is rolled clockwise in the image, -180..180, or None where it
            is not known for certain. The scores are those of the face turned upright.
        track_id: Number of the track, or None outside a stream.
        scores_age_s: Age of the scores in seconds; 0 when made for this very frame.
    """

    box: Box
    detection_score: float | None
    quality: FaceQuality
    raw: EmotionScores
    smoothed: EmotionScores | None
    label: Emotion | None
    track_id: int | None = None
    scores_age_s: float = 0.0
    roll_degrees: float | None = None

    @property
    def scores(self) -> EmotionScores:
        """The scores to show: the smoothed ones where there are any."""
        return self.smoothed or self.raw

    @property
    def top(self) -> Emotion:
        """The most probable class, also where `label` abstains."""
        return self.scores.top

    @property
    def confidence(self) -> float:
        """The probability of `top`, 0..1."""
        return self.scores.confidence

    def to_dict(self) -> dict[str, object]:
        """The face as plain values (`emolens.contract.FaceRecord`).

        A face of a stream also has its track, its scores before smoothing and their age.
        """
        # The shape of records is the contract's, which stands above and is loaded on use.
        from emolens import contract  # noqa: PLC0415

        return contract.face_record(self).to_dict()

    def __str__(self) -> str:
        x, y = round(self.box.x_min), round(self.box.y_min)
        size = f"{round(self.box.width)}x{round(self.box.height)}"
        named = self.top.label if self.label is not None else f"uncertain ({self.top.label}?)"
        return f"{named} {self.confidence:.0%} at ({x}, {y}), {size} px"
