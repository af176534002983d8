import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.formats import SourceFormat, find_format
from emolens.datasets.loading import iter_faces, load_faces
from emolens.datasets.reading import ReadingReport

FACE = np.random.default_rng(1).integers(0, 256, (48, 48)).astype(np.uint8)


def put_csv(path: Path, *splits: str) -> Path:
    pixels = " ".join(map(str, FACE.ravel()))
    rows = [f"4,{pixels},{split}" for split in splits or ("Training",)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["emotion,pixels,Usage", *rows]))
    return path


def put_parquet(path: Path) -> Path:
    encoded = bytes(cv2.imencode(".png", FACE)[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"usage": ["Training"], "emotion": [4], "image": [encoded]}), path)
    return path


def put_picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(cv2.imencode(".png", FACE)[1]))
    return path


@pytest.mark.parametrize("name", ["fer2013.csv", "FACES.CSV", "faces.txt", "faces"])
def test_a_csv_is_known_by_its_header_or_suffix(tmp_path: Path, name: str) -> None:
    path = put_csv(tmp_path / name)

    assert find_format(path) == (SourceFormat.CSV, path)
    assert len(load_faces(path)) == 1


@pytest.mark.parametrize("name", ["a.parquet", "a.pq", "a", "a.csv"])
def test_parquet_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    path = put_parquet(tmp_path / name)

    assert find_format(path) == (SourceFormat.PARQUET, path)
    assert len(load_faces(path)) == 1


@pytest.mark.parametrize("name", ["fer2013.csv", "icml_face_data.csv", "FER2013.csv"])
def test_a_folder_around_the_csv_is_read_as_that_csv(tmp_path: Path, name: str) -> None:
    path = put_csv(tmp_path / name)
    (tmp_path / "README").write_text("about")
    (tmp_path / "example_submission.csv").write_text("Emotion\n0\n")

    assert find_format(tmp_path) == (SourceFormat.CSV, path)


def test_a_folder_of_parquet_is_known(tmp_path: Path) -> None:
    put_parquet(tmp_path / "a.parquet")

    assert find_format(tmp_path) == (SourceFormat.PARQUET_FOLDER, tmp_path)


@pytest.mark.parametrize("name", ["train/sad/a.png", "sad/a.png"])
def test_class_folders_are_known(tmp_path: Path, name: str) -> None:
    put_picture(tmp_path / name)

    assert find_format(tmp_path) == (SourceFormat.CLASS_FOLDERS, tmp_path)
    assert len(load_faces(tmp_path)) == 1


def test_two_data_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    put_csv(tmp_path / "fer2013.csv")
    put_parquet(tmp_path / "a.parquet")
    put_picture(tmp_path / "train" / "sad" / "a.png")

    with pytest.raises(
        DatasetError, match=r"more than one data set \(fer2013\.csv, parquet folder, class folders"
    ):
        find_format(tmp_path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", r"is an empty file"),
        (b"RIFF....", r"starts with b'RIFF'"),
        (b"\x89PNG\r\n\x1a\n", r"starts with b'\\x89PNG'"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "fer2013.bin"
    path.write_bytes(content)

    with pytest.raises(
        DatasetError, match=rf"fer2013\.bin: .*{found}.*; accepted are: FER2013's C"
    ):
        iter_faces(path)


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone: no such file or folder; accepted are: .*train/"):
        iter_faces(tmp_path / "gone")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), r"a folder with nothing in it"),
        (("a.txt", "docs/", "b.png"), r"a folder with a\.txt, b\.png, docs/;"),
        (tuple(f"{index}.zip" for index in range(12)), r"0\.zip, .*7\.zip, \.\.\.;"),
    ],
)
def test_a_folder_of_another_kind_is_refused(
    tmp_path: Path, names: tuple[str, ...], found: str
) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text("x")

    with pytest.raises(DatasetError, match=rf"{found}.* accepted are: FER2013's CSV"):
        iter_faces(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders on Windows")
@pytest.mark.timeout(20)
def test_a_named_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    with pytest.raises(DatasetError, match=r"is neither a file nor a folder"):
        iter_faces(tmp_path / "pipe.csv")


def test_an_empty_split_names_the_splits_that_are_there(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "a.csv", "Training", "PublicTest", "Training")

    with pytest.raises(
        DatasetError,
        match=r"of split PrivateTest; it holds 1 of split PublicTest, 2 of split Training$",
    ):
        load_faces(path, Split.PRIVATE_TEST)


def test_faces_without_split_are_named_too(tmp_path: Path) -> None:
    put_picture(tmp_path / "sad" / "a.png")

    with pytest.raises(DatasetError, match=r"of split Training; it holds 1 of split unknown$"):
        load_faces(tmp_path, Split.TRAINING)


@pytest.mark.parametrize("split", [None, Split.TRAINING])
def test_a_source_without_faces_is_refused(tmp_path: Path, split: Split | None) -> None:
    path = tmp_path / "a.csv"
    path.write_text("emotion,pixels,Usage\n")

    with pytest.raises(DatasetError, match=r"a\.csv: holds no faces"):
        load_faces(path, split)


def test_faces_come_in_the_asked_size(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "a.csv")

    assert load_faces(path, size_px=64).images.shape == (1, 64, 64)


def test_broken_faces_are_refused_or_counted_in_a_report(tmp_path: Path) -> None:
    put_picture(tmp_path / "train" / "sad" / "a.png")
    (tmp_path / "train" / "sad" / "b.png").write_bytes(b"no picture")

    with pytest.raises(DatasetError, match=r"b\.png"):
        list(iter_faces(tmp_path))
    with pytest.raises(DatasetError, match=r"b\.png"):
        list(iter_faces(tmp_path, report=ReadingReport()))
    report = ReadingReport(skip_faults=True)
    assert len(list(iter_faces(tmp_path, Split.TRAINING, report=report))) == 1

    assert report.n_faults == 1
    assert "b.png" in report.faults[0]


def test_a_source_that_is_none_is_refused_though_faults_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="accepted are"):
        iter_faces(tmp_path, report=ReadingReport(skip_faults=True))
