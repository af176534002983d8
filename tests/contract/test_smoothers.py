from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.ports import ScoreSmoother
from emolens.smoothing import ExponentialSmoother

SMOOTHERS: dict[str, Callable[[], ScoreSmoother]] = {
    "exponential": ExponentialSmoother,
    "exponential, slow": lambda: ExponentialSmoother(2.0),
    "none": lambda: ExponentialSmoother(0.0),
}


@pytest.fixture(params=SMOOTHERS)
def smoother(request: pytest.FixtureRequest) -> ScoreSmoother:
    return SMOOTHERS[request.param]()


def scores(emotion: Emotion, probability: float = 0.7) -> EmotionScores:
    probabilities = np.full(N_EMOTIONS, (1 - probability) / (N_EMOTIONS - 1), np.float32)
    probabilities[emotion.index] = probability
    return EmotionScores(probabilities)


def values(found: EmotionScores) -> npt.NDArray[np.float32]:
    return found.probabilities


def test_the_first_scores_are_the_first_smoothed_ones(smoother: ScoreSmoother) -> None:
    new = scores(Emotion.SAD)
    np.testing.assert_array_equal(values(smoother.update(3, new, 12.5)), values(new))


def test_scores_that_stay_are_not_changed(smoother: ScoreSmoother) -> None:
    for index in range(300):
        found = smoother.update(1, scores(Emotion.FEAR), index / 30)
    np.testing.assert_allclose(values(found), values(scores(Emotion.FEAR)), atol=1e-6)


def test_after_a_long_time_the_new_scores_are_reached(smoother: ScoreSmoother) -> None:
    smoother.update(1, scores(Emotion.FEAR), 0.0)
    found = smoother.update(1, scores(Emotion.HAPPY), 1e4)
    np.testing.assert_allclose(values(found), values(scores(Emotion.HAPPY)), atol=1e-6)


def test_tracks_do_not_touch_each_other(smoother: ScoreSmoother) -> None:
    for index in range(30):
        one = smoother.update(1, scores(Emotion.FEAR), index / 30)
        two = smoother.update(2, scores(Emotion.HAPPY), index / 30)
    assert (one.top, two.top) == (Emotion.FEAR, Emotion.HAPPY)
    np.testing.assert_allclose(values(two), values(scores(Emotion.HAPPY)), atol=1e-6)


def test_a_forgotten_track_begins_anew(smoother: ScoreSmoother) -> None:
    smoother.update(1, scores(Emotion.FEAR), 0.0)
    smoother.forget(1)
    smoother.forget(1)
    smoother.forget(99)
    new = scores(Emotion.HAPPY)
    np.testing.assert_array_equal(values(smoother.update(1, new, 0.01)), values(new))


def test_time_that_goes_back_begins_anew(smoother: ScoreSmoother) -> None:
    smoother.update(1, scores(Emotion.FEAR), 50.0)
    new = scores(Emotion.HAPPY)
    np.testing.assert_array_equal(values(smoother.update(1, new, 3.0)), values(new))


def test_results_are_not_changed_later(smoother: ScoreSmoother) -> None:
    first = smoother.update(1, scores(Emotion.FEAR), 0.0)
    before = values(first).copy()
    smoother.update(1, scores(Emotion.HAPPY), 5.0)
    np.testing.assert_array_equal(values(first), before)


probabilities = (
    st.lists(st.floats(0, 1), min_size=N_EMOTIONS, max_size=N_EMOTIONS)
    .filter(lambda found: sum(found) > 1e-3)
    .map(lambda found: EmotionScores(np.array(found, np.float32) / np.float32(sum(found))))
)


@given(st.lists(st.tuples(st.floats(-1, 100), probabilities), min_size=1, max_size=30))
@pytest.mark.parametrize("name", SMOOTHERS)
def test_whatever_comes_results_are_probabilities_between_what_came(
    name: str, updates: list[tuple[float, EmotionScores]]
) -> None:
    smoother, at_s = SMOOTHERS[name](), 0.0
    seen = []
    for step_s, new in updates:
        at_s += step_s
        found = values(smoother.update(1, new, at_s))
        seen.append(values(new))
        assert found.sum() == pytest.approx(1, abs=1e-3)
        assert (found >= np.min(seen, axis=0) - 1e-6).all()
        assert (found <= np.max(seen, axis=0) + 1e-6).all()
