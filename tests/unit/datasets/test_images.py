from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.errors import DatasetError
from emolens.core.geometry import Box
from emolens.datasets.images import read_gray, read_gray_box

SCENE = np.random.default_rng(0).integers(0, 256, (40, 60)).astype(np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "scene.png"), SCENE)
    return tmp_path / "scene.png"


def test_colours_become_grey(file: Path) -> None:
    assert (read_gray(file) == SCENE).all()
    cv2.imwrite(str(file), cv2.merge([SCENE] * 3))
    assert (read_gray(file) == SCENE).all()
    assert read_gray(file).ndim == 2


def test_a_missing_image_is_told_with_where_it_is_listed(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^a\.txt: line 3: the image .*gone\.png is missing$"):
        read_gray(tmp_path / "gone.png", "a.txt: line 3")
    with pytest.raises(DatasetError, match=r"^the image .*gone\.png is missing$"):
        read_gray(tmp_path / "gone.png")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_a_broken_image_is_told_with_where_it_is_listed(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=r"^line 3: not a readable image: .*scene\.png"):
        read_gray(file, "line 3")


def test_a_folder_in_place_of_an_image_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=f"^line 3: .*{tmp_path.name}"):
        read_gray(tmp_path, "line 3")


def test_a_square_box_is_cut_out_as_it_is(file: Path) -> None:
    assert (read_gray_box(file, Box(5, 10, 25, 30), "") == SCENE[10:30, 5:25]).all()


@pytest.mark.parametrize(
    ("box", "square"),
    [
        (Box(10, 12, 30, 22), Box(10, 7, 30, 27)),  # wide: taller around its middle
        (Box(20, 5, 30, 25), Box(15, 5, 35, 25)),  # tall: wider
    ],
)
def test_the_longer_side_makes_the_square(file: Path, box: Box, square: Box) -> None:
    expected = SCENE[int(square.y_min) : int(square.y_max), int(square.x_min) : int(square.x_max)]
    assert (read_gray_box(file, box, "") == expected).all()


def test_what_lies_outside_repeats_the_border(file: Path) -> None:
    cut = read_gray_box(file, Box(-10, -10, 10, 10), "")
    assert cut.shape == (20, 20)
    assert (cut[10:, 10:] == SCENE[:10, :10]).all()
    assert (cut[:10, 10:] == SCENE[0, :10]).all()
    assert (cut[:10, :10] == SCENE[0, 0]).all()


def test_a_side_that_is_no_whole_number_is_rounded_up(file: Path) -> None:
    assert read_gray_box(file, Box(5, 5, 15.2, 15.2), "").shape == (11, 11)
    assert read_gray_box(file, Box(5, 5, 5.1, 5.1), "").shape == (1, 1)


def test_large_faces_are_made_smaller(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "large.png"), np.full((700, 800), 9, np.uint8))
    assert read_gray_box(tmp_path / "large.png", Box(0, 0, 700, 700), "").shape == (512, 512)


@pytest.mark.parametrize(
    "box", [Box(60, 0, 70, 10), Box(-10, 0, 0, 10), Box(0, 40, 10, 50), Box(0, -10, 10, 0)]
)
def test_a_box_that_does_not_touch_the_image_is_refused(file: Path, box: Box) -> None:
    with pytest.raises(
        DatasetError, match=r"^line 3: the face box from .* lies outside the image .* of 60 x 40 px"
    ):
        read_gray_box(file, box, "line 3")


@pytest.mark.parametrize("box", [Box(59, 0, 69, 10), Box(-9, 0, 1, 10), Box(0, -9, 10, 1)])
def test_one_that_touches_it_with_a_pixel_is_read(file: Path, box: Box) -> None:
    assert read_gray_box(file, box, "line 3").shape == (10, 10)
