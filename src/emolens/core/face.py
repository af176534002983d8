"""One face at each stage: detected, tracked, assessed and classified."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.core.records import ArrayRecord

# 1 % of the boxes around upright faces are wider, and 81 to 93 % of the boxes around faces rolled
# by 60 to 120 degrees. Source: docs/experiments/0016-roll.md.
_MAX_UPRIGHT_ASPECT = 1.1

LANDMARK_NAMES = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
MIRRORED_LANDMARKS = (1, 0, 2, 4, 3)
"""Index of each landmark among the landmarks of the mirrored face."""


@dataclass(frozen=True, slots=True)
class FaceRoll:
    """The rotation of a face in the image plane, that is, its tilt towards a shoulder.

    Attributes:
        degrees: Clockwise in the image, -180..180; 0 is upright.
        box: The detector's box around the upright face, in pixels. In the image, it is rotated
            about its centre by `degrees`.
        is_certain: False if the face is not detected as a face at any rotation.
    """

    degrees: float
    box: Box
    is_certain: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class FaceDetection(ArrayRecord):
    """A detected face.

    Attributes:
        box: The detector's box in pixels of the image.
        score: The detector's score, 0..1.
        landmarks: float32 (5, 2), points (x, y) in pixels, read-only, or None. Order: right eye,
            left eye, nose, right and left mouth corner; right and left are the subject's own.
        checked_roll: The roll, verified by rotating the face; None if not verified.
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
        """The verified roll, or else an estimate from the landmarks or the box.

        The estimate from landmarks is the direction from the middle of the eyes to the middle of
        the mouth; the line through the eyes underestimates the roll. Without landmarks, a box that
        is wider than high means that the face lies on an unknown side. For any other box, the roll
        is None. Source: docs/experiments/0016-roll.md.
        """
        if self.checked_roll is not None:
            return self.checked_roll
        if self.landmarks is None:
            is_sideways = self.box.width > _MAX_UPRIGHT_ASPECT * self.box.height
            return FaceRoll(90.0, self.box, is_certain=False) if is_sideways else None
        eyes, (_nose, *mouth) = self.landmarks[:2].tolist(), self.landmarks[2:].tolist()
        # Twice the vector from the middle of the eyes to the middle of the mouth.
        across, down = (mouth[0][i] + mouth[1][i] - eyes[0][i] - eyes[1][i] for i in (0, 1))
        return FaceRoll(math.degrees(math.atan2(-across, down)), self.box)

    @property
    def roll_degrees(self) -> float | None:
        """The roll in degrees, clockwise, -180..180, or None if it is uncertain."""
        roll = self.roll
        return roll.degrees if roll is not None and roll.is_certain else None


class TrackState(StrEnum):
    """The state of a track in the current frame."""

    NEW = "new"
    SEEN = "seen"
    PREDICTED = "predicted"


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face that is tracked from frame to frame.

    Attributes:
        track_id: Number of the track, unique within one stream.
        box: Current box in pixels.
        detection: The detection in this frame, or None if the box is predicted.
        state: Whether the track is new, detected in this frame or predicted.
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
    """A reason why the expression of a face cannot be assessed."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    CUT_OFF = "cut_off"
    TURNED_AWAY = "turned_away"
    TILTED = "tilted"
    TOO_DARK = "too_dark"
    LOW_CONTRAST = "low_contrast"


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """The image quality of a face and whether its expression can be assessed.

    Attributes:
        size_px: Side of the framing square in pixels of the image.
        sharpness: Variance of the Laplacian divided by the grey variance, at 48 px; 0 is a flat
            surface. Source: docs/experiments/0002-quality.md.
        reasons: All reasons against an assessment; empty if the face is assessable.
    """

    size_px: float
    sharpness: float
    reasons: tuple[QualityReason, ...] = ()

    @property
    def is_assessable(self) -> bool:
        """Whether there is no reason against an assessment."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class FaceResult:
    """The result for one face.

    Attributes:
        box: The detector's box in pixels, clipped to the image; smoothed in a stream.
        detection_score: The detector's score, 0..1, or None for a face crop and in frames of a
            stream without detection.
        quality: Size, sharpness and whether the face can be assessed.
        raw: Calibrated scores of this image alone.
        smoothed: Scores smoothed over the track, or None outside a stream and for a track that was
            never assessable.
        label: The class to display, or None if emolens abstains.
        roll_degrees: Clockwise roll of the face in the image, -180..180, or None if it is
            uncertain. The scores are those of the face rotated upright.
        track_id: Number of the track, or None outside a stream.
        scores_age_s: Age of the scores in seconds; 0 if computed for this frame.
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
        """The smoothed scores if available, otherwise the raw scores."""
        return self.smoothed or self.raw

    @property
    def top(self) -> Emotion:
        """The most probable class, even if `label` is None."""
        return self.scores.top

    @property
    def confidence(self) -> float:
        """The probability of `top`, 0..1."""
        return self.scores.confidence

    @property
    def assessable(self) -> bool:
        """Whether the expression can be assessed, as in JSON and tables."""
        return self.quality.is_assessable

    @property
    def reasons(self) -> tuple[QualityReason, ...]:
        """All reasons against an assessment, as in JSON and tables; empty if there is none."""
        return self.quality.reasons

    def to_dict(self) -> dict[str, object]:
        """Return the face as plain values (`emolens.contract.FaceRecord`).

        For a face of a stream, include its track, the raw scores and their age.
        """
        # The contract defines the records. It depends on core, hence the import on use.
        from emolens import contract  # noqa: PLC0415 (the contract depends on core)

        return contract.face_record(self).to_dict()

    def __str__(self) -> str:
        x, y = round(self.box.x_min), round(self.box.y_min)
        size = f"{round(self.box.width)}x{round(self.box.height)}"
        label = self.top.label if self.label is not None else f"uncertain ({self.top.label}?)"
        return f"{label} {self.confidence:.0%} at ({x}, {y}), {size} px"
