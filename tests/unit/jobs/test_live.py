from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from emolens.core.errors import ConfigError, SourceError
from emolens.core.frame import Frame
from emolens.jobs.drawing import DrawOptions
from emolens.jobs.live import LiveJob, live_settings, watch
from emolens.media.callback_sink import CallbackSink
from emolens.media.open_source import plan_of_frames
from emolens.media.push_source import PushSource
from emolens.pipeline.models import Models
from emolens.pipeline.runner import StreamRunner
from emolens.rendering.palette import track_rgb
from emolens.testing.sample_clip import crossing_clip
from tests.unit.pipeline.sources import ScriptedSource

pytestmark = pytest.mark.timeout(120)


def test_a_live_source_is_told_as_it_comes() -> None:
    clip = crossing_clip(size_wh=(320, 240), rate_hz=10, duration_s=1)
    source = PushSource(capacity=10)
    for frame in clip:
        source.push(frame.image, captured_at_s=frame.media_time_s)
    source.close()
    told: list[tuple[int, str]] = []
    written: list[Frame] = []
    job = LiveJob(
        data=[CallbackSink(lambda frame, _result: written.append(frame))],
        on_result=lambda result, speed: told.append((result.frame_index, speed)),
    )
    watched = watch(plan_of_frames(source), Models(), job)
    assert watched.error is None
    assert not watched.has_failures
    assert watched.session.n_frames == len(told) == len(written)
    assert watched.status.counts.captured == 10
    assert all(speed.endswith("ms") for _, speed in told)
    assert watched.provenance is not None
    assert watched.provenance.settings["detect_share"] == 0.5
    assert watched.provenance.settings["blur"] is False
    assert str(watched).startswith(f"{len(told)} frames processed")


def test_time_ends_it() -> None:
    source = PushSource()
    source.push(np.zeros((48, 64, 3), np.uint8))
    watched = watch(plan_of_frames(source), Models(), LiveJob(duration_s=0.3))
    assert watched.session.n_frames == 1
    assert not source.push(np.zeros((48, 64, 3), np.uint8))


def test_a_caller_can_stop_it() -> None:
    source = PushSource()
    source.push(np.zeros((48, 64, 3), np.uint8))
    runners: list[StreamRunner] = []

    @contextmanager
    def stopping(runner: StreamRunner) -> Iterator[Callable[[], bool]]:
        runners.append(runner)
        yield lambda: True

    def on_result(_result: object, _speed: str) -> None:
        runners[0].request_stop()

    job = LiveJob(on_result=on_result)
    watched = watch(plan_of_frames(source), Models(), job, stopping=stopping)
    assert watched.error is None
    assert watched.session.n_frames == 1


def test_a_source_that_gives_nothing_is_an_error() -> None:
    def fail() -> Any:
        raise SourceError("it is broken")

    with pytest.raises(SourceError, match="it is broken"):
        watch(plan_of_frames(ScriptedSource(fail)), Models())


def test_blurred_faces_are_searched_for_in_every_frame() -> None:
    assert live_settings().detect_hz == 10
    blurred = live_settings(blur=True)
    assert (blurred.detect_hz, blurred.detect_share) == (None, None)
    assert live_settings(320).detector_px == 320


def n_number_pixels(style: str) -> int:
    """Draw a frame with two faces and count the pixels of track colours."""
    source = PushSource()
    source.push(crossing_clip(size_wh=(320, 240)).draw(0.0))
    source.close()
    drawn: list[Frame] = []
    sink = CallbackSink(lambda frame, _result: drawn.append(frame))
    watch(
        plan_of_frames(source),
        Models(),
        LiveJob(images=[sink], draw_options=DrawOptions(style=style)),
    )
    (frame,) = drawn
    return sum(
        int((frame.image[:, :, ::-1] == track_rgb(number)).all(axis=2).sum()) for number in (1, 2)
    )


def test_the_style_of_tags_can_be_chosen() -> None:
    # Without tags, the numbers are in the time line only.
    assert 0 < n_number_pixels("color") < n_number_pixels("auto")
    with pytest.raises(ConfigError, match="style is 'loud'"):
        n_number_pixels("loud")


def test_cuts_can_be_switched_off() -> None:
    assert live_settings().cuts
    assert not live_settings(cuts=False).cuts
