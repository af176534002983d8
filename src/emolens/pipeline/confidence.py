"""The minimum confidence of a label."""

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import ConfigError


def check_min_confidence(min_confidence: float) -> None:
    """Check the range of a minimum confidence.

    Raises:
        ConfigError: It is not within 0 to 1.
    """
    if not 0 <= min_confidence <= 1:
        raise ConfigError(
            f"min_confidence (--min-confidence) is {min_confidence:g}; allowed: 0 to 1"
        )


def confident_label(
    scores: EmotionScores, min_confidence: float, label: Emotion | None = None
) -> Emotion | None:
    """Return a label whose probability is high enough, or None.

    Args:
        scores: Scores of the face.
        min_confidence: Minimum probability, 0..1.
        label: The label; None means the most probable class.
    """
    label = scores.top if label is None else label
    return label if scores[label] >= min_confidence else None
