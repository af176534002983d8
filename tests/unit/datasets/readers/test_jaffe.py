from pathlib import Path

import cv2
import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.formats import SourceFormat, find_format
from emolens.datasets.readers.jaffe import SHEET, is_jaffe, iter_jaffe
from emolens.datasets.reading import ReadingReport
from emolens.testing.layouts.jaffe import write_jaffe
from emolens.testing.layouts.samples import DrawnSample, draw_samples


def drawn() -> list[DrawnSample]:
    return draw_samples(SHEET, (None,), per_class=2, size_px=64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_jaffe(tmp_path / "jaffe", drawn())


def test_images_are_read_by_name_with_subjects(folder: Path) -> None:
    expected = sorted(drawn(), key=lambda sample: (sample.subject, sample.code))

    faces = list(iter_jaffe(folder))

    assert [face.emotion for face in faces] == [sample.emotion for sample in expected]
    assert [face.subject for face in faces] == ["KA"] * 7 + ["KL"] * 7
    assert all((a.image == b.image).all() for a, b in zip(faces, expected, strict=True))
    assert {face.split for face in faces} == {None}
    assert faces[0].location == str(folder / "KA.AN1.1.tiff")


@pytest.mark.parametrize("compression", ["none", "lzw", "packbits", "deflate"])
def test_tiff_is_read_however_it_is_packed(folder: Path, compression: str) -> None:
    file = folder / "KA.AN1.1.tiff"
    kinds = {"none": 1, "lzw": 5, "packbits": 32773, "deflate": 8}
    options = (cv2.IMWRITE_TIFF_COMPRESSION, kinds[compression])
    file.write_bytes(cv2.imencode(".tiff", drawn()[0].image, options)[1].tobytes())

    assert (next(iter_jaffe(folder)).image == drawn()[0].image).all()


@pytest.mark.parametrize(
    "name", ["KA.AN1.tiff", "KA.AN.1.tiff", "KA.AN1.39.TIFF", "ka.an1.39.tiff", "KA.AN12.999.tif"]
)
def test_loose_names_are_understood(folder: Path, name: str) -> None:
    (folder / "KA.AN1.1.tiff").rename(folder / name)

    faces = list(iter_jaffe(folder))

    assert [face.subject for face in faces].count("KA") == 7
    assert [face.emotion for face in faces].count(faces[0].emotion) == 2


def test_two_images_with_one_number_are_two_images(folder: Path) -> None:
    (folder / "KA.DI1.3.tiff").rename(folder / "KA.DI1.1.tiff")

    assert len(list(iter_jaffe(folder))) == 14


def test_a_split_has_no_faces(folder: Path) -> None:
    assert list(iter_jaffe(folder, Split.TRAIN)) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("KA.XX1.39.tiff", r"KA\.XX1\.39\.tiff: label is 'XX'; expected one of AN \(angry\), DI"),
        ("contact sheet.png", r"contact sheet\.png: the file name .* form KA\.AN1\.39\.tiff"),
        ("KAAN1.39.tiff", r"the file name does not have the form"),
    ],
)
def test_a_name_that_tells_nothing_is_a_fault(folder: Path, name: str, message: str) -> None:
    (folder / "KA.AN1.1.tiff").rename(folder / name)
    report = ReadingReport(skip_damaged=True)

    assert is_jaffe(folder)
    assert len(list(iter_jaffe(folder, report=report))) == 13
    assert report.n_damaged == 1
    with pytest.raises(DatasetError, match=message):
        list(iter_jaffe(folder))


@pytest.mark.parametrize("kept", [0, 100])
def test_a_broken_image_is_a_fault(folder: Path, kept: int) -> None:
    file = folder / "KA.AN1.1.tiff"
    file.write_bytes(file.read_bytes()[:kept])
    report = ReadingReport(skip_damaged=True)

    assert len(list(iter_jaffe(folder, report=report))) == 13
    assert str(file) in report.damaged[0]


def test_the_folder_is_recognised_by_its_images(folder: Path) -> None:
    assert find_format(folder) == (SourceFormat.JAFFE, folder)
    assert not is_jaffe(folder.parent)


@pytest.mark.parametrize(
    "name", ["a.tiff", "KA.AN1.39.txt", ".KA.AN1.39.tiff", "MR.XX1.1.png", "KA.tiff"]
)
def test_other_files_are_something_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")

    assert not is_jaffe(tmp_path)
