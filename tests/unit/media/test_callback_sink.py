import pytest

from emolens.core.frame import Frame, FrameResult
from emolens.media.callback_sink import CallbackSink
from tests.results import frame_and_result


def test_the_function_gets_every_frame_with_its_result() -> None:
    calls: list[tuple[Frame, FrameResult]] = []
    given = [frame_and_result(index) for index in range(3)]
    with CallbackSink(lambda frame, result: calls.append((frame, result))) as sink:
        for frame, result in given:
            sink.write(frame, result)
    assert calls == given


def test_what_it_raises_is_raised() -> None:
    def fail(_frame: Frame, _result: FrameResult) -> None:
        raise ZeroDivisionError

    with CallbackSink(fail) as sink, pytest.raises(ZeroDivisionError):
        sink.write(*frame_and_result(0))
