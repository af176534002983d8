"""Images and videos that clients send."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from emolens.core.errors import InputNotFoundError

ImageFile: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""An image: a path, the bytes of a file, or a file opened in binary mode."""

_CHUNK_BYTES: Final = 256 * 1024


def read_image_file(image: ImageFile) -> tuple[str | None, bytes]:
    """Return the file name of an image, or None without one, and its bytes.

    Raises:
        InputNotFoundError: There is no such file, or it cannot be read.
    """
    if isinstance(image, bytes):
        return None, image
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        try:
            return path.name, path.read_bytes()
        except OSError as error:
            raise _unreadable(path, error) from error
    name = getattr(image, "name", None)
    return Path(name).name if isinstance(name, str) else None, image.read()


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file that is sent in chunks, from its start in every attempt.

    Attributes:
        path: Path of the file.
        n_bytes: Its size.
    """

    path: Path
    n_bytes: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "FileBody":
        """Return the body of a file.

        Raises:
            InputNotFoundError: There is no such file.
        """
        file = Path(path)
        try:
            if file.is_dir():
                raise IsADirectoryError(21, "it is a folder")
            return cls(file, file.stat().st_size)
        except OSError as error:
            raise _unreadable(file, error) from error

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes."""
        try:
            with self.path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise _unreadable(self.path, error) from error

    async def async_chunks(self) -> AsyncIterator[bytes]:
        """Yield its bytes; a thread reads them."""
        chunks = self.chunks()
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield chunk


def _unreadable(path: Path, error: OSError) -> InputNotFoundError:
    return InputNotFoundError(f"{path}: cannot be read: {error.strerror or error}. Check the path.")
