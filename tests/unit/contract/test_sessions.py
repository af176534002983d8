from emolens.contract import SCHEMA_VERSION, SessionRecord, TrackRow
from emolens.sessions.session import SessionSummary
from tests.results import frame_and_result


def test_a_session_can_be_read_back() -> None:
    summary = SessionSummary()
    for index in range(12):
        summary.write(*frame_and_result(index, n_faces=2))
    record = summary.finish().record
    assert record.schema_version == SCHEMA_VERSION
    assert (record.n_frames, record.n_tracks) == (12, 2)
    assert SessionRecord.model_validate_json(record.model_dump_json()) == record
    assert record.to_dict() == summary.finish().to_dict()


def test_every_column_of_a_track_is_described() -> None:
    assert all(field.description for field in TrackRow.model_fields.values())
