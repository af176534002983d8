import threading
import time

import numpy as np
import pytest

from emolens.core.errors import ConfigError, InputError
from emolens.core.frame import Frame, FrameResult
from emolens.media.push_source import PushSource
from emolens.pipeline.runner import StreamRunner
from tests.unit.pipeline.sources import empty_result

IMAGE = np.zeros((48, 64, 3), np.uint8)


def test_the_newest_image_wins_and_the_others_are_counted() -> None:
    source = PushSource("game", clock=lambda: 5.0)
    for at_s in (1.0, 1.5, 2.0):
        assert source.push(IMAGE, captured_at_s=at_s)
    source.close()
    assert not source.push(IMAGE)
    (frame,) = source
    assert (frame.index, frame.media_time_s, frame.captured_at_s) == (2, 1.0, 2.0)
    assert frame.source_id == "game"
    assert source.report.n_dropped == 2


def test_there_may_be_room_for_more() -> None:
    source = PushSource(capacity=2)
    for _ in range(3):
        source.push(IMAGE)
    source.close()
    source.close()
    assert [frame.index for frame in source] == [1, 2]
    with pytest.raises(ConfigError, match="capacity is 0; allowed: 1 image or more"):
        PushSource(capacity=0)


def test_what_is_no_image_is_refused_and_the_next_one_counts() -> None:
    source = PushSource()
    with pytest.raises(InputError, match="uint8 array"):
        source.push(np.zeros((4, 4), np.uint8))
    source.push(IMAGE, captured_at_s=7.0)
    source.close()
    (frame,) = source
    assert (frame.index, frame.media_time_s) == (0, 0.0)


def test_every_image_is_processed_or_counted_as_dropped() -> None:
    source = PushSource()

    def produce() -> None:
        for _ in range(200):
            source.push(IMAGE)
        source.close()

    def slow(frame: Frame, *, dropped_before: int = 0) -> FrameResult:
        time.sleep(0.01)
        return empty_result(frame, dropped_before=dropped_before)

    thread = threading.Thread(target=produce)
    with StreamRunner(lambda: source, slow, is_live=True) as runner:
        thread.start()
        results = list(runner)
    thread.join()
    counts = runner.status.counts
    assert counts.captured == 200
    assert counts.processed == len(results) < 200
    assert counts.captured == counts.processed + counts.dropped
    assert results[-1].frame_index == 199
    assert sum(result.dropped_before for result in results) == counts.dropped


def test_a_reader_that_waits_is_woken_by_the_end() -> None:
    source = PushSource()
    threading.Timer(0.1, source.close).start()
    began_s = time.monotonic()
    assert list(source) == []
    assert time.monotonic() - began_s < 5
