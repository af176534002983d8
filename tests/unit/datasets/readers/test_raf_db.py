from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.readers.raf_db import SHEET, is_raf_db, iter_raf_db
from emolens.datasets.reading import ReadingReport

FACE = np.random.default_rng(3).integers(0, 256, (100, 100)).astype(np.uint8)
LIST = "EmoLabel/list_patition_label.txt"


def put(root: Path, listed: bytes, *images: str) -> Path:
    (root / "EmoLabel").mkdir(parents=True)
    (root / LIST).write_bytes(listed)
    (root / "Image" / "aligned").mkdir(parents=True)
    for name in images:
        (root / "Image" / "aligned" / name).write_bytes(bytes(cv2.imencode(".png", FACE)[1]))
    return root


def read(root: Path, split: Split | None = None) -> list[FaceSample]:
    return list(iter_raf_db(root, split))


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_row_gives_a_face_with_its_place(tmp_path: Path, ends: bytes) -> None:
    rows = [b"\xef\xbb\xbftrain_00001.jpg 5", b"", b"test_0001.JPG  1 ", b""]
    put(tmp_path, ends.join(rows), "train_00001_aligned.jpg", "test_0001_aligned.JPG")

    first, second = read(tmp_path)

    assert (first.image == FACE).all()
    assert (first.emotion, first.split) == (Emotion.SAD, Split.TRAIN)
    assert first.location == f"{tmp_path / LIST}: line 1"
    assert (second.emotion, second.split) == (Emotion.SURPRISE, Split.TEST)
    assert second.location == f"{tmp_path / LIST}: line 3"


@pytest.mark.parametrize("inner", ["", "basic"])
def test_the_basic_set_and_the_folder_around_it_are_read(tmp_path: Path, inner: str) -> None:
    put(tmp_path / inner, b"test_0001.jpg 4\n", "test_0001_aligned.jpg")

    assert is_raf_db(tmp_path)
    assert [face.emotion for face in read(tmp_path)] == [Emotion.HAPPY]


def test_the_basic_set_is_read_where_the_compound_one_lies_beside_it(tmp_path: Path) -> None:
    put(tmp_path / "basic", b"test_0001.jpg 4\n", "test_0001_aligned.jpg")
    put(tmp_path / "compound", b"test_0001.jpg 4\n", "test_0001_aligned.jpg")

    assert [face.location for face in read(tmp_path)] == [f"{tmp_path / 'basic' / LIST}: line 1"]


@pytest.mark.parametrize("inner", [".", "compound"])
def test_the_compound_set_is_refused_by_its_name(tmp_path: Path, inner: str) -> None:
    put(tmp_path / "compound", b"test_0001.jpg 4\n", "test_0001_aligned.jpg")

    assert is_raf_db(tmp_path / inner)
    with pytest.raises(DatasetError, match=r"compound set, whose faces have two emotions each"):
        iter_raf_db(tmp_path / inner)


def test_the_compound_set_is_refused_by_its_labels(tmp_path: Path) -> None:
    rows = "".join(f"train_{number:05}.jpg {number}\n" for number in range(1, 12))
    put(tmp_path / "renamed", rows.encode())

    with pytest.raises(DatasetError, match=r"renamed: is RAF-DB's compound set"):
        iter_raf_db(tmp_path / "renamed", report=ReadingReport(skip_damaged=True))


def test_a_missing_list_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "Image" / "aligned").mkdir(parents=True)

    assert is_raf_db(tmp_path)
    with pytest.raises(DatasetError, match=r"list_patition_label\.txt: the list .* is missing"):
        iter_raf_db(tmp_path)


def test_original_images_do_not_stand_in_for_aligned_ones(tmp_path: Path) -> None:
    root = put(tmp_path, b"test_0001.jpg 4\n")
    (root / "Image" / "aligned").rmdir()

    assert is_raf_db(tmp_path)
    with pytest.raises(DatasetError, match=r"aligned images is missing\. Unpack"):
        iter_raf_db(tmp_path)
    (root / "Image" / "original").mkdir()
    with pytest.raises(DatasetError, match=r"missing \(Image/original exists, but .*\. Unpack"):
        iter_raf_db(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"train_00002.jpg 0", r"label is '0'; expected one of 1 \(surprise\), 2 \(fear\)"),
        (b"train_00002.jpg 5.0", r"label is '5\.0'; expected one of"),
        (b"train_00002.jpg", r"label is ''; expected one of"),
        (b"valid_00002.jpg 5", r"image name is 'valid_00002.jpg'; .* starts with train_ or test_"),
        (b"../train_00002.jpg 5", r"image name is '\.\./train_00002.jpg'; .* starts with train_"),
        (b"train_/../../x.jpg 5", r"expected a path inside .*aligned"),
        (b"train_\xff.jpg 5", r"the image .*_aligned\.jpg is missing"),
        (b"train_00002.jpg 5", r"the image .*train_00002_aligned\.jpg is missing"),
    ],
)
def test_a_broken_row_is_named_or_skipped(tmp_path: Path, row: bytes, message: str) -> None:
    put(tmp_path, row + b"\ntrain_00001.jpg 5\n", "train_00001_aligned.jpg")
    report = ReadingReport(skip_damaged=True)

    with pytest.raises(DatasetError, match=rf"list_patition_label\.txt: line 1: .*{message}"):
        read(tmp_path)
    assert [face.emotion for face in iter_raf_db(tmp_path, report=report)] == [Emotion.SAD]
    assert report.n_damaged == 1


def test_labels_of_other_splits_are_not_looked_at(tmp_path: Path) -> None:
    put(tmp_path, b"train_00001.jpg ?\ntest_0001.jpg 3\n", "test_0001_aligned.jpg")

    assert [face.emotion for face in read(tmp_path, Split.TEST)] == [Emotion.DISGUST]
    assert read(tmp_path, Split.VALIDATION) == []


def test_other_folders_are_not_raf_db(tmp_path: Path) -> None:
    (tmp_path / "Image").mkdir()
    (tmp_path / "basic").mkdir()

    assert not is_raf_db(tmp_path)


def test_the_published_counts_add_up_to_the_published_totals() -> None:
    counts = SHEET.published_counts()

    assert sum(counts[Split.TRAIN].values()) == 12_271
    assert sum(counts[Split.TEST].values()) == 3_068
    assert (counts[Split.TRAIN]["happy"], counts[Split.TEST]["angry"]) == (4772, 162)
