from collections.abc import Callable

import cv2
import numpy as np
import pytest

from emolens.testing import drawn_place
from emolens.tracking.dissolves import DissolveDetector
from emolens.tracking.views import Pixels, shrink


def found(draw: Callable[[float], Pixels], *, rate_hz: float = 25.0) -> list[float]:
    """The times of dissolves in four seconds."""
    detector = DissolveDetector()
    times = (np.arange(round(4 * rate_hz)) / rate_hz).tolist()
    return [at_s for at_s in times if detector.is_dissolved(shrink(draw(at_s)), at_s)]


def mixed(one: Pixels, other: Pixels, share: float) -> Pixels:
    share = min(1.0, max(0.0, share))
    return np.asarray(cv2.addWeighted(one, 1 - share, other, share, 0), np.uint8)


@pytest.mark.parametrize("length_s", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("rate_hz", [10.0, 24.0, 60.0])
def test_a_dissolve_is_found_once_while_it_lasts(length_s: float, rate_hz: float) -> None:
    one, other = drawn_place(1), drawn_place(2)
    (at_s,) = found(lambda at_s: mixed(one, other, (at_s - 1) / length_s), rate_hz=rate_hz)
    assert 1 + 0.4 * length_s <= at_s <= 1.15 + length_s


def test_a_cut_a_still_camera_and_light_are_no_dissolves() -> None:
    one, other = drawn_place(1), drawn_place(2)
    assert found(lambda at_s: one if at_s < 2 else other) == []
    assert found(lambda _at_s: one) == []
    assert found(lambda at_s: mixed(one, np.zeros_like(one), at_s / 5)) == []


def test_a_slow_pan_is_no_dissolve() -> None:
    wide = drawn_place(3, size_wh=(2560, 360))
    assert found(lambda at_s: wide[:, round(400 * at_s) : round(400 * at_s) + 640]) == []


def test_a_mixture_that_returns_is_no_dissolve() -> None:
    one, other = drawn_place(1), drawn_place(2)
    assert found(lambda at_s: mixed(one, other, 0.6 - abs(at_s - 2))) == []


def test_shares_that_go_back_are_no_dissolve() -> None:
    one, other = drawn_place(1), drawn_place(2)
    assert found(lambda at_s: mixed(one, other, (at_s - 1) / 2 + 0.3 * (round(5 * at_s) % 2))) == []


def test_after_a_reset_half_a_dissolve_is_none() -> None:
    detector = DissolveDetector()
    one, other = shrink(drawn_place(1)), shrink(drawn_place(2))
    for step in range(3):
        assert not detector.is_dissolved(mixed(one, other, step / 6), step / 10)
    detector.reset()
    assert not any(
        detector.is_dissolved(mixed(one, other, step / 6), step / 10) for step in range(3, 7)
    )
