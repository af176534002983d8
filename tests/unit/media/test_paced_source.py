import threading
import time
from pathlib import Path

import numpy as np
import pytest

from emolens.core.frame import Frame
from emolens.media.paced_source import PacedSource
from emolens.media.video_source import VideoSource
from emolens.testing import SyntheticSource
from tests.clips import ClipRecipe, make_clip


def still(rate_hz: float, *, duration_s: float = 0.4) -> SyntheticSource:
    return SyntheticSource(size_wh=(8, 6), rate_hz=rate_hz, duration_s=duration_s)


@pytest.mark.timeout(20)
def test_frames_come_when_they_are_due() -> None:
    began_s = time.monotonic()
    with PacedSource(still(50)) as source:
        frames = list(source)
    # Never early, however busy the machine is.
    late_s = np.array([f.captured_at_s - began_s - f.media_time_s for f in frames])
    assert len(frames) == 20
    assert late_s.min() >= 0
    assert [f.index for f in frames] == list(range(20))


@pytest.mark.timeout(20)
def test_waiting_begins_with_the_first_frame(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", ClipRecipe(n_frames=3, ticks=[25_000, 25_001, 25_002]))
    with PacedSource(VideoSource(path)) as source:
        assert [f.media_time_s for f in source] == pytest.approx([1000, 1000.04, 1000.08])


@pytest.mark.timeout(20)
def test_one_that_is_late_does_not_wait() -> None:
    now = iter(np.arange(0, 1000, 10.0))
    with PacedSource(still(10), clock=lambda: float(next(now))) as source:
        assert len(list(source)) == 4


@pytest.mark.timeout(20)
@pytest.mark.parametrize("how", ["close", "__exit__"])
def test_closing_ends_the_wait(how: str) -> None:
    source = PacedSource(still(0.01, duration_s=1000))
    frames: list[Frame] = []

    def read() -> None:
        with source:
            frames.extend(source)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.1)
    began_s = time.monotonic()
    source.close() if how == "close" else source.__exit__(None, None, None)
    reader.join(10)
    assert not reader.is_alive()
    assert time.monotonic() - began_s < 1
    assert len(frames) <= 1
    source.close()


def test_warnings_are_those_of_what_it_slows_down(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", ClipRecipe(n_frames=2))
    within = VideoSource(path)
    within.warnings.append("damaged")
    assert PacedSource(within).report.warnings == ["damaged"]
    assert PacedSource(still(1)).report.warnings == []
    within.close()
