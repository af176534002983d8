import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from emolens.core.errors import OutputError
from emolens.server.private_folder import PrivateFolder, remove_leftovers


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, which other servers of this computer do not use."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def folder() -> Iterator[PrivateFolder]:
    folder = PrivateFolder()
    yield folder
    folder.remove()


def leave(temporary: Path, name: str = "emolens-serve-left") -> Path:
    """Make the folder of a server that was killed."""
    left = temporary / name
    (left / "a/video").mkdir(parents=True)
    (left / "a/video/clip.mp4").write_bytes(b"clip")
    (left / "lock").touch()
    return left


def test_a_folder_that_cannot_be_created_is_an_error_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(OutputError, match=r"No such file or directory\. Set the variable TMPDIR"):
        PrivateFolder()


def test_only_the_owner_can_read_the_folder(folder: PrivateFolder) -> None:
    assert folder.path.name.startswith("emolens-serve-")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_removed_folder_is_gone_with_everything_in_it(folder: PrivateFolder) -> None:
    (folder.path / "a").mkdir()
    folder.remove()
    assert not folder.path.exists()
    folder.remove()


def test_the_folder_of_a_killed_server_is_removed(temporary: Path) -> None:
    left = leave(temporary)
    remove_leftovers()
    assert not left.exists()


def test_a_server_that_is_killed_leaves_a_folder_that_the_next_one_removes(
    temporary: Path,
) -> None:
    server = (
        "import os, sys, tempfile; tempfile.tempdir = sys.argv[1];"
        "from emolens.server.private_folder import PrivateFolder; folder = PrivateFolder();"
        "(folder.path / 'clip.mp4').touch(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", server, str(temporary)], check=False)
    assert [path.name for path in temporary.glob("emolens-serve-*/*.mp4")] == ["clip.mp4"]
    remove_leftovers()
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_running_server_stays(folder: PrivateFolder, temporary: Path) -> None:
    left = leave(temporary)
    remove_leftovers()
    assert (folder.path / "lock").exists()
    assert not left.exists()


def test_a_folder_that_is_not_locked_yet_stays(temporary: Path) -> None:
    left = leave(temporary)
    (left / "lock").rename(left / "lock.new")
    remove_leftovers()
    assert left.exists()


def test_folders_of_other_programs_and_links_stay(temporary: Path) -> None:
    other = leave(temporary, "other-left")
    (temporary / "emolens-serve-link").symlink_to(other)
    (temporary / "emolens-serve-file").touch()
    remove_leftovers()
    assert (other / "a/video/clip.mp4").exists()
    assert (temporary / "emolens-serve-link").is_symlink()
    assert (temporary / "emolens-serve-file").exists()


def test_folders_of_other_users_stay(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = leave(temporary)
    monkeypatch.setattr("os.geteuid", lambda: left.stat().st_uid + 1)
    remove_leftovers()
    assert left.exists()
