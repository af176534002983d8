import itertools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError
from emolens.smoothing import ExponentialSmoother
from tests.unit.smoothing.signals import Logits, logits, softmax

NEUTRAL, HAPPY = logits(neutral=0.8), logits(happy=0.8)


def smile(onset_s: float) -> Callable[[float], Logits]:
    def at(at_s: float) -> Logits:
        share = float(np.interp(at_s, [1, 1 + onset_s, 2.5, 2.5 + onset_s], [0, 1, 1, 0]))
        return np.asarray((1 - share) * NEUTRAL + share * HAPPY)

    return at


def smoothed(signal: Callable[[float], Logits], rate_hz: int) -> npt.NDArray[np.float32]:
    smoother = ExponentialSmoother()
    found = [
        smoother.update(1, softmax(signal(index / rate_hz)), index / rate_hz).probabilities
        for index in range(4 * rate_hz)
    ]
    return np.stack(found[:: rate_hz // 15])


@pytest.mark.parametrize("onset_s", [0.3, 0.5, 1.0])
def test_the_frame_rate_does_not_matter(onset_s: float) -> None:
    """G5: 15, 30 and 60 frames a second of the same smile."""
    found = [smoothed(smile(onset_s), rate_hz) for rate_hz in (15, 30, 60)]
    for one, other in itertools.combinations(found, 2):
        np.testing.assert_allclose(one, other, atol=0.05)


@pytest.mark.parametrize("n_steps", [1, 2, 7, 100])
def test_a_change_follows_the_time_constant_in_steps_of_any_size(n_steps: int) -> None:
    smoother = ExponentialSmoother(0.5)
    smoother.update(1, softmax(NEUTRAL), 0.0)
    for index in range(1, n_steps + 1):
        found = smoother.update(1, softmax(HAPPY), 0.5 * index / n_steps)
    before, after = softmax(NEUTRAL).probabilities, softmax(HAPPY).probabilities
    expected = after + math.exp(-1) * (before - after)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)


def test_time_that_stands_still_adds_nothing() -> None:
    smoother = ExponentialSmoother()
    smoother.update(1, softmax(NEUTRAL), 1.0)
    for _ in range(5):
        found = smoother.update(1, softmax(HAPPY), 1.0)
    assert found.top is Emotion.NEUTRAL


def test_without_a_time_constant_nothing_is_smoothed() -> None:
    smoother = ExponentialSmoother(0)
    smoother.update(1, softmax(NEUTRAL), 1.0)
    assert smoother.update(1, softmax(HAPPY), 1.001).top is Emotion.HAPPY


@pytest.mark.parametrize("tau_s", [-0.1, math.inf, math.nan])
def test_a_time_constant_out_of_range_is_refused(tau_s: float) -> None:
    with pytest.raises(ConfigError, match="tau_s"):
        ExponentialSmoother(tau_s)
