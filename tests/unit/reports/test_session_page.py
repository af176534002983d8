import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.face import FaceResult
from emolens.reports import session_page as session_page_module
from emolens.reports.session_page import Speed, duration_text, session_page
from emolens.sessions.session import Session, SessionSummary
from tests.made import MADE, runs_nothing
from tests.unit.sessions.session_cases import face_of, session_of, steadily

HAPPY, SAD = Emotion.HAPPY, Emotion.SAD
TEMPLATES = Path(session_page_module.__file__).with_name("templates")
LIBRARY = TEMPLATES.joinpath("vendor/uplot.js").read_text("utf-8")
HOSTILE = "</script><script>alert(1)</script>"


@dataclass(frozen=True)
class Took:
    p50_ms: float
    p95_ms: float
    p99_ms: float


SPEED = Speed(24.3, 1.4, {"detection": Took(18.24, 25.1, 33.7), "classification": Took(6, 9, 15)})


def two_persons(*, thumbnails: bool = False) -> Session:
    def faces(n: int) -> list[FaceResult]:
        if 100 <= n < 130:
            return []
        return [face_of(7, HAPPY if n % 50 < 40 else SAD), *([face_of(9, None)] * (n > 60))]

    moments = [(n / 25, faces(n)) for n in range(200)]
    return session_of(moments, summary=SessionSummary(thumbnails=thumbnails))


def page_of(
    session: Session,
    *,
    title: str = "A title",
    source: str = "clip.mp4",
    model: str = "accurate",
    speed: Speed = SPEED,
) -> str:
    assert MADE.model is not None
    named = MADE.model.model_copy(update={"name": model})
    made = MADE.model_copy(update={"model": named})
    return session_page(session, title=title, speed=speed, source=source, made=made)


def without_library(page: str) -> str:
    assert page.count(LIBRARY) == 1
    return page.replace(LIBRARY, "")


class Elements(HTMLParser):
    """The start tags of a page, its visible text and its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"span", "strong", "td", "th"}:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and data.strip():
            self.scripts.append(data)
        elif self.lasttag != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.tags if name in (attrs.get("class") or "").split()]


def charts_of(page: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Elements(without_library(page)).scripts[0])
    return found


def test_the_page_says_what_was_seen() -> None:
    text = Elements(without_library(page_of(two_persons()))).text
    for told in (
        "Track 7",
        "Mostly happy (76 % of the visible time).",
        "Track 9",
        "Never labelled.",
        "longest shown happy 47 % of the visible time of all faces",
        "tracks 2",
        "frames processed 200 30 without a face",
        "1.4 times real time",
        "detection 18.2 25.1 33.7",
        "1 gap, 1.20 s in total",
        "0:04.0 to 0:05.2",
        "not what a person feels",
        "emolens 1.2.3",
    ):
        assert told in text


def test_the_same_session_gives_the_same_page() -> None:
    assert page_of(two_persons(thumbnails=True)) == page_of(two_persons(thumbnails=True))


def test_only_the_scripts_of_the_page_may_run_and_nothing_is_fetched() -> None:
    page = page_of(two_persons())
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0]
    allowed = re.findall(r"'(sha256-[^']+)'", policy.replace("&#39;", "'"))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert allowed == [f"sha256-{base64.b64encode(digest).decode()}" for digest in digests]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"script-src[^;]*unsafe-inline", policy)
    own = re.sub(r'"probabilities":"[^"]*"', "", without_library(page))
    assert not re.search(r"(?:https?:)?//[a-z]", own)
    assert not re.search(r'(?:src|href)="(?!#)', own)


def test_the_chart_library_contacts_nobody() -> None:
    for call in ("fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "eval(", "import("):
        assert call not in LIBRARY


def test_a_page_of_ten_minutes_is_small() -> None:
    def faces(n: int) -> list[FaceResult]:
        return [face_of(track, list(Emotion)[(n // 40 + track) % 7]) for track in range(1, 9)]

    page = page_of(session_of((n / 10, faces(n)) for n in range(6000)))
    assert len(page.encode()) < 200_000


@pytest.mark.parametrize("field", ["title", "source", "model"])
def test_hostile_names_stay_text(field: str) -> None:
    hostile: dict[str, Any] = {field: HOSTILE + "\"'{{ 7 * 7 }}"}
    page = page_of(two_persons(), **hostile)
    assert HOSTILE not in page
    plain = Elements(without_library(page_of(two_persons())))
    elements = Elements(without_library(page))
    assert [tag for tag, _ in elements.tags] == [tag for tag, _ in plain.tags]
    assert f"{HOSTILE}\"'{{{{ 7 * 7 }}}}" in elements.text


def test_hostile_stage_names_stay_text() -> None:
    speed = Speed(stages={HOSTILE: Took(1, 2, 3)})
    assert HOSTILE not in page_of(two_persons(), speed=speed)


def test_every_chart_has_its_data_and_its_description() -> None:
    page = page_of(two_persons())
    boxes = Elements(without_library(page)).with_class("chart")
    assert [box["id"] for box in boxes] == ["overview", "track-7", "track-9"]
    data = charts_of(page)
    assert data["overview"] == [7, 9]
    assert [f"track-{track}" for track in data["tracks"]] == [box["id"] for box in boxes[1:]]
    assert all(int(box["data-height"] or "") > 0 for box in boxes)
    assert all(box["role"] == "img" for box in boxes)
    assert "happy 76\u00a0%" in (boxes[1]["aria-label"] or "")
    assert ", 1 gap." in (boxes[1]["aria-label"] or "")


def test_tables_have_all_shares_and_changes() -> None:
    elements = Elements(without_library(page_of(two_persons())))
    widths = [(bar["style"] or "").split("%")[0] for bar in elements.with_class("bar")]
    shares = [float(width.removeprefix("width: ")) for width in widths]
    assert len(shares) == 16
    assert sum(shares[:8]) == pytest.approx(100, abs=0.3)
    assert shares[8:] == [0, 0, 0, 0, 0, 0, 0, 100]
    assert "6 changes of the label" in elements.text
    assert "The label never changed." in elements.text


def test_where_nobody_was_seen_the_page_says_so_and_runs_nothing() -> None:
    page = page_of(session_of((n / 25, []) for n in range(50)))
    assert "No face was detected" in page
    assert "No face was tracked in 50 frames" in page
    assert runs_nothing(page)
    assert "script-src" not in page


def test_a_session_without_frames_has_a_page() -> None:
    page = page_of(SessionSummary().finish(), speed=Speed())
    assert "There were no frames." in page
    assert "times real time" not in page


def test_one_frame_and_a_person_without_any_time_have_a_page() -> None:
    assert "100\u00a0% of the visible time" in page_of(session_of(steadily([HAPPY])))
    page = page_of(session_of([(2.0, [face_of()])] * 3))
    assert "Track 1" in page
    assert [box["id"] for box in Elements(page).with_class("chart")] == ["overview"]


def test_faces_are_shown_only_where_they_were_kept() -> None:
    assert "<img" not in page_of(two_persons())
    images = [
        attrs for tag, attrs in Elements(page_of(two_persons(thumbnails=True))).tags if tag == "img"
    ]
    assert len(images) == 1
    address = images[0]["src"] or ""
    content = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (64, 64, 3)
    assert images[0]["alt"] == "track 7"


def test_many_persons_are_folded_and_others_are_counted() -> None:
    moments = [(n / 5, [face_of(n // 10), face_of(n // 10 + 1)]) for n in range(600)]
    session = session_of(moments, summary=SessionSummary(n_bins=32, max_tracks=45))
    elements = Elements(without_library(page_of(session)))
    assert "33 more tracks" in elements.text
    assert "16 further tracks" in elements.text
    assert "The 40 tracks with the longest visible time." in elements.text
    assert len(elements.with_class("chart")) == 46


def test_a_source_that_restarted_is_mentioned() -> None:
    session = session_of(steadily([HAPPY] * 5) + steadily([HAPPY] * 5))
    assert "restarted 1 time." in page_of(session)
    assert "restarted 3 times." in page_of(replace(session, n_restarts=3))


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (0, "0.00 s"),
        (0.84, "0.84 s"),
        (9.999, "10.0 s"),
        (59.96, "1 min 00 s"),
        (185.4, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (93_784, "26 h 03 min"),
    ],
)
def test_durations_are_easy_to_read(duration_s: float, expected: str) -> None:
    assert duration_text(duration_s).replace("\u00a0", " ") == expected


def test_the_page_needs_neither_matplotlib_nor_pandas() -> None:
    code = (
        "import sys; import emolens.reports.session_page;"
        "print([m for m in ('matplotlib', 'seaborn', 'pandas', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_cuts_are_lines_with_a_legend_and_a_number_of_shots() -> None:
    session = replace(two_persons(), n_shots=3, cuts_s=(2.0, 4.5))
    page = page_of(session)
    assert charts_of(page)["cuts_s"] == [2.0, 4.5]
    text = without_library(page)
    assert '<span class="key cut"></span>cut</li>' in text
    assert "<span>shots</span><strong>3</strong>" in text
    assert "where all tracks end, at 0:02.0, 0:04.5. Drag" in text
    assert "page.cuts_s" in text
    many = page_of(replace(session, n_shots=50, cuts_s=tuple(n / 10 for n in range(49))))
    assert "0:01.9 and later. Drag" in many


def test_a_page_without_cuts_does_not_mention_them() -> None:
    page = without_library(page_of(two_persons()))
    assert charts_of(page_of(two_persons()))["cuts_s"] == []
    assert "<span>shots</span>" not in page
    assert "</span>cut</li>" not in page
    assert "where all tracks end" not in page
