import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.core.errors import ConfigError
from emolens.core.frame import Frame
from emolens.pipeline.buffers import FrameBuffer, FrameCounts

pytestmark = pytest.mark.timeout(20)

IMAGE = np.zeros((1, 1, 3), np.uint8)
KINDS: dict[str, Callable[[], FrameBuffer]] = {
    "latest wins": FrameBuffer.latest_wins,
    "lossless": FrameBuffer.lossless,
}


def frame(index: int = 0) -> Frame:
    return Frame(IMAGE, index=index)


def balance(counts: FrameCounts) -> int:
    return counts.captured - counts.processed - counts.dropped - counts.in_flight


def taken_index(buffer: FrameBuffer) -> int | None:
    taken = buffer.take(timeout_s=0)
    return None if taken is None else taken.frame.index


def test_the_newest_frame_takes_the_place_of_the_one_that_waits() -> None:
    buffer = FrameBuffer.latest_wins()
    for index in range(5):
        assert buffer.put(frame(index))
    taken = buffer.take(timeout_s=0)
    assert taken is not None
    assert (taken.frame.index, taken.dropped_before) == (4, 4)
    assert buffer.counts() == FrameCounts(captured=5, dropped=4, in_flight=1)
    buffer.done()
    assert buffer.counts() == FrameCounts(captured=5, processed=1, dropped=4)


def test_drops_are_told_with_the_next_frame_only() -> None:
    buffer = FrameBuffer.latest_wins()
    told = []
    for n_frames in (1, 3, 1, 2):
        for _ in range(n_frames):
            buffer.put(frame())
        taken = buffer.take(timeout_s=0)
        assert taken is not None
        told.append(taken.dropped_before)
    assert told == [0, 2, 0, 1]


def test_a_lossless_buffer_keeps_the_order_and_lets_the_source_wait() -> None:
    buffer = FrameBuffer.lossless(capacity=2)
    reader = threading.Thread(target=lambda: [buffer.put(frame(index)) for index in range(6)])
    reader.start()
    while buffer.counts().captured < 3:
        time.sleep(0.001)
    time.sleep(0.02)
    # Two wait, one is in the hand of the reader.
    assert buffer.counts() == FrameCounts(captured=3, in_flight=3)
    indices = []
    for _ in range(6):
        taken = buffer.take(timeout_s=5)
        assert taken is not None
        assert taken.dropped_before == 0
        indices.append(taken.frame.index)
        buffer.done()
    reader.join()
    assert indices == list(range(6))
    assert buffer.counts() == FrameCounts(captured=6, processed=6)


@pytest.mark.parametrize("kind", KINDS)
def test_closing_drops_what_waits_and_refuses_what_comes(kind: str) -> None:
    buffer = KINDS[kind]()
    buffer.put(frame(0))
    buffer.close()
    buffer.close()
    assert not buffer.put(frame(1))
    assert taken_index(buffer) is None
    assert buffer.counts() == FrameCounts(captured=2, dropped=2)


def test_closing_wakes_a_source_that_waits_and_counts_its_frame() -> None:
    buffer = FrameBuffer.lossless(capacity=1)
    accepted: list[bool] = []
    reader = threading.Thread(target=lambda: accepted.extend(buffer.put(frame()) for _ in "ab"))
    reader.start()
    while buffer.counts().captured < 2:
        time.sleep(0.001)
    buffer.close()
    reader.join(1)
    assert accepted == [True, False]
    assert buffer.counts() == FrameCounts(captured=2, dropped=2)


@pytest.mark.parametrize("end", [FrameBuffer.close, FrameBuffer.wake])
def test_who_waits_for_a_frame_is_woken(end: Callable[[FrameBuffer], None]) -> None:
    buffer = FrameBuffer.latest_wins()
    threading.Timer(0.02, end, (buffer,)).start()
    began_s = time.monotonic()
    assert buffer.take(timeout_s=10) is None
    assert time.monotonic() - began_s < 5


def test_waking_is_not_forgotten_over_the_last_frames() -> None:
    buffer = FrameBuffer.lossless()
    buffer.put(frame(0))
    buffer.put(frame(1))
    buffer.wake()
    assert [taken_index(buffer), taken_index(buffer)] == [0, 1]
    began_s = time.monotonic()
    assert buffer.take(timeout_s=5) is None
    assert time.monotonic() - began_s < 2.5


def test_a_wait_ends_after_its_time() -> None:
    assert FrameBuffer.latest_wins().take(timeout_s=0.01) is None


def test_a_frame_without_result_is_dropped() -> None:
    buffer = FrameBuffer.latest_wins()
    buffer.put(frame())
    buffer.take(timeout_s=0)
    buffer.done(is_delivered=False)
    assert buffer.counts() == FrameCounts(captured=1, dropped=1)


def test_the_last_frame_has_its_time_when_it_found_room() -> None:
    now_s = [10.0]
    buffer = FrameBuffer(capacity=1, drops_oldest=False, clock=lambda: now_s[0])
    assert buffer.last_put_s == 10
    now_s[0] = 11.0
    buffer.put(frame())
    assert buffer.last_put_s == 11
    reader = threading.Thread(target=buffer.put, args=(frame(),))
    reader.start()
    while buffer.counts().captured < 2:
        time.sleep(0.001)
    now_s[0] = 19.0
    buffer.take(timeout_s=0)
    reader.join()
    assert buffer.last_put_s == 19


def test_a_buffer_without_room_is_refused() -> None:
    with pytest.raises(ConfigError, match="capacity is 0; allowed: 1 frame or more"):
        FrameBuffer(capacity=0, drops_oldest=True)


@given(st.lists(st.sampled_from(["put", "take", "done", "close"]), max_size=60))
def test_the_counts_add_up_after_everything(actions: list[str]) -> None:
    buffer = FrameBuffer(capacity=3, drops_oldest=True)
    n_taken = 0
    for action in actions:
        if action == "put":
            buffer.put(frame())
        elif action == "take":
            n_taken += buffer.take(timeout_s=0) is not None
        elif action == "close":
            buffer.close()
        elif n_taken:
            buffer.done(is_delivered=n_taken % 2 == 0)
            n_taken -= 1
        assert balance(buffer.counts()) == 0


@pytest.mark.parametrize("is_stopped", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_counts_add_up_at_every_moment_seen_from_another_thread(
    kind: str, is_stopped: bool
) -> None:
    buffer = KINDS[kind]()
    n_frames = 20_000
    is_over = threading.Event()
    balances: list[int] = []

    def read() -> None:
        for index in range(n_frames):
            buffer.put(frame(index))
        buffer.wake()

    def scrape() -> None:
        while not is_over.is_set():
            balances.append(balance(buffer.counts()))

    reader, scraper = threading.Thread(target=read), threading.Thread(target=scrape)
    reader.start()
    scraper.start()
    began_s = time.monotonic()
    while reader.is_alive() or buffer.counts().in_flight:
        if buffer.take(timeout_s=0.01) is not None:
            buffer.done()
        if is_stopped and time.monotonic() - began_s > 0.1:
            buffer.close()
    is_over.set()
    scraper.join()
    assert set(balances) == {0}
    assert len(balances) > 20
    counts = buffer.counts()
    assert (counts.captured, counts.in_flight) == (n_frames, 0)
    assert kind != "lossless" or is_stopped or counts.dropped == 0
