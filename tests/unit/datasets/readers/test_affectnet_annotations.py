import pickle
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.readers.affectnet_annotations import (
    is_affectnet_annotations,
    iter_affectnet_annotations,
)
from emolens.datasets.reading import ReadingReport

FACE = np.random.default_rng(8).integers(0, 256, (30, 30)).astype(np.uint8)


def put_face(
    root: Path, name: str, label: npt.NDArray[np.generic], split: str = "train_set"
) -> None:
    (root / split / "images" / name).write_bytes(bytes(cv2.imencode(".png", FACE)[1]))
    np.save(root / split / "annotations" / f"{Path(name).stem}_exp.npy", label)


def read(root: Path, split: Split | None = None) -> list[FaceSample]:
    return list(iter_affectnet_annotations(root, split))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for split in ("train_set", "val_set"):
        for part in ("images", "annotations"):
            (tmp_path / split / part).mkdir(parents=True)
    return tmp_path


def test_faces_are_read_by_split_and_number(root: Path) -> None:
    for name, label in (("10.jpg", "1"), ("9.jpg", "2"), ("100.JPG", "3")):
        put_face(root, name, np.array(label))
    put_face(root, "5.png", np.array("4"), "val_set")

    faces = read(root)

    assert [Path(face.location).name for face in faces] == ["9.jpg", "10.jpg", "100.JPG", "5.png"]
    assert [face.emotion for face in faces] == [
        *(Emotion.SAD, Emotion.HAPPY, Emotion.SURPRISE, Emotion.FEAR)
    ]
    assert [face.split for face in faces] == [*[Split.TRAIN] * 3, Split.VALIDATION]
    assert all((face.image == FACE).all() for face in faces)
    assert faces[0].location == str(root / "train_set" / "images" / "9.jpg")
    assert len(read(root, Split.VALIDATION)) == 1
    assert read(root, Split.TEST) == []


@pytest.mark.parametrize(
    "label",
    [np.array("5"), np.array(["5"]), np.array(5), np.array([[5]], np.uint8), np.array(b"5")],
)
def test_a_label_is_a_number_or_its_text(root: Path, label: npt.NDArray[np.generic]) -> None:
    put_face(root, "0.jpg", label)

    assert [face.emotion for face in read(root)] == [Emotion.DISGUST]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.array("11"), r"label is '11'; expected one of 0 \(neutral\)"),
        (np.array(-1), r"label is '-1'"),
        (np.array(5.0), r"label is '5\.0'"),
        (np.array(np.nan), r"label is 'nan'"),
        (np.array([1, 2]), r"not a NumPy file .* with one number"),
        (np.zeros(0), r"not a NumPy file .* with one number"),
    ],
)
def test_any_other_label_is_named_or_skipped(
    root: Path, label: npt.NDArray[np.generic], message: str
) -> None:
    put_face(root, "0.jpg", label)
    put_face(root, "1.jpg", np.array("1"))
    report = ReadingReport(skip_damaged=True)

    with pytest.raises(DatasetError, match=rf"0_exp\.npy: {message}"):
        read(root)
    assert len(list(iter_affectnet_annotations(root, report=report))) == 1
    assert report.n_damaged == 1


class Trap:
    """Shows whether it was unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return setattr_on_sys, ("unpickled",)


def setattr_on_sys(name: str) -> None:
    setattr(sys, name, True)


def test_a_pickled_label_is_refused_unread(root: Path) -> None:
    put_face(root, "0.jpg", np.array("1"))
    file = root / "train_set" / "annotations" / "0_exp.npy"

    for content in (np.array(Trap(), object), None):
        if content is None:
            file.write_bytes(pickle.dumps(Trap()))
        else:
            np.save(file, content, allow_pickle=True)
        with pytest.raises(DatasetError, match=r"0_exp\.npy: not a NumPy file \(\.npy, not pick"):
            read(root)

    assert not hasattr(sys, "unpickled")


@pytest.mark.parametrize("seed", range(20))
def test_damaged_bytes_of_a_label_are_refused_or_read(root: Path, seed: int) -> None:
    put_face(root, "0.jpg", np.array("1"))
    file = root / "train_set" / "annotations" / "0_exp.npy"
    whole = file.read_bytes()
    rng = np.random.default_rng(seed)
    for _ in range(20):
        damaged = bytearray(whole)
        damaged[rng.integers(len(damaged))] = rng.integers(256)
        file.write_bytes(damaged[: rng.integers(1, len(damaged) + 1)])
        report = ReadingReport(skip_damaged=True)

        faces = list(iter_affectnet_annotations(root, report=report))

        assert len(faces) + report.n_damaged + report.left_out.total() == 1


@pytest.mark.parametrize("shape", [b"(1000000000000000,)", b"(99999999999999999999999999,)"])
def test_a_label_that_promises_too_much_is_refused(root: Path, shape: bytes) -> None:
    put_face(root, "0.jpg", np.array(["1"]))
    file = root / "train_set" / "annotations" / "0_exp.npy"
    start, end = file.read_bytes().split(b"(1,)")
    file.write_bytes(start + shape + end[len(shape) - len(b"(1,)") :])

    with pytest.raises(DatasetError, match=r"0_exp\.npy: not a NumPy file"):
        read(root)


def test_an_image_without_label_is_named(root: Path) -> None:
    put_face(root, "0.jpg", np.array("1"))
    (root / "train_set" / "annotations" / "0_exp.npy").unlink()

    with pytest.raises(DatasetError, match=r"0\.jpg: the label .*0_exp\.npy is missing"):
        read(root)


def test_a_label_without_image_is_named_unless_it_is_left_out(root: Path) -> None:
    put_face(root, "0.jpg", np.array("7"))
    (root / "train_set" / "images" / "0.jpg").unlink()
    report = ReadingReport()

    assert list(iter_affectnet_annotations(root, report=report)) == []
    assert report.left_out == {"contempt": 1}
    np.save(root / "train_set" / "annotations" / "0_exp.npy", np.array("1"))
    with pytest.raises(DatasetError, match=r"0_exp\.npy: the image .*0\.jpg is missing"):
        read(root)


def test_other_files_beside_them_are_ignored(root: Path) -> None:
    put_face(root, "0.jpg", np.array("1"))
    for name in ("._0.jpg", "list.txt", "Thumbs.db"):
        (root / "train_set" / "images" / name).write_bytes(b"x")
    for name in ("._0_exp.npy", "0_val.npy", "0_lnd.npy"):
        (root / "train_set" / "annotations" / name).write_bytes(b"x")

    assert len(read(root)) == 1


@pytest.mark.parametrize("part", ["images", "annotations"])
@pytest.mark.parametrize("split", ["train_set", "val_set"])
def test_a_missing_folder_is_named_at_once(root: Path, split: str, part: str) -> None:
    (root / split / part).rmdir()

    assert is_affectnet_annotations(root)
    with pytest.raises(
        DatasetError, match=rf"{part}: this folder .* Unpack the archive of {split}"
    ):
        iter_affectnet_annotations(root)


def test_a_split_that_is_not_wanted_may_be_missing(root: Path) -> None:
    put_face(root, "0.jpg", np.array("1"))
    (root / "val_set" / "images").rmdir()

    assert len(read(root, Split.TRAIN)) == 1


def test_other_folders_are_not_affectnet(tmp_path: Path) -> None:
    (tmp_path / "train_set").mkdir()
    (tmp_path / "images").mkdir()

    assert not is_affectnet_annotations(tmp_path)
