import errno
import os
from pathlib import Path

import pytest

from emolens.core.errors import OutputError, SourceError
from emolens.media.files import write_bytes, writing


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.bin"
    with writing(target) as file:
        file.write(b"abc")
        assert not target.exists()
    assert target.read_bytes() == b"abc"
    assert os.listdir(target.parent) == ["a.bin"]


def test_after_an_error_the_old_file_stays_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="halfway"), writing(target) as file:
        file.write(b"new")
        raise RuntimeError("halfway")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_folder_cannot_be_written_over(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        write_bytes(tmp_path, b"")


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(tmp_path / "file" / "a.bin", b"")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with pytest.raises(OutputError, match="No space left"), writing(target) as file:
        file.write(b"abc")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(tmp_path) == []


def test_a_device_stays_a_device() -> None:
    write_bytes("/dev/null", b"abc")
    assert Path("/dev/null").is_char_device()


def test_a_device_that_is_full_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with pytest.raises(OutputError, match="cannot write /dev/full"):
        write_bytes("/dev/full", b"abc")


def test_a_link_keeps_pointing_at_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_bytes(tmp_path / "link", b"abc")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"abc"


def test_errors_of_the_block_keep_their_kind(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="camera"), writing(tmp_path / "a"):
        raise SourceError("camera gone")


def test_results_can_be_read_by_others(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
