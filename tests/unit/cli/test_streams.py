import os
import signal
from pathlib import Path

import numpy as np
import pytest

from emolens.cli.streams import check_not_source, show_session, stopping_on_signals
from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.errors import ConfigError
from emolens.core.face import FaceQuality, FaceResult
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box
from emolens.pipeline.runner import StreamRunner
from emolens.sessions.session import SessionSummary
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


def test_a_second_signal_is_not_caught() -> None:
    source = SyntheticSource(size_wh=(8, 6), rate_hz=1000, duration_s=60)
    runner = StreamRunner(lambda: source, no_faces, is_live=False)
    with stopping_on_signals(runner):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_no_output_may_be_the_source_or_another_output(tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    check_not_source(source, tmp_path / "b.mkv", None, "-", tmp_path / "c.csv")
    check_not_source(None, tmp_path / "b.mkv")
    with pytest.raises(ConfigError, match="is the source already"):
        check_not_source(source, tmp_path / "x" / ".." / "a.mkv")
    with pytest.raises(ConfigError, match="is another output already"):
        check_not_source(source, tmp_path / "b.csv", tmp_path / "b.csv")


def test_everybody_gets_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    summary = SessionSummary()
    probabilities = np.full(N_EMOTIONS, 0.04, np.float32)
    probabilities[Emotion.SAD] = 1 - 0.04 * (N_EMOTIONS - 1)
    frame = Frame(SyntheticSource(size_wh=(80, 60)).draw(0.0))
    for index in range(10):
        label = Emotion.SAD if index < 8 else None
        faces = tuple(
            FaceResult(
                Box(0, 0, 30, 30), 0.9, FaceQuality(30, 1.0), EmotionScores(probabilities),
                EmotionScores(probabilities), label, track_id=track_id,
            )
            for track_id in (1, 2)
        )  # fmt: skip
        summary.write(frame, FrameResult((80, 60), faces, index, index / 10))
    show_session(summary.finish())
    told = capsys.readouterr()
    lines = [line for line in told.out.splitlines() if "sad 80%, uncertain 20%" in line]
    assert [line.split()[0] for line in lines] == ["1", "2"]
    show_session(SessionSummary().finish())
    assert "no face found" in capsys.readouterr().err
