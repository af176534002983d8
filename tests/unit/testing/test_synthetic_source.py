import itertools
import math
import time

import numpy as np
import pytest

from emolens.core.errors import ConfigError
from emolens.core.geometry import Box
from emolens.testing import Actor, SyntheticSource

WHITE = np.full((50, 40, 3), 255, np.uint8)


def white_box(source: SyntheticSource, at_s: float) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((source.draw(at_s) > 200).all(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize(
    ("rate_hz", "duration_s", "n_frames"),
    [(30, 2, 60), (29.97, 1, 30), (25, 0.1, 3), (10, 0.3, 3), (30, 0, 0)],
)
def test_it_has_as_many_frames_as_fit(rate_hz: float, duration_s: float, n_frames: int) -> None:
    source = SyntheticSource(size_wh=(8, 6), rate_hz=rate_hz, duration_s=duration_s)
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(n_frames))
    assert [frame.media_time_s for frame in frames] == [n / rate_hz for n in range(n_frames)]
    assert all(frame.size_wh == (8, 6) for frame in frames)


def test_the_same_frames_come_every_time() -> None:
    actor = Actor(WHITE, lambda at_s: (20 + 10 * at_s, 30, 20))
    one, two = (list(SyntheticSource([actor], size_wh=(80, 60))) for _ in "ab")
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, two, strict=True))


def test_an_actor_is_where_its_path_leads() -> None:
    actor = Actor(WHITE, lambda at_s: (100 + 30 * at_s, 80, 40), Box(10, 10, 30, 40))
    source = SyntheticSource([actor], size_wh=(320, 240))
    assert white_box(source, 1.0) == (110, 55, 150, 105)
    assert source.faces_at(1.0) == [Box(120, 65, 140, 95)]
    assert actor.box_at(1.0) == Box(110, 55, 150, 105)


def test_a_hidden_actor_is_nowhere() -> None:
    actor = Actor(WHITE, lambda at_s: None if at_s < 1 else (100, 80, 40))
    source = SyntheticSource([actor], size_wh=(320, 240))
    assert (source.draw(0) == 110).all()
    assert source.faces_at(0) == [None]
    assert source.faces_at(1) == [Box(80, 55, 120, 105)]


@pytest.mark.parametrize("place", [(0, 0, 30), (320, 240, 100), (-500, 10, 30), (160, 120, 5000)])
def test_actors_may_lie_outside(place: tuple[float, float, float]) -> None:
    source = SyntheticSource([Actor(WHITE, lambda _at_s: place)], size_wh=(320, 240))
    assert source.draw(0).shape == (240, 320, 3)


def test_slow_movement_is_not_in_whole_pixels() -> None:
    ramp = np.broadcast_to(np.arange(40, dtype=np.uint8)[None, :, None] * 5, (50, 40, 3))
    source = SyntheticSource([Actor(ramp, lambda at_s: (100 + at_s, 80, 40))], size_wh=(200, 160))
    grays = [int(source.draw(at_s)[80, 100, 0]) for at_s in (0, 0.25, 0.5, 0.75, 1)]
    assert grays == sorted(set(grays), reverse=True)
    assert grays[0] - grays[-1] == 5


def test_a_live_source_gives_frames_when_they_are_due() -> None:
    source = SyntheticSource(size_wh=(8, 6), rate_hz=50, duration_s=0.3, is_live=True)
    began_s = time.monotonic()
    captured = [frame.captured_at_s - began_s for frame in source]
    assert all(at_s >= n / 50 for n, at_s in enumerate(captured))


def test_one_without_end_ends_when_it_is_closed_and_can_be_opened_again() -> None:
    source = SyntheticSource(size_wh=(8, 6), duration_s=math.inf)
    for _ in "ab":
        with source:
            frames = iter(source)
            assert [frame.index for frame in itertools.islice(frames, 5)] == [0, 1, 2, 3, 4]
        assert list(frames) == []
        source.close()


@pytest.mark.parametrize(
    "wrong", [{"rate_hz": 0}, {"rate_hz": -5}, {"duration_s": -1}, {"size_wh": (0, 5)}]
)
def test_options_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected a positive rate"):
        SyntheticSource(**wrong)  # type: ignore[arg-type]
