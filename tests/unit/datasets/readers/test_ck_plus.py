from pathlib import Path

import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.formats import SourceFormat, find_format
from emolens.datasets.readers.ck_plus import SHEET, is_ck_plus_48, iter_ck_plus_48
from emolens.datasets.reading import ReadingReport
from emolens.testing.layouts.ck_plus import write_ck_plus_48
from emolens.testing.layouts.samples import DrawnSample, draw_samples


def drawn() -> list[DrawnSample]:
    """As the set is passed around: without neutral faces."""
    samples = draw_samples(SHEET, (None,), per_class=2)
    return [sample for sample in samples if sample.emotion is not Emotion.NEUTRAL]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_ck_plus_48(tmp_path / "CK+48", drawn())


def test_faces_are_read_by_class_and_name_with_subjects(folder: Path) -> None:
    report = ReadingReport()

    faces = list(iter_ck_plus_48(folder, report=report))

    assert [(face.emotion, face.subject) for face in faces] == [
        (emotion, subject)
        for emotion in (
            *(Emotion.ANGRY, Emotion.DISGUST, Emotion.FEAR),
            *(Emotion.HAPPY, Emotion.SAD, Emotion.SURPRISE),
        )
        for subject in ("S005", "S006")
    ]
    expected = [sample.image for sample in drawn() if sample.emotion is not None]
    assert all((face.image == image).all() for face, image in zip(faces, expected, strict=True))
    assert {face.split for face in faces} == {None}
    assert faces[0].location == str(folder / "anger" / "S005_001_00000001.png")
    assert report.left_out == {"contempt": 2}


def test_added_neutral_faces_are_read(folder: Path) -> None:
    neutral = [s for s in draw_samples(SHEET, (None,)) if s.emotion is Emotion.NEUTRAL]
    write_ck_plus_48(folder, neutral)

    assert find_format(folder) == (SourceFormat.CK_PLUS_48, folder)
    assert [face.emotion for face in iter_ck_plus_48(folder)].count(Emotion.NEUTRAL) == 2


def test_contempt_is_not_opened_and_other_files_are_ignored(folder: Path) -> None:
    for file in (folder / "contempt").iterdir():
        file.write_bytes(b"")
    for name in (".DS_Store", "Thumbs.db", "warnings.txt"):
        (folder / "anger" / name).write_bytes(b"x")
    (folder / "README.txt").write_text("x")

    assert len(list(iter_ck_plus_48(folder))) == 12


def test_a_split_has_no_faces(folder: Path) -> None:
    report = ReadingReport()

    assert list(iter_ck_plus_48(folder, Split.TRAIN, report)) == []
    assert report.left_out == {}


def test_names_in_another_case_are_read(folder: Path) -> None:
    (folder / "anger").rename(folder / "ANGER")
    file = folder / "happy" / "S005_005_00000009.png"
    file.rename(folder / "happy" / "s005_005_00000009.PNG")

    faces = list(iter_ck_plus_48(folder))

    assert is_ck_plus_48(folder)
    assert [face.emotion for face in faces].count(Emotion.ANGRY) == 2
    assert {face.subject for face in faces} == {"S005", "S006"}


@pytest.mark.parametrize("content", [b"", b"<html>"])
def test_a_broken_image_is_a_fault_of_its_own(folder: Path, content: bytes) -> None:
    file = folder / "anger" / "S005_001_00000001.png"
    file.write_bytes(content)
    report = ReadingReport(skip_damaged=True)

    assert len(list(iter_ck_plus_48(folder, report=report))) == 11
    assert report.n_damaged == 1
    assert str(file) in report.damaged[0]


def test_an_image_of_nobody_known_is_a_fault(folder: Path) -> None:
    (folder / "anger" / "S006_001_00000002.png").rename(folder / "anger" / "mine.png")

    with pytest.raises(
        DatasetError, match=r"mine\.png: the file name .* like S010_004_00000017\.png"
    ):
        list(iter_ck_plus_48(folder))


def test_folders_that_do_not_fit_are_refused_at_once(folder: Path) -> None:
    (folder / "anger" / "S005").mkdir()
    with pytest.raises(DatasetError, match=r"S005: is a folder inside the class folder 'anger'"):
        iter_ck_plus_48(folder)

    (folder / "anger" / "S005").rename(folder / "test")
    with pytest.raises(DatasetError, match=r"test: not a class of CK\+; expected neutral, anger"):
        iter_ck_plus_48(folder)


@pytest.mark.parametrize("name", ["a.png", "Training_1.png", "S05_001_00000001.png"])
def test_class_folders_with_other_names_are_something_else(folder: Path, name: str) -> None:
    next((folder / "happy").iterdir()).rename(folder / "happy" / name)
    next((folder / "happy").glob("S0*_005_*")).unlink()

    assert not is_ck_plus_48(folder)


def test_what_is_not_passed_around_like_that_is_something_else(folder: Path) -> None:
    assert is_ck_plus_48(folder)
    assert not is_ck_plus_48(folder / "anger")
    assert not is_ck_plus_48(folder.parent)

    (folder / "train").mkdir()
    assert not is_ck_plus_48(folder)


def test_empty_class_folders_are_something_else(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()

    assert not is_ck_plus_48(tmp_path)


def test_a_label_map_wins(folder: Path) -> None:
    (folder / "label_map.toml").write_text('[classes]\ncontempt = "disgust"\n')

    assert find_format(folder) == (SourceFormat.CLASS_FOLDERS, folder)


def test_the_sheet_has_three_faces_of_each_labelled_sequence() -> None:
    assert sum(SHEET.counts["unknown"].values()) == 3 * 327
    assert sum(SHEET.published_counts()["unknown"].values()) == 3 * (327 - 18)
