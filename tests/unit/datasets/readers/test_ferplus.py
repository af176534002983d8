import gzip
from pathlib import Path

import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.formats import SourceFormat, find_format
from emolens.datasets.readers.fer2013_csv import SHEET as FER2013_SHEET
from emolens.datasets.readers.ferplus import (
    COLUMNS,
    IMAGES_SHEET,
    LIST_NAME,
    SHEET,
    is_ferplus,
    is_ferplus_images,
    iter_ferplus,
    iter_ferplus_images,
)
from emolens.datasets.reading import ReadingReport
from emolens.datasets.sheet import DataSheet
from emolens.testing.layouts.ferplus import write_ferplus, write_ferplus_images
from emolens.testing.layouts.samples import DrawnSample, draw_samples

HEADER = ",".join(COLUMNS)


def drawn(sheet: DataSheet, per_class: int = 1) -> list[DrawnSample]:
    return draw_samples(sheet, tuple(Split), per_class=per_class)


@pytest.fixture
def joined(tmp_path: Path) -> Path:
    """FER+ beside FER2013's CSV: 7 faces in each split."""
    return write_ferplus(tmp_path / "joined", drawn(SHEET))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """FER+ beside image files: 10 answers in each split, one of them without an image."""
    return write_ferplus_images(tmp_path / "images", drawn(IMAGES_SHEET))


def edit_line(file: Path, number: int, old: str, new: str) -> None:
    """Replace a part of a line, counted from 1."""
    lines = file.read_text().split("\n")
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    file.write_text("\n".join(lines))


def cut_lines(file: Path, start: int, end: int) -> None:
    """Take lines out, counted from 1."""
    lines = file.read_text().split("\n")
    file.write_text("\n".join(lines[: start - 1] + lines[end:]))


def skipping() -> ReadingReport:
    return ReadingReport(skip_damaged=True)


def rows_of(faces: list[FaceSample]) -> list[int]:
    return [int(face.location.split(": row ")[1].split()[0]) for face in faces]


# FER2013's CSV beside the list


def test_a_face_has_fer2013s_label_and_ferplus_votes(joined: Path) -> None:
    samples = drawn(SHEET)
    # The raters may well see something else than FER2013's label.
    edit_line(joined / LIST_NAME, 2, "0,0,0,0,7,3,0,0,0,0", "1,0,0,8,0,0,0,1,0,0")

    faces = list(iter_ferplus(joined))

    assert [face.emotion for face in faces] == [sample.emotion for sample in samples]
    assert [face.split for face in faces] == [sample.split for sample in samples]
    assert all((a.image == b.image).all() for a, b in zip(faces, samples, strict=True))
    assert faces[0].emotion is Emotion.ANGRY
    assert faces[0].votes == (1, 0, 0, 8, 0, 0, 0, 1, 0, 0)
    assert faces[0].location == f"{joined / 'fer2013.csv'}: row 1 (line 2)"


def test_a_row_that_is_no_face_for_the_raters_is_kept_with_its_votes(joined: Path) -> None:
    edit_line(joined / LIST_NAME, 2, "fer0000000.png,0,0,0,0,7,3,0,0,0,0", ",0,0,0,0,0,0,0,0,0,10")

    assert next(iter_ferplus(joined)).votes == (0, 0, 0, 0, 0, 0, 0, 0, 0, 10)


def test_the_other_csv_of_fer2013_is_joined_too(joined: Path) -> None:
    (joined / "fer2013.csv").rename(joined / "icml_face_data.csv")

    assert is_ferplus(joined)
    assert len(list(iter_ferplus(joined))) == 21


def test_other_splits_are_not_looked_at_but_stay_in_step(joined: Path) -> None:
    edit_line(joined / "fer2013.csv", 2, "0,", "9,")
    edit_line(joined / LIST_NAME, 3, ",7,3,", ",7,x,")

    faces = list(iter_ferplus(joined, Split.VALIDATION))

    assert rows_of(faces) == list(range(8, 15))
    assert {face.split for face in faces} == {Split.VALIDATION}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("fer2013.csv", "0,", "9,"),
        ("fer2013.csv", "Training", "Trainig"),
        ("fer2013.csv", "Training", "Training,1"),
        (LIST_NAME, "7", "11"),
        (LIST_NAME, "7", "-7"),
        (LIST_NAME, "7", "7.0"),
        (LIST_NAME, "7", "\N{ARABIC-INDIC DIGIT SEVEN}"),
        (LIST_NAME, ",7", ""),
        (LIST_NAME, "Training", "training"),
        (LIST_NAME, "fer0000000.png", "../fer0000000.png"),
    ],
)
def test_a_broken_row_of_either_file_loses_just_that_row(
    joined: Path, name: str, old: str, new: str
) -> None:
    edit_line(joined / name, 2, old, new)
    report = skipping()

    faces = list(iter_ferplus(joined, report=report))

    assert rows_of(faces) == list(range(2, 22))
    assert [face.emotion for face in faces] == [s.emotion for s in drawn(SHEET)[1:]]
    assert report.n_damaged == 1
    assert f"{joined / name}: row 1 (line 2): " in report.damaged[0]
    with pytest.raises(DatasetError, match=r"row 1 \(line 2\)"):
        list(iter_ferplus(joined))


def test_another_split_in_a_row_ends_the_reading(joined: Path) -> None:
    edit_line(joined / LIST_NAME, 9, "PublicTest", "PrivateTest")

    message = (
        r"fer2013\.csv: row 8 \(line 9\): Usage is PublicTest, but PrivateTest in "
        r".*fer2013new\.csv: row 8 \(line 9\); the rows of the two files differ"
    )
    with pytest.raises(DatasetError, match=message):
        list(iter_ferplus(joined, report=skipping()))


@pytest.mark.parametrize(
    ("shorter", "longer"), [("fer2013.csv", LIST_NAME), (LIST_NAME, "fer2013.csv")]
)
def test_a_file_that_ends_earlier_is_no_partner(joined: Path, shorter: str, longer: str) -> None:
    cut_lines(joined / shorter, 22, 22)

    message = rf"{longer}: row 21 \(line 22\): the corresponding row of .*{shorter} is missing"
    with pytest.raises(DatasetError, match=message):
        list(iter_ferplus(joined, report=skipping()))


def test_a_row_that_is_missing_early_is_noticed_at_the_next_split(joined: Path) -> None:
    cut_lines(joined / LIST_NAME, 4, 4)

    with pytest.raises(DatasetError, match=r"row 7 .*Usage is Training, but PublicTest"):
        list(iter_ferplus(joined, report=skipping()))


def test_empty_lines_and_foreign_line_ends_keep_the_files_in_step(joined: Path) -> None:
    text = (joined / LIST_NAME).read_text().replace("\n", "\r\n")
    (joined / LIST_NAME).write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n \r\n")

    assert len(list(iter_ferplus(joined))) == 21


def test_quoted_fields_are_read(joined: Path) -> None:
    lines = (joined / LIST_NAME).read_text().split()
    # The header has a space in a name.
    lines = [HEADER, *lines[2:]]
    quoted = [",".join(f'"{field}"' for field in line.split(",")) for line in lines]
    (joined / LIST_NAME).write_text("\n".join(quoted))

    assert len(list(iter_ferplus(joined))) == 21


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty; expected the header of FER\+'s list, Usage,Image name,neutral"),
        (b"Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n", r"starts with 'Training,fer0000000"),
        (HEADER.replace("contempt,", "").encode(), r"starts with 'Usage,Image name"),
        (HEADER.encode("utf-16"), r"starts with '.*xff"),
        pytest.param(b"x" * 100_000, r"line 1 is longer than", id="long line"),
    ],
)
def test_a_file_that_is_no_list_is_refused(joined: Path, content: bytes, message: str) -> None:
    (joined / LIST_NAME).write_bytes(content)

    with pytest.raises(DatasetError, match=rf"fer2013new\.csv: {message}"):
        list(iter_ferplus(joined, report=skipping()))


def test_a_byte_that_is_no_utf8_is_a_fault_of_its_row(joined: Path) -> None:
    content = (joined / LIST_NAME).read_bytes()
    (joined / LIST_NAME).write_bytes(content.replace(b"fer0000001.png", b"fer\xff.png"))
    report = skipping()

    assert rows_of(list(iter_ferplus(joined, report=report))) == [1, *range(3, 22)]
    assert "the image name is 'fer\\\\xff.png'" in report.damaged[0]


def test_a_packed_csv_is_joined_too(joined: Path) -> None:
    expected = [(face.emotion, face.votes) for face in iter_ferplus(joined)]
    content = (joined / "fer2013.csv").read_bytes()
    (joined / "fer2013.csv").unlink()
    (joined / "fer2013.csv.gz").write_bytes(gzip.compress(content))

    assert find_format(joined) == (SourceFormat.FERPLUS, joined)
    assert [(face.emotion, face.votes) for face in iter_ferplus(joined)] == expected


def test_both_csvs_of_fer2013_are_one_too_many(joined: Path) -> None:
    (joined / "icml_face_data.csv").write_bytes((joined / "fer2013.csv").read_bytes())

    with pytest.raises(
        DatasetError, match=r"contains fer2013\.csv and icml_face_data\.csv; expected exactly"
    ):
        iter_ferplus(joined)


# Image files beside the list


def test_the_label_of_an_image_is_the_majority(images: Path) -> None:
    samples = [sample for sample in drawn(IMAGES_SHEET) if sample.emotion is not None]
    report = ReadingReport()

    faces = list(iter_ferplus_images(images, report=report))

    assert [face.emotion for face in faces] == [sample.emotion for sample in samples]
    assert [face.split for face in faces] == [sample.split for sample in samples]
    assert all((a.image == b.image).all() for a, b in zip(faces, samples, strict=True))
    assert report.left_out == {"contempt": 3, "unknown": 3, "not a face": 3}
    assert faces[0].votes == (7, 3, 0, 0, 0, 0, 0, 0, 0, 0)
    assert faces[0].location == f"{images / LIST_NAME}: row 1 (line 2)"


def test_a_shared_first_place_is_left_out(images: Path) -> None:
    edit_line(images / LIST_NAME, 2, "7,3,0", "5,5,0")
    edit_line(images / LIST_NAME, 3, "7,3,0", "0,0,0")
    report = ReadingReport()

    faces = list(iter_ferplus_images(images, Split.TRAIN, report))

    assert rows_of(faces) == [3, 4, 5, 6, 7]
    assert report.left_out["no majority"] == 2


def test_a_named_image_that_is_no_face_is_left_out(images: Path) -> None:
    edit_line(images / LIST_NAME, 2, "7,3,0,0,0,0,0,0,0,0", "2,0,0,0,0,0,0,0,0,8")
    report = ReadingReport()

    list(iter_ferplus_images(images, Split.TRAIN, report))

    assert report.left_out["not a face"] == 2


@pytest.mark.parametrize("parent", ["images", "data"])
def test_the_image_folders_may_lie_one_folder_further_in(images: Path, parent: str) -> None:
    (images / parent).mkdir()
    for name in ("FER2013Train", "FER2013Valid", "FER2013Test"):
        (images / name).rename(images / parent / name)
    (images / parent / "FER2013Train" / "label.csv").write_text("not read")

    assert is_ferplus_images(images)
    assert len(list(iter_ferplus_images(images))) == 21


def test_images_of_other_splits_are_not_opened(images: Path) -> None:
    for file in (images / "FER2013Train").iterdir():
        file.write_bytes(b"")

    assert len(list(iter_ferplus_images(images, Split.TEST))) == 7


@pytest.mark.parametrize("content", [None, b"", b"<html>"])
def test_a_missing_or_broken_image_is_told_by_its_row(images: Path, content: bytes | None) -> None:
    file = images / "FER2013Train" / "fer0000001.png"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    report = skipping()

    faces = list(iter_ferplus_images(images, Split.TRAIN, report))

    assert rows_of(faces) == [1, 3, 4, 5, 6, 7]
    assert "fer2013new.csv: row 2 (line 3): " in report.damaged[0]
    assert str(file) in report.damaged[0]


def test_a_split_without_its_folder_is_refused_unless_another_one_is_asked_for(
    images: Path,
) -> None:
    (images / "FER2013Test").rename(images / "held back")

    assert len(list(iter_ferplus_images(images, Split.TRAIN))) == 7
    for split in (None, Split.TEST):
        with pytest.raises(DatasetError, match=r"FER2013Test: the folder of the test images"):
            iter_ferplus_images(images, split)


# Which is which


def test_the_two_formats_are_told_apart(joined: Path, images: Path) -> None:
    assert find_format(joined) == (SourceFormat.FERPLUS, joined)
    assert find_format(images) == (SourceFormat.FERPLUS_IMAGES, images)


def test_with_fer2013s_csv_the_image_files_are_not_needed(joined: Path, images: Path) -> None:
    (images / "FER2013Train").rename(joined / "FER2013Train")

    assert find_format(joined) == (SourceFormat.FERPLUS, joined)


def test_a_list_without_images_says_what_it_needs(joined: Path) -> None:
    (joined / "fer2013.csv").unlink()

    assert find_format(joined) == (SourceFormat.FERPLUS_IMAGES, joined)
    with pytest.raises(DatasetError, match=r"but no images\. Add FER2013's fer2013\.csv, or"):
        iter_ferplus_images(joined)


@pytest.mark.parametrize("has_csv", [False, True])
def test_images_without_a_list_say_what_is_missing(
    joined: Path, images: Path, has_csv: bool
) -> None:
    (images / LIST_NAME).unlink()
    if has_csv:
        (joined / "fer2013.csv").rename(images / "fer2013.csv")

    assert is_ferplus_images(images)
    with pytest.raises(
        DatasetError, match=r"fer2013new\.csv: FER\+'s list of votes is missing"
    ) as error:
        iter_ferplus_images(images)
    assert ("To read FER2013's CSV alone" in str(error.value)) is has_csv


def test_fer2013_alone_is_no_ferplus(joined: Path) -> None:
    (joined / LIST_NAME).unlink()

    assert not is_ferplus(joined)
    assert not is_ferplus_images(joined)
    with pytest.raises(DatasetError, match=r"FER\+'s list of votes is missing"):
        iter_ferplus(joined)


def test_the_sheet_has_fer2013s_counts() -> None:
    totals = {split: sum(by.values()) for split, by in FER2013_SHEET.published_counts().items()}

    assert totals == {"train": 28709, "validation": 3589, "test": 3589}
    by_class = np.sum([list(by.values()) for by in SHEET.published_counts().values()], axis=0)
    assert by_class.tolist() == [4953, 547, 5121, 8989, 6077, 4002, 6198]
