from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.readers.expw import SHEET, is_expw, iter_expw
from emolens.datasets.reading import ReadingReport

SCENE = np.random.default_rng(4).integers(0, 256, (60, 90)).astype(np.uint8)


def put(
    root: Path,
    listed: str,
    *images: str,
    list_name: str = "label/label.lst",
    folder: str = "image/origin",
) -> Path:
    (root / folder).mkdir(parents=True)
    for name in images:
        (root / folder / name).write_bytes(bytes(cv2.imencode(".png", SCENE)[1]))
    (root / list_name).parent.mkdir(parents=True, exist_ok=True)
    (root / list_name).write_text(listed, newline="")
    return root


def test_every_face_of_an_image_is_cut_out_with_its_own_box(tmp_path: Path) -> None:
    # Top, left, right, bottom: an unusual order.
    put(tmp_path, "a.jpg 0 5 10 30 25 97.3 3\r\na.jpg 1 20 50 80 50 20 0\r\n\r\n", "a.jpg")

    first, second = iter_expw(tmp_path)

    assert (first.image == SCENE[5:25, 10:30]).all()
    assert (second.image == SCENE[20:50, 50:80]).all()
    assert (first.emotion, second.emotion) == (Emotion.HAPPY, Emotion.ANGRY)
    assert (first.split, second.split) == (None, None)
    assert first.location == f"{tmp_path / 'label' / 'label.lst'}: line 1"


def test_a_box_that_is_no_square_gets_the_square_around_it(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg 0 10 20 30 40 97.3 6\n", "a.jpg")

    [face] = iter_expw(tmp_path)

    assert (face.image == SCENE[10:40, 10:40]).all()


@pytest.mark.parametrize("inner", ["", "data"])
@pytest.mark.parametrize(
    ("list_name", "folder"),
    [("label/label.lst", "image/origin"), ("label.lst", "origin"), ("label.lst", "image/origin")],
)
def test_the_places_where_people_keep_it_are_known(
    tmp_path: Path, inner: str, list_name: str, folder: str
) -> None:
    row = "my face 1.JPG 0 5 10 30 25 97.3 4\n"
    put(tmp_path / inner, row, "my face 1.JPG", list_name=list_name, folder=folder)

    assert is_expw(tmp_path)
    assert [face.emotion for face in iter_expw(tmp_path)] == [Emotion.SAD]


def test_it_has_no_splits(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg 0 5 10 30 25 97.3 3\n", "a.jpg")

    assert [list(iter_expw(tmp_path, split)) for split in Split] == [[], [], []]


@pytest.mark.parametrize("inner", ["", "data"])
def test_a_missing_list_is_named_at_once(tmp_path: Path, inner: str) -> None:
    (tmp_path / inner / "image" / "origin").mkdir(parents=True)

    assert is_expw(tmp_path)
    with pytest.raises(
        DatasetError, match=r"label\.lst: the list of ExpW's faces is missing. Copy"
    ):
        iter_expw(tmp_path)


def test_a_missing_folder_of_images_is_named_at_once(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg 0 5 10 30 25 97.3 3\n").joinpath("image", "origin").rmdir()

    assert is_expw(tmp_path)
    with pytest.raises(DatasetError, match=r"origin: the folder of ExpW's images is missing. Un"):
        iter_expw(tmp_path)


def test_other_folders_are_not_expw(tmp_path: Path) -> None:
    for name in ("image", "origin", "label", "data"):
        (tmp_path / name).mkdir()

    assert not is_expw(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.jpg 0 5 10 30 25 97.3", r"found 'a\.jpg 0 5.*'; expected 8 fields: name, number"),
        ("a.jpg 0 5 10 30 25 97.3 7", r"label is '7'; expected one of 0 \(angry\)"),
        ("a.jpg 0 5 10 30 25 97.3 3.0", r"label is '3\.0'"),
        ("a.jpg 0 nan 10 30 25 97.3 3", r"face box has 'nan'; expected a number"),
        ("a.jpg 0 5 30 10 25 97.3 3", r"the face box is -20 x 20 px"),
        (
            "a.jpg 0 5 90 110 25 97.3 3",
            r"the face box from 90, 5 to 110, 25 lies outside the image",
        ),
        ("b.jpg 0 5 10 30 25 97.3 3", r"the image .*b\.jpg is missing"),
        ("../a.jpg 0 5 10 30 25 97.3 3", r"image path is '\.\./a\.jpg'; expected a path inside"),
    ],
)
def test_a_broken_row_is_named_or_skipped(tmp_path: Path, row: str, message: str) -> None:
    put(tmp_path, f"{row}\na.jpg 0 5 10 30 25 97.3 3\n", "a.jpg")
    report = ReadingReport(skip_damaged=True)

    with pytest.raises(DatasetError, match=rf"label\.lst: line 1: .*{message}"):
        list(iter_expw(tmp_path))
    assert [face.emotion for face in iter_expw(tmp_path, report=report)] == [Emotion.HAPPY]
    assert report.n_damaged == 1


def test_the_published_counts_add_up_to_the_published_total() -> None:
    counts = SHEET.published_counts()

    assert sum(counts["unknown"].values()) == 91_793
    assert counts["unknown"]["fear"] == 1088
