import json
import weakref
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import emolens
from emolens.contract import TABLE_COLUMNS
from emolens.core.emotion import LABELS, EmotionScores
from emolens.core.errors import InputError
from emolens.core.frame import Frame, FrameResult
from tests.unit.core.test_face import happy_face


def test_a_frame_is_read_only_and_knows_its_size() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    frame = Frame(image)
    assert frame.size_wh == (6, 4)
    assert not frame.image.flags.writeable
    assert image.flags.writeable


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 6), np.uint8), np.zeros((4, 6, 3), np.float32), np.zeros((0, 6, 3), np.uint8)],
)
def test_what_is_no_bgr_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8 array"):
        Frame(image)


@pytest.mark.parametrize("media_time_s", [float("nan"), float("inf"), float("-inf")])
def test_a_media_time_that_is_not_finite_is_refused(media_time_s: float) -> None:
    with pytest.raises(InputError, match=f"media_time_s is {media_time_s}; allowed: a finite"):
        Frame(np.zeros((4, 6, 3), np.uint8), media_time_s=media_time_s)


def test_result_turns_into_json() -> None:
    result = FrameResult((64, 48), (happy_face(),))
    record = json.loads(result.to_json())
    assert record == result.to_dict()
    assert (record["width"], record["height"], len(record["faces"])) == (64, 48, 1)


def test_result_without_faces_is_empty_not_neutral() -> None:
    result = FrameResult((64, 48), ())
    assert result.to_dict()["faces"] == []
    assert str(result) == "no faces in 64x48 px"


def test_result_turns_into_pandas_rows() -> None:
    table = pd.DataFrame(FrameResult((64, 48), (happy_face(), happy_face())).to_rows())
    assert len(table) == 2
    assert table["p_happy"][0] == pytest.approx(0.9)
    assert list(table.columns[:4]) == ["x_min", "y_min", "x_max", "y_max"]


@pytest.mark.parametrize("n_faces", [0, 1, 2])
def test_rows_have_the_columns_that_are_told(n_faces: int) -> None:
    rows = FrameResult((64, 48), (happy_face(),) * n_faces).to_rows()
    assert [tuple(row) for row in rows] == [emolens.ROW_COLUMNS] * n_faces
    table = pd.DataFrame(rows, columns=list(emolens.ROW_COLUMNS))
    assert (tuple(table.columns), len(table)) == (emolens.ROW_COLUMNS, n_faces)
    assert set(emolens.ROW_COLUMNS) < set(TABLE_COLUMNS)


def test_result_prints_its_faces() -> None:
    text = str(FrameResult((64, 48), (happy_face(),)))
    assert text.splitlines() == ["1 face in 64x48 px", "  happy 90% at (1, 2), 30x40 px"]


def test_notes_are_part_of_the_record_only_where_there_are_any() -> None:
    assert "warnings" not in FrameResult((1, 1), ()).to_dict()
    assert FrameResult((1, 1), (), warnings=("first of 3 frames",)).to_dict()["warnings"] == [
        "first of 3 frames"
    ]


def test_a_result_knows_its_frame_as_long_as_it_is_referenced() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), index=12)
    result = FrameResult((6, 4), (), 12, frame_reference=weakref.ref(frame))
    assert result.frame is frame
    del frame
    with pytest.raises(InputError, match="frame 12 is no longer in memory"):
        _ = result.frame
    with pytest.raises(InputError, match="no longer in memory"):
        _ = FrameResult((6, 4), ()).frame


def test_results_with_the_same_content_are_equal_whoever_holds_the_frame() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8))
    assert FrameResult((6, 4), (), frame_reference=weakref.ref(frame)) == FrameResult((6, 4), ())


def test_a_stream_has_one_row_per_face_and_one_for_a_frame_without() -> None:
    smoothed = EmotionScores(np.full(7, 1 / 7, np.float32))
    followed = replace(happy_face(), track_id=4, smoothed=smoothed)
    rows = FrameResult((64, 48), (followed, followed), 7, 0.28).to_table_rows()
    assert len(rows) == 2
    (row, _) = rows
    assert tuple(row) == TABLE_COLUMNS
    assert (row["frame"], row["media_time_s"], row["track_id"]) == (7, 0.28, 4)
    # Before smoothing, and after.
    assert [row[f"p_{label}"] for label in LABELS] == list(followed.raw.to_dict().values())
    assert [row[f"s_{label}"] for label in LABELS] == pytest.approx([1 / 7] * 7)
    (empty,) = FrameResult((64, 48), (), 8, 0.32).to_table_rows()
    assert tuple(empty) == TABLE_COLUMNS
    assert {name: value for name, value in empty.items() if value is not None} == {
        "frame": 8,
        "media_time_s": 0.32,
        "shot": 1,
    }


def test_a_line_of_a_stream_has_number_time_and_tracks() -> None:
    followed = replace(happy_face(), track_id=4, smoothed=happy_face().raw, scores_age_s=0.1)
    record = FrameResult((64, 48), (followed,), 7, 0.28, dropped_before=2).to_stream_dict()
    assert list(record)[:3] == ["frame", "media_time_s", "dropped_before"]
    (face,) = json.loads(json.dumps(record))["faces"]
    assert (face["track_id"], face["scores_age_s"]) == (4, 0.1)
    assert face["raw_probabilities"] == happy_face().raw.to_dict()
