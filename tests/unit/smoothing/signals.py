"""Noisy scores whose truth is known; docs/experiments/0010-smoothing.md has more of them."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores

Logits = npt.NDArray[np.float64]
NOISE = 0.8


def logits(**probabilities: float) -> Logits:
    """Logits of named probabilities; the other classes share what is left."""
    rest = (1 - sum(probabilities.values())) / (N_EMOTIONS - len(probabilities))
    values = np.full(N_EMOTIONS, rest)
    for name, probability in probabilities.items():
        values[Emotion.from_label(name).index] = probability
    return np.asarray(np.log(values))


def softmax(values: Logits) -> EmotionScores:
    """Probabilities of logits."""
    powers = np.exp(values - values.max())
    return EmotionScores(np.asarray(powers / powers.sum(), np.float32))


def noisy(
    signal: Callable[[float], Logits], *, rate_hz: float, until_s: float, seed: int = 0
) -> Iterator[tuple[float, EmotionScores]]:
    """Times and scores of a signal with noise on every logit."""
    rng = np.random.default_rng(seed)
    for index in range(round(until_s * rate_hz)):
        at_s = index / rate_hz
        yield at_s, softmax(signal(at_s) + rng.normal(0, NOISE, N_EMOTIONS))
