from pathlib import Path

import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.core.geometry import Box
from emolens.datasets.image_lists import (
    face_box,
    image_path,
    listed_emotion,
    numbered_lines,
    shown,
)
from emolens.datasets.readers.affectnet import SHEET
from emolens.datasets.reading import ReadingReport


def lines_of(path: Path, content: bytes) -> list[tuple[int, str]]:
    path.write_bytes(content)
    return list(numbered_lines(path))


@pytest.mark.parametrize(
    "content",
    [
        b"a.jpg 1\n\n  b c.jpg 2 \n",
        b"a.jpg 1\r\n\r\nb c.jpg 2\r\n\r\n \r\n",
        b"\xef\xbb\xbfa.jpg 1\n\nb c.jpg 2",
    ],
)
def test_lines_keep_their_numbers_whatever_ends_them(tmp_path: Path, content: bytes) -> None:
    assert lines_of(tmp_path / "list", content) == [(1, "a.jpg 1"), (3, "b c.jpg 2")]


def test_bytes_that_are_no_utf8_spoil_their_own_line_only(tmp_path: Path) -> None:
    content = "ä.jpg 1\n".encode() + b"\xe4.jpg 1\nb.jpg 2\n"

    assert lines_of(tmp_path / "list", content) == [
        (1, "ä.jpg 1"),
        (2, "\\xe4.jpg 1"),
        (3, "b.jpg 2"),
    ]


def test_a_line_too_long_for_a_list_ends_the_reading(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"list: line 2 is longer than 16384 characters"):
        lines_of(tmp_path / "list", b"a\n" + b"x" * 20_000)


def test_a_list_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=rf"{tmp_path.name}: cannot be read"):
        list(numbered_lines(tmp_path))


def test_a_label_is_an_emotion_or_counted() -> None:
    report = ReadingReport()

    assert listed_emotion(SHEET, "6", "list: line 1", report) is Emotion.ANGRY
    assert report.left_out == {}
    assert listed_emotion(SHEET, "7", "list: line 2", report) is None
    assert report.left_out == {"contempt": 1}
    with pytest.raises(DatasetError, match=r"list: line 3: label is '11'; expected one of 0 \(neu"):
        listed_emotion(SHEET, "11", "list: line 3", report)


@pytest.mark.parametrize("name", ["a.jpg", "1/a.jpg", "a b.JPG", "ä..jpg", "..a/b.jpg"])
def test_a_name_is_found_in_its_folder(name: str) -> None:
    assert image_path(Path("images"), name, "list: line 1") == Path("images") / name


@pytest.mark.parametrize(
    "name",
    [
        *("../a.jpg", "1/../../a.jpg", "/etc/passwd", "..", "..\\a.jpg", "1\\..\\a.jpg"),
        *("C:\\a.jpg", "C:a.jpg", "\\\\host\\share\\a.jpg", "//host/share/a.jpg"),
        *("a\0.jpg", "a\x1b[2J.jpg", "a\n.jpg"),
    ],
)
def test_a_name_that_leads_out_of_its_folder_is_refused(name: str) -> None:
    with pytest.raises(DatasetError, match=r"^list: line 1: .*expected a path inside images"):
        image_path(Path("images"), name, "list: line 1")


def test_a_box_is_read_from_edges_or_sizes() -> None:
    edges, sizes = ("-3", "17.5"), ("2", "20")

    assert face_box(edges, sizes, "here") == Box(-3, 2, 17.5, 20)
    assert face_box(edges, sizes, "here", is_size=True) == Box(-3, 2, 14.5, 22)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e3", "1_0", "", "NULL", "9999999", "٣"])
@pytest.mark.parametrize("place", range(4))
def test_a_text_that_is_no_number_of_pixels_is_refused(text: str, place: int) -> None:
    edges = ["0", "10", "0", "10"]
    edges[place] = text
    left, right, top, bottom = edges

    with pytest.raises(DatasetError, match=r"^here: .* has '.*'; expected a number of pixels"):
        face_box((left, right), (top, bottom), "here")


@pytest.mark.parametrize(
    ("x_range", "y_range", "is_size", "found"),
    [
        (("5", "5"), ("0", "9"), False, "0 x 9 px"),
        (("5", "9"), ("9", "3"), False, "4 x -6 px"),
        (("5", "0"), ("5", "3"), True, "0 x 3 px"),
        (("5", "4"), ("5", "-1"), True, "4 x -1 px"),
    ],
)
def test_a_box_without_area_is_refused(
    x_range: tuple[str, str], y_range: tuple[str, str], is_size: bool, found: str
) -> None:
    with pytest.raises(
        DatasetError, match=rf"^here: the face box is {found}; expected a width and"
    ):
        face_box(x_range, y_range, "here", is_size=is_size)


def test_long_and_unprintable_fields_are_shown_short() -> None:
    assert shown("a\x1b") == r"'a\x1b'"
    assert shown("x" * 100) == f"'{'x' * 60}'..."
