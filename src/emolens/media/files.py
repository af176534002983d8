"""Write files that appear under their name only when they are complete."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from emolens.core.errors import EmolensError, OutputError


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `path` when the block ends well.

    The bytes go to a temporary file beside it; after an error nothing is left behind and a file
    that was there before stays as it was. Missing folders are made.

    Raises:
        OutputError: The folder cannot be made or written to, or the disk is full.
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_file() and not target.is_dir():
        # A device or pipe is written to; putting a file in its place would destroy it.
        with _own_errors(target), target.open("wb") as stream:
            yield stream
        return
    with _own_errors(target), contextlib.ExitStack() as cleaning:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise OutputError(f"cannot write {target}: it is a folder; give the name of a file")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
        temporary = Path(name)
        cleaning.callback(temporary.unlink, missing_ok=True)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)


@contextlib.contextmanager
def _own_errors(target: Path) -> Iterator[None]:
    """Name the file in what the system says; errors of emolens's own pass as they are."""
    try:
        yield
    except EmolensError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file at once; raises `OutputError` and leaves nothing behind if it fails."""
    with writing(path) as file:
        file.write(content)


def _umask() -> int:
    # The only way to read the mask is to set it; mkstemp's own 0600 would hide results from others.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
