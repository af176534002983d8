import numpy as np
import pytest

from emolens.core.errors import ConfigError
from emolens.testing import EditedSource, Shot, cut_clip, drawn_place


def grey(value: int) -> Shot:
    return Shot(lambda _since_s: np.full((4, 6, 3), value, np.uint8), 1.0)


def test_shots_follow_one_another() -> None:
    with EditedSource([grey(10), grey(20), grey(30)], rate_hz=4) as source:
        frames = list(source)
    assert [int(frame.image.max()) for frame in frames] == [10] * 4 + [20] * 4 + [30] * 4
    assert [frame.media_time_s for frame in frames] == pytest.approx(np.arange(12) / 4)
    assert source.changes_s == [1, 2]
    assert source.report.n_expected == 12


def test_rounding_leaves_no_frame_in_the_wrong_shot() -> None:
    shots = [Shot(grey(number).draw, 0.1) for number in range(30)]
    with EditedSource(shots, rate_hz=30) as source:
        values = [int(frame.image.max()) for frame in source]
    assert values == [number for number in range(30) for _ in range(3)]


def test_a_dissolve_mixes_both_shots() -> None:
    source = EditedSource([grey(0), grey(200)], rate_hz=10, dissolve_s=0.5)
    assert [int(source.draw(at_s).max()) for at_s in (0.9, 1.0, 1.25, 1.5, 1.9)] == [
        *(0, 0, 100, 200, 200)
    ]


def test_interrupting_ends_the_clip_and_opening_begins_it_again() -> None:
    with EditedSource([grey(10)], rate_hz=10) as source:
        frames = iter(source)
        assert next(frames).index == 0
        source.interrupt()
        assert list(frames) == []
    with source:
        assert len(list(source)) == 10


@pytest.mark.parametrize(
    ("n_shots", "options"), [(0, {}), (1, {"rate_hz": 0}), (1, {"dissolve_s": -1})]
)
def test_impossible_clips(n_shots: int, options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        EditedSource([grey(1)] * n_shots, **options)


def test_a_seed_is_a_place() -> None:
    one, again, other = drawn_place(1), drawn_place(1), drawn_place(2, size_wh=(30, 20))
    assert np.array_equal(one, again)
    assert one.shape == (360, 640, 3)
    assert other.shape == (20, 30, 3)
    assert one.std() > 20


def test_the_cut_clip_returns_to_its_first_scene() -> None:
    source = cut_clip(size_wh=(160, 90), shot_s=1)
    assert source.changes_s == [1, 2]
    first, second, third = (source.draw(at_s) for at_s in (0.0, 1.0, 2.0))
    assert np.array_equal(first, third)
    assert np.abs(first.astype(int) - second).mean() > 20
