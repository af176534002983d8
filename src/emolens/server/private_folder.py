"""A private temporary folder of a server, which another start removes if the server was killed."""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, Final

from emolens.core.errors import OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_PREFIX: Final = "emolens-serve-"
_LOCK: Final = "lock"


class PrivateFolder:
    """A folder that only its owner can read. It exists until `remove`.

    The process holds the lock of a file in it. The system releases the lock when the process ends,
    even if it is killed.

    Attributes:
        path: The folder.

    Raises:
        OutputError: It cannot be created.
    """

    def __init__(self) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        except OSError as error:
            raise OutputError(
                f"cannot create a folder for videos: {error.strerror or error}. Set the variable "
                "TMPDIR to a folder that can be written."
            ) from error
        new = self.path / f"{_LOCK}.new"
        new.touch(mode=0o600, exist_ok=False)
        self._lock = new.open("r+b")
        _lock(self._lock)
        if sys.platform != "win32":
            # A folder without a file of this name is no leftover, so it is locked from the start.
            # Windows does not rename open files, and does not remove them either.
            new.rename(self.path / _LOCK)

    def remove(self) -> None:
        """Remove the folder with everything in it. Removing it again has no effect."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the folders of servers of this user that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Another program may change the folder at the same time.
        with contextlib.suppress(OSError):
            if _is_own(folder) and _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    status = folder.lstat()
    is_mine = sys.platform == "win32" or status.st_uid == os.geteuid()
    return is_mine and folder.is_dir() and not folder.is_symlink()


def _is_left(folder: Path) -> bool:
    """Return whether no process holds the lock of a folder."""
    name = f"{_LOCK}.new" if sys.platform == "win32" else _LOCK
    try:
        with (folder / name).open("r+b") as file:
            _lock(file)
    except OSError:
        return False
    return True


def _lock(file: IO[bytes]) -> None:
    """Lock an open file until it is closed.

    Raises:
        OSError: Another process has locked it.
    """
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
