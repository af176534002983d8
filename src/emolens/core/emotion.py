"""The seven classes and their probabilities for one face."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.records import ArrayRecord


class Emotion(StrEnum):
    """The seven apparent expressions in FER2013's order, the only label list of the project.

    Each is its own lower-case name: `Emotion.HAPPY == "happy"`.
    """

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"

    @property
    def label(self) -> str:
        """The name in files and on screen, a plain string, e.g. `"happy"`."""
        return self.value

    @property
    def index(self) -> int:  # type: ignore[override]  # str.index searches; a class has a position
        """The position in `Emotion`, in probabilities and in FER2013's files, 0..6."""
        return LABELS.index(self.value)

    @classmethod
    def from_label(cls, label: str) -> "Emotion":
        """Return the class of a label in any case.

        Raises:
            InputError: The label is unknown; the message lists the seven labels.
        """
        try:
            return cls[label.upper()]
        except KeyError:
            raise InputError(f"unknown emotion {label!r}; allowed: {', '.join(LABELS)}") from None

    @classmethod
    def from_index(cls, index: int) -> "Emotion":
        """Return the class at a position in probabilities, 0..6.

        Raises:
            InputError: The position is outside of 0..6.
        """
        if not 0 <= index < len(LABELS):
            raise InputError(f"the index of an emotion is {index}; allowed: 0 to {len(LABELS) - 1}")
        return _EMOTIONS[index]


LABELS: tuple[str, ...] = tuple(emotion.label for emotion in Emotion)
N_EMOTIONS = len(Emotion)
_EMOTIONS = tuple(Emotion)

# float32 softmax outputs sum to 1 within a few ulp per class; a larger error is a bug upstream.
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class EmotionScores(ArrayRecord):
    """The seven class probabilities of one face.

    Attributes:
        probabilities: float32 (7,), each 0..1, sum 1, in the order of `Emotion`; read-only.
    """

    probabilities: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        probabilities = np.array(self.probabilities, dtype=np.float32)
        if probabilities.shape != (N_EMOTIONS,):
            raise InputError(
                f"probabilities must have shape ({N_EMOTIONS},), got {probabilities.shape}"
            )
        if not np.isfinite(probabilities).all() or probabilities.min() < 0:
            raise InputError(f"probabilities must be finite and >= 0, got {probabilities}")
        if abs(float(probabilities.sum()) - 1) > _SUM_TOLERANCE:
            raise InputError(f"probabilities must sum to 1, got {probabilities.sum()}")
        np.minimum(probabilities, 1, out=probabilities)
        probabilities.setflags(write=False)
        object.__setattr__(self, "probabilities", probabilities)

    @property
    def top(self) -> Emotion:
        """The class with the highest probability; the first one on a tie."""
        return Emotion.from_index(int(self.probabilities.argmax()))

    @property
    def confidence(self) -> float:
        """The probability of `top`, 0..1."""
        return float(self.probabilities.max())

    @property
    def margin(self) -> float:
        """The difference between the two highest probabilities, 0..1."""
        second, first = np.sort(self.probabilities)[-2:]
        return float(first - second)

    @property
    def entropy_nats(self) -> float:
        """The Shannon entropy in nats, 0 (certain) to ln 7 = 1.946 (uniform)."""
        positive = self.probabilities[self.probabilities > 0].astype(np.float64)
        return float(-(positive * np.log(positive)).sum())

    def __getitem__(self, emotion: Emotion | str) -> float:
        """Return the probability of a class, 0..1, e.g. of `"happy"`.

        Raises:
            InputError: The label is unknown; the message lists the seven labels.
        """
        return float(self.probabilities[Emotion.from_label(emotion).index])

    def to_dict(self) -> dict[str, float]:
        """Return a mapping of labels to probabilities, in the order of `Emotion`."""
        return dict(zip(LABELS, self.probabilities.tolist(), strict=True))
