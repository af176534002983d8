import base64
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import LABELS, N_EMOTIONS, Emotion
from emolens.reports.session_charts import (
    ABSENT,
    STEPS,
    chart_data,
    clock_text,
    label_background,
    label_color,
    longest_text,
    mostly_text,
    overview_chart,
    shares_text,
    track_chart,
)
from emolens.sessions.session import Session, SessionSummary
from emolens.sessions.track_summary import ShownTime
from tests.unit.sessions.session_cases import face_of, session_of, steadily

HAPPY, SAD = Emotion.HAPPY, Emotion.SAD


def data_of(session: Session) -> dict[str, Any]:
    """The data of all charts, having gone through JSON as on the page."""
    text = json.dumps(chart_data(session, session.tracks), allow_nan=False)
    data: dict[str, Any] = json.loads(text)
    return data


def probabilities_of(track: dict[str, Any]) -> npt.NDArray[np.uint8]:
    stored = np.frombuffer(base64.b64decode(track["probabilities"]), np.uint8)
    return stored.reshape(N_EMOTIONS, -1)


def shown_for(**seconds: float) -> ShownTime:
    uncertain_s = seconds.pop("uncertain", 0.0)
    return ShownTime(tuple(seconds.get(label, 0.0) for label in LABELS), uncertain_s)


@pytest.mark.parametrize(
    ("shown", "mostly", "longest"),
    [
        (
            shown_for(neutral=38, uncertain=62),
            "uncertain for 62 % of the visible time, otherwise mostly neutral (38 %)",
            ("uncertain", "62 % of the visible time of all faces, otherwise mostly neutral (38 %)"),
        ),
        (
            shown_for(happy=30, sad=28, uncertain=42),
            "uncertain for 42 % of the visible time, otherwise mostly happy (30 %)",
            ("uncertain", "42 % of the visible time of all faces, otherwise mostly happy (30 %)"),
        ),
        (
            shown_for(happy=60, sad=10, uncertain=30),
            "mostly happy (60 % of the visible time)",
            ("happy", "60 % of the visible time of all faces"),
        ),
        (
            shown_for(uncertain=4),
            "never labelled",
            ("uncertain", "100 % of the visible time of all faces"),
        ),
        (shown_for(), "never labelled", ("nothing", "no face")),
    ],
)
def test_long_uncertainty_is_named_first(
    shown: ShownTime, mostly: str, longest: tuple[str, str]
) -> None:
    assert mostly_text(shown).replace("\u00a0", " ") == mostly
    strong, small = longest_text(shown)
    assert (strong, small.replace("\u00a0", " ")) == longest


def test_probabilities_are_stored_with_gaps_and_nothing_else() -> None:
    moments = [
        *steadily([HAPPY] * 25, start_s=60.0),
        (61.0, []),
        *steadily([SAD] * 25, start_s=63.0),
    ]
    session = session_of(moments)
    data = data_of(session)
    (track,) = data["tracks"].values()
    # 4 s in bins of 0.05 s.
    assert track["shown"] == "3" * 20 + ABSENT * 40 + "4" * 20
    assert (track["first"], data["start_s"], data["bin_s"]) == (0, 60.0, 0.05)
    stored = probabilities_of(track)
    assert stored.shape == (7, 80)
    assert (stored[:, 20:60] == 255).all()
    visible = np.delete(stored, range(20, 60), axis=1)
    assert visible.sum(axis=0) == pytest.approx(STEPS, abs=3)
    scores = session.tracks[0].timeline.bins[0].scores
    assert scores is not None
    np.testing.assert_allclose(stored[:, 0] / STEPS, scores.probabilities, atol=0.5 / STEPS)


def test_a_label_is_told_apart_from_uncertainty_and_absence() -> None:
    moments = [(0.0, [face_of(1, HAPPY)]), (0.05, [face_of(1, None)]), (0.1, [face_of(2, SAD)])]
    data = data_of(session_of(moments))
    assert data["overview"] == [1, 2]
    tracks = data["tracks"].values()
    assert [(track["first"], track["shown"]) for track in tracks] == [(0, "37"), (2, "4")]
    assert data["labels"][3] == ["happy", label_color(HAPPY)]
    assert data["labels"][7] == ["uncertain", label_color(None)]
    assert data["labels"][:7] == [[label, label_color(Emotion[label.upper()])] for label in LABELS]


def test_a_face_that_was_never_scored_has_no_probabilities() -> None:
    session = session_of([(n / 25, [face_of(label=None, is_scored=False)]) for n in range(9)])
    (track,) = data_of(session)["tracks"].values()
    assert (probabilities_of(track) == 255).all()
    assert set(track["shown"]) == {"7"}


@pytest.mark.parametrize("start_s", [-5.0, 1e9, 1e15])
def test_strange_times_still_give_a_chart(start_s: float) -> None:
    session = session_of([(start_s, [face_of()]), (start_s + 1, [face_of()])])
    assert data_of(session)["range_s"] == [session.start_s, session.end_s]
    assert track_chart(session.tracks[0]).description


def test_the_overview_may_leave_tracks_out() -> None:
    session = session_of([(0.0, [face_of(1), face_of(2)]), (0.05, [face_of(1), face_of(2)])])
    data = chart_data(session, session.tracks[:1])
    assert data["overview"] == [1]
    assert list(data_of(session)["tracks"]) == ["1", "2"]


def test_descriptions_have_the_main_numbers() -> None:
    session = session_of(steadily([HAPPY] * 30 + [None] * 10, start_s=62.0))
    overview = overview_chart(session.tracks)
    assert "track 1 from 1:02.0 to 1:03.6, mostly happy" in overview.description
    assert "happy 75\u00a0%, uncertain 25\u00a0%" in track_chart(session.tracks[0]).description


def test_the_overview_grows_with_its_rows() -> None:
    one = session_of([(0.0, [face_of(1)]), (0.05, [face_of(1)])]).tracks
    assert overview_chart(one * 3).height_px - overview_chart(one * 2).height_px == 26


def test_shares_in_words() -> None:
    assert shares_text(SessionSummary().finish().shown) == "nothing shown"


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [
        (0, "0:00.0"),
        (83.26, "1:23.3"),
        (59.96, "1:00.0"),
        (3723, "1:02:03.0"),
        (-1.5, "-0:01.5"),
        (-0.01, "0:00.0"),
    ],
)
def test_clock(at_s: float, expected: str) -> None:
    assert clock_text(at_s) == expected


def test_uncertainty_is_hatched_and_every_other_label_is_its_colour() -> None:
    assert label_background(HAPPY) == label_color(HAPPY)
    assert label_background(None).startswith("repeating-linear-gradient")
    assert label_color(None) in label_background(None)


def test_the_charts_get_the_colour_of_their_edges() -> None:
    data = data_of(session_of(steadily([Emotion.NEUTRAL] * 9)))
    assert data["edge"] == "#808080"
