from emolens.core.frame import FrameResult
from emolens.reports.images_text import images_table
from tests.results import frame_and_result


def test_images_without_a_face_have_a_row_too() -> None:
    _, found = frame_and_result(0, n_faces=2)
    table = images_table([("a.png", found), ("b.png", FrameResult((64, 48), ()))])
    assert [row[:2] for row in table.rows] == [("a.png", "1"), ("", "2"), ("b.png", "-")]
    assert table.rows[2][2] == "no face detected"
    assert all(len(row) == len(table.headings) for row in table.rows)
