import json

import numpy as np
import pandas as pd
import pytest

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
def test_what_is_no_bgr_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8 array"):
        Frame(image)


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


def test_result_prints_its_faces() -> None:
    text = str(FrameResult((64, 48), (happy_face(),)))
    assert text.splitlines() == ["1 face in 64x48 px", "  happy 90% at (1, 2), 30x40 px"]


def test_notes_are_part_of_the_record_only_where_there_are_any() -> None:
    assert "notes" not in FrameResult((1, 1), ()).to_dict()
    assert FrameResult((1, 1), (), notes=("first of 3 frames",)).to_dict()["notes"] == [
        "first of 3 frames"
    ]
