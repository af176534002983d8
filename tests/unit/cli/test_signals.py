import os
import signal
from collections.abc import Iterator

import pytest

from emolens.cli.signals import stopping_on_signals
from emolens.core.frame import Frame, FrameResult
from emolens.pipeline.runner import StreamRunner
from emolens.testing import SyntheticSource


def no_faces(frame: Frame, *, dropped_before: int = 0) -> FrameResult:
    return FrameResult(frame.size_wh, (), frame.index, frame.media_time_s, dropped_before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_stream_and_is_what_it_was_before_afterwards(number: int) -> None:
    handler = signal.getsignal(number)
    source = SyntheticSource(size_wh=(8, 6), rate_hz=1000, duration_s=60)
    runner = StreamRunner(lambda: source, no_faces, is_live=False)
    seen = []
    with stopping_on_signals(runner) as was_asked:
        for result in runner:
            seen.append(result.frame_index)
            if len(seen) == 3:
                assert not was_asked()
                os.kill(os.getpid(), number)
        assert was_asked()
    assert len(seen) < 10
    assert signal.getsignal(number) is handler


@pytest.fixture
def usual_interrupt() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt; a command that ran in this process before leaves at once."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("usual_interrupt")
def test_a_second_signal_is_not_caught() -> None:
    source = SyntheticSource(size_wh=(8, 6), rate_hz=1000, duration_s=60)
    runner = StreamRunner(lambda: source, no_faces, is_live=False)
    with stopping_on_signals(runner):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
