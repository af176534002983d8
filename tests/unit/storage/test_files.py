import errno
import itertools
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from emolens.core.errors import OutputError, SourceError
from emolens.storage import files
from emolens.storage.files import GrowingFile, write_bytes, writing


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


@pytest.mark.parametrize("is_completed", [True, False])
def test_a_pipe_stays_a_pipe(tmp_path: Path, is_completed: bool) -> None:
    pipe = tmp_path / "rows.csv"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    file = GrowingFile(pipe, keeps_lines=True)
    file.stream.write(b"abc\n")
    if is_completed:
        file.complete()
        assert os.read(reading, 10) == b"abc\n"
    else:
        file.fail(OSError(errno.ENOSPC, "full"))
    os.close(reading)
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_a_pipe_without_a_name_can_be_written() -> None:
    reading, writing_end = os.pipe()
    write_bytes(f"/dev/fd/{writing_end}", b"abc")
    os.close(writing_end)
    assert os.read(reading, 10) == b"abc"
    os.close(reading)


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


# Files that grow


def no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_growing_file_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "new" / "a.csv")
    file.stream.write(b"abc")
    assert not (tmp_path / "new" / "a.csv").exists()
    assert file.complete() == tmp_path / "new" / "a.csv"
    assert (tmp_path / "new" / "a.csv").read_bytes() == b"abc"
    assert os.listdir(tmp_path / "new") == ["a.csv"]
    file.discard()
    assert os.listdir(tmp_path / "new") == ["a.csv"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (b"1\n2\n3", b"1\n2\n"),
        (b"1\n2\n", b"1\n2\n"),
        (b"1\n" + b"x" * 200_000, b"1\n"),
        (b"1" * 200_000, None),
        (b"", None),
    ],
)
def test_whole_lines_of_a_file_that_failed_are_kept(
    written: bytes, kept: bytes | None, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"old")
    file = GrowingFile(tmp_path / "a.csv", keeps_lines=True)
    file.stream.write(written)
    error = file.fail(no_space())
    message = f"cannot write {tmp_path / 'a.csv'}: No space left on device"
    partial = tmp_path / "a.partial.csv"
    if kept is None:
        assert str(error) == message
        assert not partial.exists()
    else:
        assert str(error) == f"{message}. The complete lines are in {partial}."
        assert partial.read_bytes() == kept
    assert (tmp_path / "a.csv").read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 1 + (kept is not None)


def test_of_other_files_that_failed_nothing_is_kept(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "a.parquet")
    file.stream.write(b"1\n2\n")
    assert isinstance(file.fail(no_space()), OutputError)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("keeps_lines", [True, False])
def test_a_file_that_cannot_be_completed_has_no_name(
    keeps_lines: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_handle: int) -> None:
        raise no_space()

    file = GrowingFile(tmp_path / "a.jsonl", keeps_lines=keeps_lines)
    file.stream.write(b"{}\n")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        file.complete()
    assert os.listdir(tmp_path) == (["a.partial.jsonl"] if keeps_lines else [])


def test_a_growing_file_in_a_place_that_does_not_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a folder"):
        GrowingFile(tmp_path)
    with pytest.raises(OutputError, match="cannot write"):
        GrowingFile(tmp_path / "file" / "a.csv")
    assert os.listdir(tmp_path) == ["file"]


# The process ends, and nobody closes the file.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_between_any_two_steps_leaves_nothing_behind(tmp_path: Path) -> None:
    steps = 0
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        done, n_lines = _interrupted_at(number, folder / "table.csv")
        files._discard_unfinished()
        assert not list(folder.glob(".*"))
        if done:
            break
        steps = n_lines
    assert steps > 15
    assert (folder / "table.csv").read_bytes() == b"whole"


def _interrupted_at(number: int, path: Path) -> tuple[bool, int]:
    """Write a file while Ctrl-C comes at a line of the module; whether it was too late for that."""
    n_lines = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal n_lines
        if frame.f_code.co_filename != files.__file__:
            return None
        n_lines += event == "line"
        if event == "line" and n_lines == number:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        files.write_bytes(path, b"whole")
    except KeyboardInterrupt:
        return False, n_lines
    finally:
        sys.settrace(before)
    return True, n_lines
