import numpy as np

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.face import FaceQuality, FaceResult
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box
from emolens.reports.session_text import session_text
from emolens.reports.text import TextTable
from emolens.sessions.session import SessionSummary
from emolens.testing import SyntheticSource


def test_everybody_gets_a_line() -> None:
    summary = SessionSummary()
    probabilities = np.full(N_EMOTIONS, 0.04, np.float32)
    probabilities[Emotion.SAD.index] = 1 - 0.04 * (N_EMOTIONS - 1)
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
    (table,) = session_text(summary.finish())
    assert isinstance(table, TextTable)
    assert [row[0] for row in table.rows] == ["1", "2"]
    assert {row[3] for row in table.rows} == {"sad 80%, uncertain 20%"}
    assert list(session_text(SessionSummary().finish())) == ["no face detected"]


def test_cuts_are_told_with_the_first_times() -> None:
    summary = SessionSummary()
    frame = Frame(SyntheticSource(size_wh=(80, 60)).draw(0.0))
    for index in range(3):
        summary.write(frame, FrameResult((80, 60), (), index, index * 1.5, shot=index + 1))
    said, _ = session_text(summary.finish())
    assert said == "3 shots; tracks end at each cut: 1.5 s, 3.0 s"
    for index in range(3, 9):
        summary.write(frame, FrameResult((80, 60), (), index, index * 1.5, shot=index + 1))
    said, _ = session_text(summary.finish())
    assert said == (
        "9 shots; tracks end at each cut: 1.5 s, 3.0 s, 4.5 s, 6.0 s, 7.5 s, 9.0 s, ..."
    )
