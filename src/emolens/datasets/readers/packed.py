"""Access to tables that are plain, packed as gzip, or one file of a zip archive.

Nothing is written to disk. The unpacked size is limited, because a few bytes of an archive can
unpack to any size. Damaged files raise `DatasetError`.
"""

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from emolens.core.errors import DatasetError
from emolens.imaging.listing import is_hidden

_ZIP, _GZIP = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b"
# Unsupported archives by their first bytes; a tar archive has its signature at byte 257.
_OTHER_ARCHIVES: Final = {
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
}
_TAR, _TAR_AT = b"ustar", 257
_START_BYTES: Final = 512
# FER2013's CSV has 301 MB and compresses by a factor of 3 to 5.
_MAX_BYTES: Final = 8 << 30
_CHECKED_FROM_BYTES: Final = 16 << 20
_MAX_RATIO: Final = 100
_LINE_BYTES: Final = 1 << 16
_TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt"})
_N_SHOWN: Final = 6
_ENCRYPTED: Final = 1


def is_packed(start: bytes) -> bool:
    """Return whether a file is gzip or zip, by its first bytes."""
    return start.startswith((*_ZIP, _GZIP))


def _packing(start: bytes) -> str | None:
    """Return the type of an unsupported archive by its first 512 bytes, or None."""
    if start[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "a tar archive"
    return next((kind for mark, kind in _OTHER_ARCHIVES.items() if start.startswith(mark)), None)


@contextmanager
def open_table(path: Path, is_wanted: Callable[[bytes], bool]) -> Iterator[tuple[IO[bytes], str]]:
    """Open a table and unpack it while it is read.

    Args:
        path: A plain file, a gzip file or a zip archive.
        is_wanted: Returns whether a first line belongs to the table; selects the file of an
            archive.

    Yields:
        The content, and the name of the table: that of the packed file for an archive.

    Raises:
        DatasetError: The file cannot be read, is an unsupported archive, damaged, encrypted or
            unpacks to an excessive size, or an archive has no such table or more than one.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
            file.seek(0)
            _refuse_packing(start, path)
            if start.startswith(_ZIP):
                with _zipped(path, is_wanted) as opened:
                    yield opened
            elif start.startswith(_GZIP):
                with gzip.open(file) as content:
                    stream = _bounded(content, path, path.stat().st_size)
                    _refuse_packing(stream.peek(_START_BYTES)[:_START_BYTES], path)
                    yield stream, path.name.removesuffix(path.suffix)
            else:
                yield file, path.name
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error


@contextmanager
def _zipped(path: Path, is_wanted: Callable[[bytes], bool]) -> Iterator[tuple[IO[bytes], str]]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError) as error:
        raise _damaged(path, error) from error
    with archive:
        member = _table_of(archive, path, is_wanted)
        with _member(archive, member, path) as stream:
            yield stream, PurePosixPath(member.filename).name


def _table_of(
    archive: zipfile.ZipFile, path: Path, is_wanted: Callable[[bytes], bool]
) -> zipfile.ZipInfo:
    members = [one for one in archive.infolist() if not one.is_dir() and not _is_hidden(one)]
    tables = [one for one in members if _suffix(one) in _TABLE_SUFFIXES]
    matching = [one for one in tables if _is_wanted(archive, one, path, is_wanted)]
    # An only table is opened in any case: its reader reports the problem best.
    found = matching or (tables if len(tables) == 1 else [])
    if len(found) == 1:
        return found[0]
    names = [one.filename for one in found or members]
    shown = ", ".join(names[:_N_SHOWN]) + (", ..." if len(names) > _N_SHOWN else "")
    if found:
        raise DatasetError(
            f"{path}: contains more than one data set ({shown}). Unpack it and use the path of one."
        )
    if "xl/workbook.xml" in archive.namelist():
        raise DatasetError(
            f"{path}: is an Excel workbook. Save the table as CSV and use that file."
        )
    raise DatasetError(
        f"{path}: expected a zip archive with a CSV with the columns emotion and pixels; found "
        f"{shown or 'no files'}. Unpack it and use the path of the data set."
    )


def _is_hidden(member: zipfile.ZipInfo) -> bool:
    return any(is_hidden(part) for part in PurePosixPath(member.filename).parts)


def _suffix(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


def _is_wanted(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    path: Path,
    is_wanted: Callable[[bytes], bool],
) -> bool:
    with _member(archive, member, path) as stream:
        return is_wanted(stream.readline(_LINE_BYTES))


@contextmanager
def _member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path
) -> Iterator[io.BufferedReader]:
    if member.flag_bits & _ENCRYPTED:
        raise DatasetError(
            f"{path}: {member.filename} is encrypted. Unpack it with its password, and use that."
        )
    try:
        content = archive.open(member)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, error) from error
    with content:
        yield _bounded(content, path, member.compress_size)


def _bounded(
    content: gzip.GzipFile | IO[bytes], path: Path, packed_bytes: int
) -> io.BufferedReader:
    return io.BufferedReader(_Unpacked(content, path, packed_bytes), 1 << 18)


class _Unpacked(io.RawIOBase):
    """An unpacked stream with a limited size that raises `DatasetError` for damaged files."""

    def __init__(self, content: gzip.GzipFile | IO[bytes], path: Path, packed_bytes: int) -> None:
        self._content = content
        self._path = path
        most = max(_CHECKED_FROM_BYTES, _MAX_RATIO * packed_bytes)
        self._n_left = min(_MAX_BYTES, most)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed: Any buffer
        try:
            part = self._content.read(len(buffer))
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise _damaged(self._path, error) from error
        except OSError as error:
            # Errors of gzip have no errno; others are errors of the disk.
            if error.errno is not None:
                raise
            raise _damaged(self._path, error) from error
        self._n_left -= len(part)
        if self._n_left < 0:
            raise DatasetError(
                f"{self._path}: unpacks to far more data than expected for its size. If it is a "
                "data set, unpack it and use that file."
            )
        buffer[: len(part)] = part
        return len(part)


def _damaged(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path}: is damaged: {error}. Download or copy it again.")


def _refuse_packing(start: bytes, path: Path) -> None:
    kind = _packing(start)
    if kind:
        raise DatasetError(
            f"{path}: is or contains {kind}, which is not supported. Unpack it and use the path of "
            "the data set."
        )
