from emolens.core.emotion import Emotion
from emolens.reports.videos_text import videos_table
from tests.unit.sessions.session_cases import face_of, session_of


def test_every_video_has_a_line() -> None:
    labels = [Emotion.HAPPY] * 6 + [Emotion.SAD] * 2 + [None] * 2
    happy = session_of([(index / 10, [face_of(label=label)]) for index, label in enumerate(labels)])
    unclear = session_of([(0.0, [face_of(label=None)]), (0.1, [face_of(label=None)])])
    empty = session_of([(0.0, []), (0.1, [])])
    table = videos_table([("a", happy), ("b", None), ("c", unclear), ("d", empty)])
    assert table.rows == [
        ("a", "10", "1.0 s", "1", "happy 60%"),
        ("b", "", "", "", "failed"),
        ("c", "2", "0.2 s", "1", "uncertain"),
        ("d", "2", "0.2 s", "0", "no face detected"),
    ]
