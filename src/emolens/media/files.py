"""Write files that appear under their name only when they are complete."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from emolens.core.errors import OutputError


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `path` when the block ends well.

    The bytes go to a temporary file beside it; after an error nothing is left behind and a file
    that was there before stays as it was. Missing folders are made.

    Raises:
        OutputError: The folder cannot be made or written to, or the disk is full.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise OutputError(f"cannot write {target}: it is a folder; give the name of a file")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file at once; raises `OutputError` and leaves nothing behind if it fails."""
    with writing(path) as file:
        file.write(content)


def _umask() -> int:
    # The only way to read the mask is to set it; mkstemp's own 0600 would hide results from others.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
