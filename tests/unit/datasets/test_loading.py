import gzip
import os
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.formats import SourceFormat, find_format
from emolens.datasets.loading import (
    folders_of_split,
    held_out_split,
    iter_faces,
    load_faces,
)
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


def put_image(path: Path) -> Path:
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
    put_image(tmp_path / name)

    assert find_format(tmp_path) == (SourceFormat.CLASS_FOLDERS, tmp_path)
    assert len(load_faces(tmp_path)) == 1


def test_two_data_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    put_csv(tmp_path / "fer2013.csv")
    put_parquet(tmp_path / "a.parquet")
    put_image(tmp_path / "train" / "sad" / "a.png")

    with pytest.raises(
        DatasetError, match=r"more than one data set \(fer2013\.csv, parquet folder, class folders"
    ):
        find_format(tmp_path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", r"the file is empty"),
        (b"RIFF....", r"starts with b'RIFF'"),
        (b"\x89PNG\r\n\x1a\n", r"starts with b'\\x89PNG'"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "fer2013.bin"
    path.write_bytes(content)

    with pytest.raises(DatasetError, match=rf"fer2013\.bin: .*{found}.*\. Supported: FER2013's C"):
        iter_faces(path)


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone: no such file or folder\. .*Supported: .*train/"):
        iter_faces(tmp_path / "gone")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), r"the folder contains nothing"),
        (("a.txt", "docs/", "b.png"), r"the folder contains a\.txt, b\.png, docs/\."),
        (tuple(f"{index}.zip" for index in range(12)), r"0\.zip, .*7\.zip, \.\.\.\."),
    ],
)
def test_a_folder_of_another_kind_is_refused(
    tmp_path: Path, names: tuple[str, ...], found: str
) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text("x")

    with pytest.raises(DatasetError, match=rf"{found}.* Supported: FER2013's CSV"):
        iter_faces(tmp_path)


def put_zip(path: Path, *tables: str) -> Path:
    content = put_csv(path.parent / "made.csv").read_bytes()
    (path.parent / "made.csv").unlink()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__MACOSX/._x.csv", b"x")
        for name in tables:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["fer2013.csv.zip", "archive.zip", "archive", "fer2013.csv"])
def test_a_zip_archive_with_the_csv_is_read(tmp_path: Path, name: str) -> None:
    path = put_zip(tmp_path / name, "fer2013/fer2013.csv")

    assert find_format(path) == (SourceFormat.CSV, path)
    assert len(load_faces(path)) == 1


@pytest.mark.parametrize("name", ["archive.zip", "train.csv", "faces.tsv", "fer2013.csv.gz"])
def test_a_folder_around_one_table_is_read_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / "README.txt").write_text("about")
    (tmp_path / "test.csv").write_text("pixels\n1 2 3\n")
    if name.endswith("zip"):
        path = put_zip(tmp_path / name, "fer2013.csv")
    else:
        path = put_csv(tmp_path / name)
    if name.endswith("gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))

    assert find_format(tmp_path) == (SourceFormat.CSV, path)
    assert len(load_faces(tmp_path)) == 1


def test_two_tables_in_one_folder_are_refused(tmp_path: Path) -> None:
    for name in ("train.csv", "val.csv"):
        put_csv(tmp_path / name)

    with pytest.raises(
        DatasetError, match=r"more than one data set \(train\.csv, val\.csv\)\. Use"
    ):
        find_format(tmp_path)


def test_an_archive_beside_what_was_unpacked_from_it_does_no_harm(tmp_path: Path) -> None:
    put_zip(tmp_path / "archive.zip", "fer2013.csv")
    put_csv(tmp_path / "train.csv")
    put_image(tmp_path / "train" / "sad" / "a.png")

    assert find_format(tmp_path) == (SourceFormat.CLASS_FOLDERS, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("archive.zip", b"PK\x03\x04....", r"archive\.zip: is damaged: "),
        ("fer2013.csv.gz", b"\x1f\x8b....", r"fer2013\.csv\.gz: is damaged: "),
        ("test.csv", b"pixels\n1 2 3\n", r"test\.csv: line 1: the column emotion with the lab"),
    ],
)
def test_what_is_wrong_with_the_only_table_is_told(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / "README.txt").write_text("about")
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DatasetError, match=message):
        load_faces(tmp_path)
    with pytest.raises(DatasetError, match=message):
        load_faces(tmp_path / name)


@pytest.mark.parametrize("around", ["FER-2013", "archive/FER-2013", "a/b/c/d"])
@pytest.mark.parametrize("kind", ["classes", "csv", "parquet", "zip"])
def test_a_data_set_in_folders_of_its_own_is_read(tmp_path: Path, around: str, kind: str) -> None:
    inner = tmp_path / around
    inner.mkdir(parents=True)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "__MACOSX").mkdir()
    if kind == "classes":
        for split in ("train", "validation", "test"):
            put_image(inner / split / "sad" / "a.png")
    elif kind == "csv":
        put_csv(inner / "fer2013.csv", *Split)
    elif kind == "parquet":
        put_parquet(inner / "a.parquet")
    else:
        put_zip(inner / "archive.zip", "fer2013.csv")

    assert find_format(tmp_path) == find_format(inner)
    assert len(load_faces(tmp_path)) == (3 if kind in ("classes", "csv") else 1)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
@pytest.mark.timeout(20)
def test_a_folder_that_links_to_itself_ends_in_an_error(tmp_path: Path) -> None:
    (tmp_path / "inner").symlink_to(tmp_path, target_is_directory=True)

    with pytest.raises(DatasetError, match=r"the folder contains inner/\. .*Supported: "):
        find_format(tmp_path)


def test_two_folders_are_not_looked_into(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put_image(tmp_path / name / "train" / "sad" / "a.png")

    with pytest.raises(DatasetError, match=r"the folder contains a/, b/\. .*Supported: "):
        find_format(tmp_path)


def test_a_table_without_splits_is_measured_as_a_whole(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "faces.csv")
    path.write_text(path.read_text().replace(",Usage", "").replace(",Training", ""))

    assert held_out_split(path) is None
    assert len(load_faces(path, held_out_split(path))) == 1
    assert held_out_split(path.rename(tmp_path / "train.csv")) is Split.TRAIN


def test_faces_in_memory_keep_what_was_assumed(tmp_path: Path) -> None:
    for name in ("0", "3"):
        put_image(tmp_path / "train" / name / "a.png")

    faces = load_faces(tmp_path, Split.TRAIN)

    assert [warning[: len(str(tmp_path))] for warning in faces.warnings] == [str(tmp_path)]
    assert "class folders 0, 3 are numbers, read in FER2013's order (0 angry" in faces.warnings[0]


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
        match=r"of split test; found 2 of split train, 1 of split validation$",
    ):
        load_faces(path, Split.TEST)


def test_faces_without_split_are_named_too(tmp_path: Path) -> None:
    put_image(tmp_path / "sad" / "a.png")

    with pytest.raises(DatasetError, match=r"of split train; found 1 of split unknown$"):
        load_faces(tmp_path, Split.TRAIN)


@pytest.mark.parametrize("split", [None, Split.TRAIN])
def test_a_source_without_faces_is_refused(tmp_path: Path, split: Split | None) -> None:
    path = tmp_path / "a.csv"
    path.write_text("emotion,pixels,Usage\n")

    with pytest.raises(DatasetError, match=r"a\.csv: contains no faces"):
        load_faces(path, split)


def test_faces_come_in_the_asked_size(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "a.csv")

    assert load_faces(path, size_px=64).images.shape == (1, 64, 64)


def test_broken_faces_are_refused_or_counted_in_a_report(tmp_path: Path) -> None:
    put_image(tmp_path / "train" / "sad" / "a.png")
    (tmp_path / "train" / "sad" / "b.png").write_bytes(b"no image")

    with pytest.raises(DatasetError, match=r"b\.png"):
        list(iter_faces(tmp_path))
    with pytest.raises(DatasetError, match=r"b\.png"):
        list(iter_faces(tmp_path, report=ReadingReport()))
    report = ReadingReport(skip_damaged=True)
    assert len(list(iter_faces(tmp_path, Split.TRAIN, report=report))) == 1

    assert report.n_damaged == 1
    assert "b.png" in report.damaged[0]


def test_a_source_that_is_none_is_refused_though_faults_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Supported: FER2013"):
        iter_faces(tmp_path, report=ReadingReport(skip_damaged=True))


def test_folders_of_a_split_have_their_own_names(tmp_path: Path) -> None:
    for split in ("Training", "val", "dev"):
        put_image(tmp_path / "mine" / split / "happy" / "1.png")
    (tmp_path / "mine/label_map.toml").write_text(
        '[classes]\nhappy = "happy"\n[splits]\ndev = "validation"\n'
    )
    assert folders_of_split(tmp_path / "mine", Split.TRAIN) == ("Training",)
    assert folders_of_split(tmp_path / "mine", Split.VALIDATION) == ("dev", "val")
    assert folders_of_split(tmp_path / "mine", Split.TEST) == ()
    put_image(tmp_path / "plain/happy/1.png")
    assert folders_of_split(tmp_path / "plain", Split.TRAIN) == ()
    table = put_csv(tmp_path / "fer2013.csv", "PublicTest")
    assert folders_of_split(table, Split.VALIDATION) == ()
