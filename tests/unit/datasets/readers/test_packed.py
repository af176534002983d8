import gzip
import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.readers import packed
from emolens.datasets.readers.packed import is_packed, open_table

TABLE = b"emotion,pixels,Usage\n" + b"3,1 2 3,Training\n" * 40


def write_zip(
    path: Path, contents: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def read(path: Path) -> tuple[bytes, str]:
    with open_table(path, lambda line: line.startswith(b"emotion,")) as (file, name):
        return file.read(), name


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "PKL.csv"
    path.write_bytes(b"PK is no archive by itself")

    assert read(path) == (b"PK is no archive by itself", "PKL.csv")


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "train.csv.gz"
    path.write_bytes(gzip.compress(TABLE[:50]) + gzip.compress(TABLE[50:]))

    assert read(path) == (TABLE, "train.csv")


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
@pytest.mark.parametrize(
    "further",
    [
        {},
        {"README.md": b"about", "example_submission.csv": b"emotions\n0\n"},
        {"data/": b"", "data/test.csv": b"pixels\n1 2 3\n"},
        {"__MACOSX/data/._train.csv": TABLE, ".hidden/train.csv": TABLE, "._train.csv": TABLE},
        {"train/happy/a.jpg": b"image"},
    ],
)
def test_the_only_table_of_a_zip_archive_is_found(
    tmp_path: Path, method: int, further: dict[str, bytes]
) -> None:
    path = write_zip(tmp_path / "a.zip", {**further, "data/train.csv": TABLE}, method)

    assert read(path) == (TABLE, "train.csv")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            {"a.csv": TABLE, "b/c.csv": TABLE},
            r"contains more than one data set \(a\.csv, b/c\.csv\)",
        ),
        ({}, r"a zip archive with a CSV .* found no files"),
        ({"__MACOSX/a.csv": TABLE}, r"a zip archive with a CSV .* found no files"),
        (
            {f"train/sad/{n}.jpg": b"" for n in range(9)},
            r"train/sad/5\.jpg, \.\.\.\. Unpack it and",
        ),
        ({"a.csv.gz": gzip.compress(TABLE)}, r"found a\.csv\.gz\. Unpack it"),
        ({"a.csv": b"x,y\n", "b.csv": b"x,y\n"}, r"found a\.csv, b\.csv\. Unpack it and use"),
        ({"xl/workbook.xml": b"", "[Content_Types].xml": b""}, r"Excel workbook. Save .* as CSV"),
    ],
)
def test_a_zip_archive_without_the_table_says_what_to_do(
    tmp_path: Path, contents: dict[str, bytes], message: str
) -> None:
    path = write_zip(tmp_path / "a.zip", contents)

    with pytest.raises(DatasetError, match=rf"^{re.escape(str(path))}: .*{message}"):
        read(path)


def encrypted(path: Path) -> Path:
    """An archive whose flags say that its file is encrypted."""
    content = bytearray(write_zip(path, {"a.csv": TABLE}).read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


def test_an_encrypted_archive_says_what_to_do(tmp_path: Path) -> None:
    path = encrypted(tmp_path / "a.zip")

    with pytest.raises(DatasetError, match=r"a\.csv is encrypted\. Unpack it with its password"):
        read(path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_a_cut_file_is_told(tmp_path: Path, name: str, kept: float) -> None:
    table = TABLE + bytes(range(256)) * 20
    path = tmp_path / name
    if name.endswith("zip"):
        write_zip(path, {"a.csv": table})
    else:
        path.write_bytes(gzip.compress(table))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(DatasetError, match=r"is damaged: .*Download or copy it again"):
        read(path)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_a_changed_byte_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("zip"):
        write_zip(path, {"a.csv": TABLE}, zipfile.ZIP_STORED)
    else:
        path.write_bytes(gzip.compress(TABLE, 0))
    path.write_bytes(path.read_bytes().replace(b"1 2 3", b"1 2 4", 1))

    with pytest.raises(DatasetError, match="is damaged: "):
        read(path)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_what_comes_out_is_bounded(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_CHECKED_FROM_BYTES", 1 << 20)
    path = tmp_path / name
    bomb = b"emotion,pixels\n" + b"\n" * (8 << 20)
    if name.endswith("zip"):
        write_zip(path, {"a.csv": bomb})
    else:
        path.write_bytes(gzip.compress(bomb))

    with pytest.raises(DatasetError, match=r"unpacks to far more .* unpack it and use that file"):
        read(path)


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("fer2013/fer2013.csv")
        member.size = len(TABLE)
        archive.addfile(member, io.BytesIO(TABLE))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (tar(), "a tar archive"),
        (gzip.compress(tar()), "a tar archive"),
        (lzma.compress(TABLE), "an xz file"),
        (b"BZh91AY", "a bzip2 file"),
        (b"\x28\xb5\x2f\xfd....", "a Zstandard file"),
        (b"7z\xbc\xaf\x27\x1c....", "a 7-Zip archive"),
        (b"Rar!\x1a\x07....", "a RAR archive"),
    ],
)
def test_other_archives_are_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_bytes(content)

    with pytest.raises(
        DatasetError, match=rf"is or contains {what}, which is not supported\. Unpack it"
    ):
        read(path)


def test_a_missing_file_is_a_data_set_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.csv: cannot be read: No such file"):
        read(tmp_path / "gone.csv")


def test_packed_files_are_known_by_their_start() -> None:
    assert is_packed(gzip.compress(b""))
    assert is_packed(b"PK\x03\x04")
    assert not is_packed(b"PK,emotion")
    assert not is_packed(b"")
