from dataclasses import replace

from emolens.contract import (
    IMAGE_TABLE_COLUMNS,
    ROW_COLUMNS,
    TABLE_COLUMNS,
    ImageRow,
    TableRow,
    face_rows,
    image_error_rows,
    image_rows,
    table_rows,
)
from emolens.core.emotion import LABELS
from emolens.core.errors import EmptyFileError
from emolens.core.frame import FrameResult
from tests.results import tracked_face

RAW = [f"p_{label}" for label in LABELS]
SMOOTHED = [f"s_{label}" for label in LABELS]


def test_a_name_means_the_same_in_every_row() -> None:
    result = FrameResult((64, 48), (tracked_face(1), tracked_face(2)), 7, 0.28)
    for row, of_table in zip(face_rows(result), table_rows(result), strict=True):
        assert tuple(row) == ROW_COLUMNS
        assert tuple(of_table) == TABLE_COLUMNS
        assert row == {name: of_table[name] for name in ROW_COLUMNS}


def test_raw_and_smoothed_probabilities_are_told_apart() -> None:
    face = tracked_face(2)
    assert face.smoothed is not None
    (row,) = face_rows(FrameResult((64, 48), (face,)))
    assert [row[name] for name in RAW] == list(face.raw.to_dict().values())
    assert [row[name] for name in SMOOTHED] == list(face.smoothed.to_dict().values())
    assert row["confidence"] == face.smoothed.confidence
    still = replace(face, track_id=None, smoothed=None)
    (row,) = face_rows(FrameResult((64, 48), (still,)))
    assert {row[name] for name in SMOOTHED} == {None}
    assert row["confidence"] == face.raw.confidence


def test_a_frame_without_a_face_has_a_row_in_tables_only() -> None:
    empty = FrameResult((64, 48), (), 8, 0.32)
    assert face_rows(empty) == []
    (row,) = table_rows(empty)
    assert {name for name, value in row.items() if value is not None} == {
        "frame",
        "media_time_s",
        "shot",
    }
    assert TableRow.model_validate(row).to_dict() == row


def test_rows_of_an_image_number_its_faces() -> None:
    result = FrameResult((64, 48), (tracked_face(1), tracked_face(2)))
    rows = image_rows("a.jpg", result)
    assert [row["face"] for row in rows] == [1, 2]
    for row, face in zip(rows, face_rows(result), strict=True):
        assert tuple(row) == IMAGE_TABLE_COLUMNS
        assert row == dict.fromkeys(IMAGE_TABLE_COLUMNS) | face | {
            "path": "a.jpg",
            "face": row["face"],
            "width": 64,
            "height": 48,
        }


def test_an_image_without_a_face_and_a_damaged_one_have_one_row() -> None:
    (row,) = image_rows("a.jpg", FrameResult((64, 48), ()))
    assert {name: value for name, value in row.items() if value is not None} == {
        "path": "a.jpg",
        "width": 64,
        "height": 48,
    }
    (row,) = image_error_rows("b.jpg", EmptyFileError("no bytes"))
    assert {name: value for name, value in row.items() if value is not None} == {
        "path": "b.jpg",
        "error": "empty_file",
        "message": "no bytes",
    }
    assert tuple(row) == IMAGE_TABLE_COLUMNS


def test_every_column_is_described() -> None:
    for row in (TableRow, ImageRow):
        assert all(field.description for field in row.model_fields.values())
