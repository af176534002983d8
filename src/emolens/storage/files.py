"""Write files that appear under their name only when they are complete."""

import atexit
import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from emolens.core.errors import EmolensError, OutputError

_BLOCK_BYTES = 65_536
# Ctrl-C can come between any two steps, even before a `try` is reached. Whatever is still listed
# here when the process ends is removed then.
_unfinished: set[Path] = set()


class GrowingFile:
    """A file that gets its name when it is complete.

    Until then its bytes stand in a temporary file beside it. Missing folders are made.

    Args:
        path: Its name; a file that is there already stays as it is until this one is complete.
        keeps_lines: Whether the whole lines of an incomplete file are worth keeping.

    Raises:
        OutputError: The folder cannot be made or written to, or the name is a folder's.
    """

    def __init__(self, path: str | os.PathLike[str], *, keeps_lines: bool = False) -> None:
        self._target = Path(path).resolve()
        self._keeps_lines = keeps_lines
        with _own_errors(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            if self._target.is_dir():
                raise OutputError(
                    f"cannot write {self._target}: it is a folder; give the name of a file"
                )
            self._temporary = self._target.parent / f".{secrets.token_hex(8)}.part"
            _unfinished.add(self._temporary)
            self.stream: IO[bytes] = self._temporary.open("x+b")

    def complete(self) -> Path:
        """Give it its name and return it; raises what `fail` returns if that cannot be done."""
        try:
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()
            self._publish(self._target)
        except OSError as error:
            raise self.fail(error) from error
        return self._target

    def fail(self, error: OSError) -> OutputError:
        """Give up, e.g. on a full disk.

        Whole lines that are worth keeping stay as `NAME.partial.SUFFIX`, of other files nothing.

        Returns:
            An error to raise that says what went wrong and what was kept.
        """
        kept = self._keep_lines() if self._keeps_lines else None
        self.discard()
        what = f"; what was written before is in {kept}" if kept else ""
        return OutputError(f"cannot write {self._target}: {error.strerror or error}{what}")

    def discard(self) -> None:
        """Leave nothing behind; twice is no error."""
        with contextlib.suppress(OSError):
            self.stream.close()
        self._temporary.unlink(missing_ok=True)
        _unfinished.discard(self._temporary)

    def _keep_lines(self) -> Path | None:
        # What a buffer still holds may not fit any more; it is no whole line then.
        with contextlib.suppress(OSError):
            self.stream.close()
        partial = self._target.with_suffix(f".partial{self._target.suffix}")
        try:
            n_bytes = _length_of_lines(self._temporary)
            os.truncate(self._temporary, n_bytes)
            if n_bytes:
                self._publish(partial)
        except OSError:
            return None
        return partial if n_bytes else None

    def _publish(self, target: Path) -> None:
        self._temporary.replace(target)
        _unfinished.discard(self._temporary)


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `path` when the block ends well.

    After an error nothing is left behind and a file that was there before stays as it was.

    Raises:
        OutputError: The folder cannot be made or written to, or the disk is full.
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_file() and not target.is_dir():
        # A device or pipe is written to; putting a file in its place would destroy it.
        with _own_errors(target), target.open("wb") as stream:
            yield stream
        return
    file = GrowingFile(target)
    try:
        with _own_errors(target):
            yield file.stream
        file.complete()
    except BaseException:
        file.discard()
        raise


@atexit.register
def _discard_unfinished() -> None:
    for temporary in tuple(_unfinished):
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


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


def _length_of_lines(path: Path) -> int:
    """Bytes up to the end of the last whole line of a file."""
    end = path.stat().st_size
    with path.open("rb") as file:
        while end:
            start = max(0, end - _BLOCK_BYTES)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0
