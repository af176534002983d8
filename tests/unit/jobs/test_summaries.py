import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from emolens import TRACK_COLUMNS
from emolens.contract import SessionRecord
from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError
from emolens.jobs.summaries import write_summary
from emolens.sessions.session import Session
from tests.unit.sessions.session_cases import face_of, session_of


@pytest.fixture
def session() -> Session:
    faces = [face_of(1), face_of(2, Emotion.SAD)]
    return session_of([(index / 10, faces) for index in range(5)])


def test_a_table_has_one_row_per_track(session: Session, tmp_path: Path) -> None:
    write_summary(tmp_path / "a.parquet", session)
    write_summary(tmp_path / "a.jsonl", session)
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert rows == session.to_rows()
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == rows
    assert [row["most_shown"] for row in rows] == ["happy", "sad"]


def test_json_is_the_whole_session(session: Session, tmp_path: Path) -> None:
    write_summary(tmp_path / "a.JSON", session)
    read = SessionRecord.model_validate_json((tmp_path / "a.JSON").read_text())
    assert read == session.record


def test_without_a_face_there_is_a_table_without_rows(tmp_path: Path) -> None:
    write_summary(tmp_path / "a.csv", session_of([(0.0, [])]))
    assert (tmp_path / "a.csv").read_text() == ",".join(TRACK_COLUMNS) + "\n"


def test_other_suffixes_are_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"allowed: .csv, .parquet, .jsonl, .json"):
        write_summary(tmp_path / "a.xlsx", session)
