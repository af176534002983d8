import numpy as np
import pytest

from emolens.media.timeline import Timeline


def follow(
    stamps_s: list[float | None], *, has_wraps: bool = False
) -> tuple[list[float], list[str], tuple[float, ...]]:
    """The times of stamps, what is told, and the offsets."""
    warnings: list[str] = []
    timeline = Timeline(0.04, has_wraps=has_wraps, on_warning=warnings.append)
    times_s = [timeline.place(stamp_s) for stamp_s in stamps_s]
    timeline.end()
    return times_s, warnings, timeline.offsets_s


def test_stamps_that_go_on_are_the_times_to_the_bit() -> None:
    uneven = np.cumsum(np.random.default_rng(0).uniform(0.001, 1800, 300)).tolist()
    assert follow(uneven) == (uneven, [], (0.0,))
    assert follow([-1.5, -0.5, 0.5]) == ([-1.5, -0.5, 0.5], [], (0.0,))


def test_frames_without_a_stamp_come_a_step_later() -> None:
    assert follow([None, None, 0.1, None])[0] == pytest.approx([0.0, 0.04, 0.1, 0.15])


@pytest.mark.parametrize(
    "order", [[0, 2, 1, 3], [0, 4, 1, 2, 3, 8, 5, 6, 7], [0, 1, 1, 2, 2, 1, 3]]
)
def test_stamps_out_of_order_are_no_jump(order: list[int]) -> None:
    times_s, warnings, offsets_s = follow([0.04 * i for i in order])
    assert times_s == np.maximum.accumulate([0.04 * i for i in order]).tolist()
    assert (warnings, offsets_s) == ([], (0.0,))


def test_the_step_at_a_jump_is_the_usual_one_and_not_the_last() -> None:
    times_s, warnings, offsets_s = follow([10.0, 10.1, 10.2, 10.3, 15.3, 0.0, 0.1])
    assert times_s == pytest.approx([10.0, 10.1, 10.2, 10.3, 15.3, 15.4, 15.5])
    assert offsets_s == pytest.approx((0.0, 15.4))
    assert warnings[0].startswith("time stamps jump back by 15.3 s at 15.4 s")


def test_images_hours_apart_are_no_jumps() -> None:
    stamps_s: list[float | None] = [7200.0 * i for i in range(5)]
    warnings: list[str] = []
    timeline = Timeline(7200.0, has_wraps=False, on_warning=warnings.append)
    assert [timeline.place(stamp_s) for stamp_s in stamps_s] == stamps_s
    assert warnings == []


def test_only_stamps_of_33_bits_start_anew() -> None:
    full_s = 2**33 / 90_000
    stamps_s: list[float | None] = [full_s - 0.08, full_s - 0.04, 0.0, 0.04]
    times_s, warnings, _ = follow(stamps_s, has_wraps=True)
    assert np.diff(times_s) == pytest.approx(0.04)
    assert warnings == []
    times_s, warnings, _ = follow(stamps_s)
    assert np.diff(times_s) == pytest.approx(0.04)
    assert len(warnings) == 1
