import pytest

from emolens.contract import TRACK_COLUMNS
from emolens.core.emotion import LABELS, Emotion
from emolens.sessions.track_summary import UNCERTAIN, Gap, ShownTime
from tests.unit.sessions.session_cases import face_of, session_of, steadily


def test_times_and_shares_per_label() -> None:
    shown = ShownTime((0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 2.0), 2.0)
    assert shown.visible_s == 8
    assert shown.most_shown is Emotion.HAPPY
    assert shown.share(Emotion.HAPPY) == pytest.approx(3 / 8)
    assert shown.share(None) == pytest.approx(2 / 8)
    assert [*shown.to_dict()] == [*LABELS, UNCERTAIN]


def test_where_nothing_was_shown_nothing_is_made_up() -> None:
    assert ShownTime((0.0,) * 7, 5.0).most_shown is None
    assert ShownTime((0.0,) * 7, 0.0).share(None) is None


def test_a_gap_has_a_length() -> None:
    assert Gap(1.5, 4.0).duration_s == 2.5


def test_a_person_as_plain_values() -> None:
    moments = [*steadily([Emotion.FEAR] * 5), (0.2, [face_of(label=None, is_scored=False)])]
    record = session_of(moments).tracks[0].to_dict()
    assert record["most_shown"] == "fear"
    assert record["transitions"] == [[0] * 7] * 7
    never = session_of([(0.0, [face_of(label=None, is_scored=False)])]).tracks[0].to_dict()
    assert never["most_shown"] is None
    assert never["mean_probabilities"] is None
    assert never["timeline"] == {
        "start_s": 0.0,
        "bin_s": 0.05,
        "bins": [{"index": 0, "visible_s": 0.04, "label": None, "probabilities": None}],
    }


def test_a_row_has_the_numbers_of_the_record() -> None:
    labels = [Emotion.FEAR] * 5 + [Emotion.SAD] * 3 + [None] * 2
    session = session_of(steadily(labels))
    (track,) = session.tracks
    (row,) = session.to_rows()
    record = track.record
    assert tuple(row) == TRACK_COLUMNS
    for name in ("track_id", "first_s", "last_s", "visible_s", "n_frames", "most_shown", "n_gaps"):
        assert row[name] == getattr(record, name)
    assert record.mean_probabilities is not None
    for label in LABELS:
        assert row[f"seconds_{label}"] == record.seconds[label]
        assert row[f"share_{label}"] == pytest.approx(record.seconds[label] / record.visible_s)
        assert row[f"mean_{label}"] == record.mean_probabilities[label]
        assert row[f"episodes_{label}"] == record.episodes[label]
    assert (row["n_episodes"], row["n_changes"]) == (2, 1)
    assert row["labelled_s"] == pytest.approx(0.32)
    assert row["uncertain_s"] == pytest.approx(0.08)
    assert row["uncertain_share"] == pytest.approx(0.2)


def test_a_row_of_a_track_without_scores_has_empty_means() -> None:
    (row,) = session_of([(0.0, [face_of(label=None, is_scored=False)])]).to_rows()
    assert {row[f"mean_{label}"] for label in LABELS} == {None}
    assert row["most_shown"] is None
    assert row["uncertain_share"] == 1
