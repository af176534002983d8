from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import OutputError, ProcessingError
from emolens.core.frame import Frame, FrameResult
from emolens.pipeline.outputs import Outputs
from tests.unit.pipeline.sources import empty_result, fresh_frame

Pixels = npt.NDArray[np.uint8]


class RecordingSink:
    """Notes what it is given; fails when told to."""

    def __init__(self, *, fails_at: str = "", error: Exception | None = None) -> None:
        self._fails_at = fails_at
        self._error = error or OutputError("disk full")
        self.images: list[Pixels] = []
        self.n_entered = self.n_closed = 0

    def __enter__(self) -> Self:
        self._maybe_fail("enter")
        self.n_entered += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.n_closed += 1
        self._maybe_fail("exit")

    def write(self, frame: Frame, result: FrameResult) -> None:
        self._maybe_fail(f"write {result.frame_index}")
        self.images.append(frame.image)

    def _maybe_fail(self, where: str) -> None:
        if self._fails_at == where:
            raise self._error


class AddingLayer:
    def __init__(self, value: int) -> None:
        self._value = value

    def apply(self, image: Pixels, result: FrameResult) -> Pixels:
        return np.asarray(image * 2 + self._value, np.uint8)


def run(outputs: Outputs, n_frames: int = 3) -> None:
    with outputs:
        for index in range(n_frames):
            frame = fresh_frame(index)
            outputs.write(frame, empty_result(frame))


def values(sink: RecordingSink) -> Sequence[int]:
    return [int(image[0, 0, 0]) for image in sink.images]


def test_data_take_the_frame_as_it_is_and_images_all_layers_in_order() -> None:
    data, image = RecordingSink(), RecordingSink()
    run(Outputs(data=[data], images=[image], layers=[AddingLayer(1), AddingLayer(5)]))
    assert values(data) == [0, 0, 0]
    assert values(image) == [7, 7, 7]
    assert (data.n_closed, image.n_closed) == (1, 1)


def test_nothing_is_drawn_for_nobody() -> None:
    class Refusing:
        def apply(self, image: Pixels, result: FrameResult) -> Pixels:
            raise AssertionError

    run(Outputs(data=[RecordingSink()], layers=[Refusing()]))


@pytest.mark.parametrize("kind", ["data", "images"])
def test_a_sink_that_fails_is_told_once_closed_and_left_out(kind: str) -> None:
    failing, other, image = RecordingSink(fails_at="write 1"), RecordingSink(), RecordingSink()
    data = [failing, other] if kind == "data" else [other]
    images = [image] if kind == "data" else [failing, image]
    outputs = Outputs(data=data, images=images)
    run(outputs)
    assert outputs.failures == ["disk full"]
    assert [len(sink.images) for sink in (failing, other, image)] == [1, 3, 3]
    assert [sink.n_closed for sink in (failing, other, image)] == [1, 1, 1]


def test_a_sink_that_fails_again_when_it_is_closed_is_told_once() -> None:
    class Broken(RecordingSink):
        def __exit__(self, *_: object) -> None:
            super().__exit__()
            raise OutputError("closing")

    sink = Broken(fails_at="write 0")
    outputs = Outputs(data=[sink])
    run(outputs)
    assert outputs.failures == ["disk full"]
    assert sink.n_closed == 1


def test_when_all_sinks_have_failed_going_on_is_of_no_use() -> None:
    outputs = Outputs(data=[RecordingSink(fails_at="write 0")], images=[RecordingSink()])
    with outputs:
        frame = fresh_frame()
        outputs.write(frame, empty_result(frame))
        assert not outputs.is_exhausted
    alone = Outputs(data=[RecordingSink(fails_at="write 0")])
    with alone:
        alone.write(frame, empty_result(frame))
        assert alone.is_exhausted
        alone.write(frame, empty_result(frame))
    with Outputs() as nothing:
        assert not nothing.is_exhausted


def test_one_that_cannot_be_completed_is_told_and_the_others_are_closed() -> None:
    sinks = [RecordingSink(), RecordingSink(fails_at="exit"), RecordingSink()]
    outputs = Outputs(data=sinks[:2], images=sinks[2:])
    run(outputs)
    assert outputs.failures == ["disk full"]
    assert [sink.n_closed for sink in sinks] == [1, 1, 1]
    outputs.close()
    assert [sink.n_closed for sink in sinks] == [1, 1, 1]


def test_a_bug_in_closing_comes_through_after_all_are_closed() -> None:
    sinks = [RecordingSink(fails_at="exit", error=ZeroDivisionError()), RecordingSink()]
    with pytest.raises(ZeroDivisionError):
        run(Outputs(data=sinks))
    assert sinks[1].n_closed == 1


def test_those_before_one_that_cannot_be_opened_are_closed() -> None:
    first, second = RecordingSink(), RecordingSink(fails_at="enter")
    with pytest.raises(OutputError, match="disk full"):
        run(Outputs(data=[first], images=[second]))
    assert (first.n_entered, first.n_closed) == (1, 1)


@pytest.mark.parametrize("error", [RuntimeError("bug"), ProcessingError("drawing")])
def test_what_is_no_output_error_comes_through_and_all_are_closed(error: Exception) -> None:
    sinks = [RecordingSink(), RecordingSink(fails_at="write 1", error=error), RecordingSink()]
    with pytest.raises(type(error)):
        run(Outputs(data=sinks))
    assert [sink.n_closed for sink in sinks] == [1, 1, 1]
    assert len(sinks[0].images) == 2


def test_drawing_and_writing_are_timed() -> None:
    outputs = Outputs(data=[RecordingSink()], images=[RecordingSink()])
    run(outputs, 5)
    assert {stage: of.n for stage, of in outputs.latencies.items()} == {
        "writing": 5,
        "drawing": 5,
        "showing": 5,
    }


def test_images_know_where_they_belong() -> None:
    class Asking(RecordingSink):
        def write(self, frame: Frame, result: FrameResult) -> None:
            super().write(frame, result)
            assert (frame.index, frame.media_time_s) == (result.frame_index, result.media_time_s)
            # The result still leads to the frame without layers.
            assert int(result.frame.image[0, 0, 0]) == 0

    run(Outputs(images=[Asking()], layers=[AddingLayer(9)]))
