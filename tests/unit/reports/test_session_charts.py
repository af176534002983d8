import json
from typing import Any

import pytest

from emolens.core.emotion import LABELS, Emotion
from emolens.reports.session_charts import (
    clock_text,
    label_color,
    overview_chart,
    shares_text,
    track_chart,
)
from emolens.sessions.session import SessionSummary
from tests.unit.sessions.session_cases import face_of, session_of, steadily

HAPPY, SAD = Emotion.HAPPY, Emotion.SAD


def data_of(figure: dict[str, object]) -> list[dict[str, Any]]:
    """The traces, having gone through JSON as on the page."""
    text = json.dumps(figure, allow_nan=False)
    data: list[dict[str, Any]] = json.loads(text)["data"]
    return data


def test_probabilities_are_stacked_with_gaps_and_nothing_else() -> None:
    moments = [
        *steadily([HAPPY] * 25, start_s=60.0),
        (61.0, []),
        *steadily([SAD] * 25, start_s=63.0),
    ]
    (track,) = session_of(moments).tracks
    *areas, strip = data_of(track_chart(track).figure)
    assert [area["name"] for area in areas] == list(LABELS)
    assert {area["stackgroup"] for area in areas} == {"probabilities"}
    heights = [area["y"] for area in areas]
    # 4 s in bins of 0.05 s, and one more point that ends the last bin.
    assert {len(one) for one in heights} == {81}
    for index in range(81):
        column = [one[index] for one in heights]
        if 20 <= index < 60 or index == 80:
            assert column == [None] * 7
        else:
            assert sum(column) == pytest.approx(1, abs=0.004)
    assert areas[0]["x0"] == "1970-01-01 00:01:00.000000"
    assert areas[0]["dx"] == pytest.approx(50)
    assert strip["z"] == [[3] * 20 + [None] * 40 + [4] * 20]


def test_what_was_shown_is_told_apart_from_uncertainty_and_absence() -> None:
    moments = [(0.0, [face_of(1, HAPPY)]), (0.05, [face_of(1, None)]), (0.1, [face_of(2, SAD)])]
    session = session_of(moments)
    (rows,) = data_of(overview_chart(session, session.tracks).figure)
    assert rows["z"] == [[3, 7, None], [None, None, 4]]
    assert rows["text"] == [["happy", "uncertain", ""], ["", "", "sad"]]
    assert rows["colorscale"][-1] == [1, label_color(None)]
    # The middle of the first bin.
    assert rows["x0"] == "1970-01-01 00:00:00.025000"


def test_a_face_that_was_never_scored_has_an_empty_stack() -> None:
    (track,) = session_of(
        [(n / 25, [face_of(label=None, is_scored=False)]) for n in range(9)]
    ).tracks
    *areas, strip = data_of(track_chart(track).figure)
    assert {height for area in areas for height in area["y"]} == {None}
    assert set(strip["z"][0]) == {7}


@pytest.mark.parametrize("start_s", [-5.0, 1e9, 1e15])
def test_strange_times_still_give_a_chart(start_s: float) -> None:
    session = session_of([(start_s, [face_of()]), (start_s + 1, [face_of()])])
    charts = [overview_chart(session, session.tracks), track_chart(session.tracks[0])]
    assert all(data_of(chart.figure) for chart in charts)


def test_descriptions_have_the_main_figures() -> None:
    session = session_of(steadily([HAPPY] * 30 + [None] * 10, start_s=62.0))
    overview = overview_chart(session, session.tracks)
    assert "track 1 from 1:02.0 to 1:03.6, mostly happy" in overview.description
    assert "happy 75\u00a0%, uncertain 25\u00a0%" in track_chart(session.tracks[0]).description


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
