"""Atomic files, which appear under their name only when they are complete."""

import atexit
import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from emolens.core.errors import EmolensError, OutputError

_BLOCK_BYTES = 65_536
# Ctrl-C can interrupt any statement, even before a `try` block. The files still listed here are
# removed when the process exits.
_unfinished: set[Path] = set()


class GrowingFile:
    """A file that appears under its name when it is complete.

    Until then, its content is in a temporary file in the same folder. Missing folders are created.
    A device or pipe, such as `/dev/null`, is written directly: replacing it would destroy it.

    Args:
        path: Path of the file. An existing file is unchanged until the new one is complete.
        keeps_lines: Whether to keep the complete lines of a file that fails.

    Raises:
        OutputError: The folder cannot be created or is not writable, or the path is a folder.
    """

    def __init__(self, path: str | os.PathLike[str], *, keeps_lines: bool = False) -> None:
        self._is_device = is_device(path)
        # A pipe of a process has no name to which its path could be resolved.
        self._target = Path(path) if self._is_device else Path(path).resolve()
        self._keeps_lines = keeps_lines and not self._is_device
        self._temporary = self._target.parent / f".{secrets.token_hex(8)}.part"
        with _own_errors(self._target):
            self.stream = self._target.open("wb") if self._is_device else self._open()

    def _open(self) -> IO[bytes]:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        if self._target.is_dir():
            raise OutputError(
                f"cannot write {self._target}: it is a folder. Give the name of a file."
            )
        _unfinished.add(self._temporary)
        return self._temporary.open("x+b")

    @property
    def target(self) -> Path:
        """The path under which the file appears."""
        return self._target

    def complete(self) -> Path:
        """Move the file to its final path and return the path.

        Raises:
            OutputError: The file cannot be completed; see `fail`.
        """
        try:
            self.stream.flush()
            if not self._is_device:
                os.fsync(self.stream.fileno())
            self.stream.close()
            self._publish(self._target)
        except OSError as error:
            raise self.fail(error) from error
        return self._target

    def fail(self, error: OSError) -> OutputError:
        """Abandon the file, e.g. because the disk is full.

        With `keeps_lines`, the complete lines are kept as `NAME.partial.SUFFIX`. Otherwise nothing
        is kept.

        Returns:
            An error to raise, with the cause and the path of the kept lines.
        """
        kept = self._keep_lines() if self._keeps_lines else None
        self.discard()
        rescue = f". The complete lines are in {kept}." if kept else ""
        return OutputError(f"cannot write {self._target}: {error.strerror or error}{rescue}")

    def discard(self) -> None:
        """Remove the temporary file. Discarding it again has no effect."""
        with contextlib.suppress(OSError):
            self.stream.close()
        self._temporary.unlink(missing_ok=True)
        _unfinished.discard(self._temporary)

    def _keep_lines(self) -> Path | None:
        # Flushing the buffer may fail on a full disk. The rest is then an incomplete line.
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
        if self._is_device:
            return
        self._temporary.replace(target)
        _unfinished.discard(self._temporary)


def is_device(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is that of a device, pipe or socket."""
    file = Path(path)
    return file.exists() and not file.is_file() and not file.is_dir()


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `path` when the block ends without an error.

    After an error, an existing file is unchanged and no temporary file remains.

    Raises:
        OutputError: The folder cannot be created or is not writable, or the disk is full.
    """
    file = GrowingFile(path)
    try:
        with _own_errors(file.target):
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
    """Convert system errors to `OutputError` with the path. Errors of emolens are unchanged."""
    try:
        yield
    except EmolensError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file atomically.

    Raises:
        OutputError: The file cannot be written. No temporary file remains.
    """
    with writing(path) as file:
        file.write(content)


def _length_of_lines(path: Path) -> int:
    """Return the number of bytes up to the end of the last complete line."""
    end = path.stat().st_size
    with path.open("rb") as file:
        while end:
            start = max(0, end - _BLOCK_BYTES)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0
