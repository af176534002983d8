import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.core.geometry import Box
from emolens.smoothing import OneEuroBox


def box(x: float, side: float = 80.0) -> Box:
    return Box.from_center((x, 100), side)


@pytest.mark.parametrize("rate_hz", [5, 10, 30])
def test_a_still_face_lies_still(rate_hz: int, rng: np.random.Generator) -> None:
    smoother = OneEuroBox(box(100), 0.0)
    raw, shown = [], []
    for index in range(1, 20 * rate_hz):
        measured = box(100 + float(rng.normal(0, 1.5)))
        raw.append(measured.x_min)
        shown.append(smoother.update(measured, index / rate_hz).x_min)
    assert np.std(np.diff(shown)) < 0.6 * np.std(np.diff(raw))
    assert np.mean(shown) == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("speed", [0.2, 1.0, 3.0])
def test_a_moving_face_is_kept_up_with(speed: float) -> None:
    side = 80.0
    smoother = OneEuroBox(box(0), 0.0)
    for index in range(1, 31):
        true = box(speed * side * index / 10)
        shown = smoother.update(true, index / 10)
    assert shown.iou(true) > 0.8


def test_between_measurements_it_goes_on_for_a_quarter_of_a_second() -> None:
    smoother = OneEuroBox(box(0), 0.0)
    for index in range(1, 31):
        smoother.update(box(10.0 * index), index / 10)
    start = smoother.predict(3.0).center_xy[0]
    assert smoother.predict(3.1).center_xy[0] - start == pytest.approx(10, abs=1)
    assert smoother.predict(3.25) == smoother.predict(60.0)
    assert smoother.predict(2.0) == smoother.predict(3.0)


def test_time_that_does_not_go_on_changes_nothing() -> None:
    smoother = OneEuroBox(box(100), 1.0)
    for at_s in (1.0, 0.5, 1.0 + 1e-9, 1.0005):
        assert smoother.update(box(300), at_s) == box(100)
    assert smoother.update(box(100), 1.1) == box(100)


edges = st.floats(-1e4, 1e4)


@given(
    st.lists(
        st.tuples(st.floats(-0.1, 100), edges, edges, st.floats(0, 1e4)), min_size=1, max_size=20
    )
)
def test_whatever_comes_there_is_a_box(measured: list[tuple[float, float, float, float]]) -> None:
    smoother, at_s = OneEuroBox(box(0), 0.0), 0.0
    for step_s, x, y, side in measured:
        at_s += step_s
        smoother.update(Box(x, y, x + side, y + side / 2), at_s)
        predicted = smoother.predict(at_s + 0.1)
        assert predicted.width >= 0
        assert predicted.height >= 0
