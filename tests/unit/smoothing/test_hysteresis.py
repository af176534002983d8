import itertools
import math

import numpy as np
import pytest

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import ConfigError
from emolens.smoothing import ExponentialSmoother, LabelHysteresis
from tests.unit.smoothing.signals import Logits, logits, noisy


def two(sad: float, neutral: float) -> EmotionScores:
    probabilities = np.full(7, (1 - sad - neutral) / 5, np.float32)
    probabilities[Emotion.SAD.index], probabilities[Emotion.NEUTRAL.index] = sad, neutral
    return EmotionScores(probabilities)


def n_changes(labels: list[Emotion]) -> int:
    return sum(before != after for before, after in itertools.pairwise(labels))


@pytest.mark.parametrize("rate_hz", [30, 10])
@pytest.mark.parametrize(
    "steady",
    [logits(sad=0.36, neutral=0.34), logits(sad=0.46, neutral=0.3), logits(happy=0.55)],
    ids=["two close classes", "two classes apart", "one class"],
)
def test_flips_of_noisy_scores_are_cut_by_seventy_per_cent(steady: Logits, rate_hz: int) -> None:
    """G5."""
    raw, shown = 0, 0
    for seed in range(4):
        smoother, hysteresis = ExponentialSmoother(), LabelHysteresis()
        tops, labels = [], []
        for at_s, new in noisy(lambda _at_s: steady, rate_hz=rate_hz, until_s=60, seed=seed):
            tops.append(new.top)
            labels.append(hysteresis.update(1, smoother.update(1, new, at_s), at_s))
        raw += n_changes(tops)
        shown += n_changes(labels)
    assert raw > 200
    assert shown <= 0.3 * raw


@pytest.mark.parametrize("rate_hz", [15, 30, 60, 10])
def test_a_true_change_is_shown_within_400_ms(rate_hz: int) -> None:
    """G5."""
    neutral, happy = logits(neutral=0.8), logits(happy=0.8)
    rng = np.random.default_rng(5)
    for seed in range(30):
        changed_s = 2 + float(rng.uniform(0, 1 / rate_hz))

        def signal(at_s: float, changed_s: float = changed_s) -> Logits:
            return happy if at_s >= changed_s else neutral

        smoother, hysteresis = ExponentialSmoother(), LabelHysteresis()
        shown_s = math.inf
        for at_s, new in noisy(signal, rate_hz=rate_hz, until_s=3, seed=seed):
            label = hysteresis.update(1, smoother.update(1, new, at_s), at_s)
            if at_s >= changed_s and label is Emotion.HAPPY:
                shown_s = min(shown_s, at_s)
        assert shown_s - changed_s <= 0.4


def test_a_class_that_is_barely_ahead_has_to_wait() -> None:
    hysteresis = LabelHysteresis(margin=0.1, patience_s=0.5)
    assert hysteresis.update(1, two(0.5, 0.3), 0.0) is Emotion.SAD
    labels = [hysteresis.update(1, two(0.38, 0.42), 1 + index / 10) for index in range(8)]
    assert labels == [Emotion.SAD] * 5 + [Emotion.NEUTRAL] * 3


def test_one_that_is_clearly_ahead_need_not() -> None:
    hysteresis = LabelHysteresis(margin=0.1)
    hysteresis.update(1, two(0.5, 0.3), 0.0)
    assert hysteresis.update(1, two(0.3, 0.45), 0.01) is Emotion.NEUTRAL


def test_waiting_begins_anew_when_it_falls_behind() -> None:
    hysteresis = LabelHysteresis(patience_s=0.5)
    hysteresis.update(1, two(0.5, 0.3), 0.0)
    for index in range(40):
        is_ahead = index % 4 != 3
        new = two(0.38, 0.42) if is_ahead else two(0.42, 0.38)
        assert hysteresis.update(1, new, index / 10) is Emotion.SAD


def test_tracks_do_not_touch_each_other_and_can_be_forgotten() -> None:
    hysteresis = LabelHysteresis()
    assert hysteresis.update(1, two(0.5, 0.3), 0.0) is Emotion.SAD
    assert hysteresis.update(2, two(0.3, 0.5), 0.0) is Emotion.NEUTRAL
    assert hysteresis.update(1, two(0.41, 0.42), 0.1) is Emotion.SAD
    hysteresis.forget(1)
    hysteresis.forget(1)
    assert hysteresis.update(1, two(0.41, 0.42), 0.2) is Emotion.NEUTRAL


def test_time_that_goes_back_begins_anew() -> None:
    hysteresis = LabelHysteresis()
    hysteresis.update(1, two(0.5, 0.3), 100.0)
    assert hysteresis.update(1, two(0.41, 0.42), 3.0) is Emotion.NEUTRAL


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("margin", -0.1),
        ("margin", 1.1),
        ("margin", math.nan),
        ("patience_s", -1.0),
        ("patience_s", math.inf),
    ],
)
def test_options_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=option):
        LabelHysteresis(**{option: value})
