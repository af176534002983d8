from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.readers.affectnet_lists import is_affectnet_lists, iter_affectnet_lists
from emolens.datasets.reading import ReadingReport

SCENE = np.random.default_rng(6).integers(0, 256, (60, 60)).astype(np.uint8)
HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,"
    "facial_landmarks,expression,valence,arousal"
)
ROW = "1/a.jpg,10,5,20,20,12.5;8.25;9;9,1,0.5,-0.25"
IMAGES = "Manually_Annotated_Images"


def put(
    root: Path,
    training: str = HEADER,
    validation: str = "",
    *,
    images: str = IMAGES,
    lists: str = "Manually_Annotated_file_lists",
) -> Path:
    (root / images / "1").mkdir(parents=True)
    (root / images / "1" / "a.jpg").write_bytes(bytes(cv2.imencode(".png", SCENE)[1]))
    (root / lists).mkdir(exist_ok=True)
    (root / lists / "training.csv").write_text(training, newline="")
    (root / lists / "validation.csv").write_text(validation, newline="")
    return root


def emotions(root: Path, split: Split | None = None) -> list[Emotion]:
    return [face.emotion for face in iter_affectnet_lists(root, split)]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_row_gives_the_face_in_its_box(tmp_path: Path, start: str, end: str) -> None:
    put(tmp_path, start + end.join([HEADER, ROW, "", ""]))

    [face] = iter_affectnet_lists(tmp_path)

    assert (face.image == SCENE[5:25, 10:30]).all()
    assert (face.emotion, face.split) == (Emotion.HAPPY, Split.TRAIN)
    lists = tmp_path / "Manually_Annotated_file_lists"
    assert face.location == f"{lists / 'training.csv'}: line 2"


@pytest.mark.parametrize("with_header", [True, False])
def test_both_lists_are_read_with_and_without_header(tmp_path: Path, with_header: bool) -> None:
    head = f"{HEADER}\n" if with_header else ""
    put(tmp_path, f"{head}{ROW}\n", f"{head}{ROW.replace(',1,0.5', ',6,0.5')}\n")

    assert emotions(tmp_path) == [Emotion.HAPPY, Emotion.ANGRY]
    assert emotions(tmp_path, Split.VALIDATION) == [Emotion.ANGRY]
    assert emotions(tmp_path, Split.TEST) == []


def test_a_header_tells_the_columns_in_any_order(tmp_path: Path) -> None:
    header = "index,expression,face_width,face_height,face_x,face_y, subDirectory_filePath"
    put(tmp_path, f'{header}\n0,2,20,20,10,5,"1/a.jpg"\n')

    [face] = iter_affectnet_lists(tmp_path)

    assert (face.image == SCENE[5:25, 10:30]).all()
    assert face.emotion is Emotion.SAD


@pytest.mark.parametrize("wrong", ["emotion", "subDirectory_filePath"])
def test_a_header_without_a_column_stops_the_reading(tmp_path: Path, wrong: str) -> None:
    put(tmp_path, HEADER.replace("expression", wrong) + f"\n{ROW}\n")

    with pytest.raises(
        DatasetError, match=r"training\.csv: line 1: the header is .*one column expres"
    ):
        list(iter_affectnet_lists(tmp_path, report=ReadingReport(skip_damaged=True)))


def test_a_box_that_is_the_image_gives_the_image(tmp_path: Path) -> None:
    put(tmp_path, f"{HEADER}\n1/a.jpg,0,0,60,60,,0,0,0\n")

    [face] = iter_affectnet_lists(tmp_path)

    assert (face.image == SCENE).all()


def test_a_box_may_reach_beyond_the_image(tmp_path: Path) -> None:
    put(tmp_path, f"{HEADER}\n1/a.jpg,-4,-2,20,20,,0,0,0\n")

    [face] = iter_affectnet_lists(tmp_path)

    assert (face.image[2:, 4:] == SCENE[:18, :16]).all()
    assert (face.image[2:, :4] == SCENE[:18, :1]).all()


@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        f"Manually_Annotated/{IMAGES}",
        f"Manually_Annotated_compressed/{IMAGES}",
    ],
)
@pytest.mark.parametrize("lists", ["Manually_Annotated_file_lists", "."])
def test_the_places_where_people_keep_it_are_known(tmp_path: Path, images: str, lists: str) -> None:
    put(tmp_path, f"{HEADER}\n{ROW}\n", images=images, lists=lists)

    assert is_affectnet_lists(tmp_path)
    assert emotions(tmp_path) == [Emotion.HAPPY]


def test_a_list_that_is_not_wanted_may_be_missing(tmp_path: Path) -> None:
    put(tmp_path, f"{HEADER}\n{ROW}\n", lists=".")
    (tmp_path / "validation.csv").unlink()

    assert emotions(tmp_path, Split.TRAIN) == [Emotion.HAPPY]
    with pytest.raises(DatasetError, match=r"validation\.csv: the list of .*validation images"):
        iter_affectnet_lists(tmp_path)


def test_a_missing_folder_of_images_is_named_at_once(tmp_path: Path) -> None:
    put(tmp_path, images="elsewhere")

    assert is_affectnet_lists(tmp_path)
    with pytest.raises(DatasetError, match=rf"{IMAGES}: the folder of AffectNet's images is mi"):
        iter_affectnet_lists(tmp_path)


def test_faces_without_a_place_are_left_out_before_box_and_image_are_looked_at(
    tmp_path: Path,
) -> None:
    rows = [f"1/gone.jpg,NULL,NULL,NULL,NULL,NULL,{code},-2,-2" for code in (7, 8, 9, 10, 10)]
    put(tmp_path, "\n".join([HEADER, *rows]))
    report = ReadingReport()

    assert list(iter_affectnet_lists(tmp_path, report=report)) == []
    assert report.left_out == {"contempt": 1, "none": 1, "uncertain": 1, "no face": 2}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.removesuffix(",-0.25"), r"found '1/a\.jpg,10.*'; expected 9 fields: subDirectory_f"),
        (f"{ROW},extra", r"expected 9 fields"),
        (f'"{ROW}', r"expected 9 fields"),
        (ROW.replace(",1,0.5", ",11,0.5"), r"label is '11'; expected one of 0 \(neutral\)"),
        (ROW.replace(",1,0.5", ",1.0,0.5"), r"label is '1\.0'"),
        (ROW.replace("20,20", "nan,20"), r"face box has 'nan'"),
        (ROW.replace("20,20", "20,-20"), r"the face box is 20 x -20 px"),
        (ROW.replace("10,5,", "60,5,"), r"lies outside the image"),
        (ROW.replace("a.jpg", "b.jpg"), r"the image .*b\.jpg is missing"),
        (ROW.replace("1/", "/1/"), r"image path is '/1/a\.jpg'; expected a path inside"),
        (ROW.replace("1/a", "1/../../../a"), r"expected a path inside"),
    ],
)
def test_a_broken_row_is_named_or_skipped(tmp_path: Path, row: str, message: str) -> None:
    put(tmp_path, f"{HEADER}\n{row}\n{ROW}\n")
    report = ReadingReport(skip_damaged=True)

    with pytest.raises(DatasetError, match=rf"training\.csv: line 2: .*{message}"):
        list(iter_affectnet_lists(tmp_path))
    assert len(list(iter_affectnet_lists(tmp_path, report=report))) == 1
    assert report.n_damaged == 1


def test_other_folders_are_not_affectnet(tmp_path: Path) -> None:
    (tmp_path / "training.csv").write_text(HEADER)
    (tmp_path / "Manually_Annotated").mkdir()

    assert not is_affectnet_lists(tmp_path)
