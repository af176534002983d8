import math

import pytest

from emolens.core.errors import ConfigError
from emolens.media.clip import Clip


def test_the_start_belongs_to_it_and_the_end_does_not() -> None:
    clip = Clip(1.0, 2.0)
    wanted = [t for t in (0.99, 1.0, 1.5, 1.99, 2.0) if not clip.is_before(t)]
    assert [t for t in wanted if not clip.is_behind(t)] == [1.0, 1.5, 1.99]


def test_without_bounds_everything_belongs_to_it() -> None:
    assert not any(Clip().is_before(t) or Clip().is_behind(t) for t in (-1.0, 0.0, 1e9))


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_bounds_are_seconds_from_zero_on(value: float) -> None:
    with pytest.raises(ConfigError, match="start is .*; allowed: 0 seconds or more"):
        Clip(start_s=value)
    with pytest.raises(ConfigError, match="end is .*; allowed: 0 seconds or more"):
        Clip(end_s=value)


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 1.0), (1.0, 1.0), (None, 0.0), (0.0, 0.0)])
def test_a_clip_of_no_length_is_refused(start_s: float | None, end_s: float) -> None:
    with pytest.raises(ConfigError, match="end is .* s; it must be after start"):
        Clip(start_s, end_s)


@pytest.mark.parametrize("every", [0, -1])
def test_every_is_at_least_one(every: int) -> None:
    with pytest.raises(ConfigError, match="every is .*; allowed: 1 or more"):
        Clip(every=every)
