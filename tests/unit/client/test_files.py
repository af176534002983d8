import asyncio
import io
from pathlib import Path

import pytest

from emolens.client.files import FileBody, read_image_file
from emolens.core.errors import InputNotFoundError


def test_the_name_of_an_image_is_that_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"jpeg")
    assert read_image_file(path) == ("a.jpg", b"jpeg")
    assert read_image_file(b"jpeg") == (None, b"jpeg")
    assert read_image_file(io.BytesIO(b"jpeg")) == (None, b"jpeg")
    with path.open("rb") as file:
        assert read_image_file(file) == ("a.jpg", b"jpeg")
    # A pipe has a number for a name.
    with open(path, "rb", closefd=True) as file, open(file.fileno(), "rb", closefd=False) as pipe:
        assert read_image_file(pipe) == (None, b"jpeg")


def test_a_file_that_vanishes_is_an_error_of_emolens(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"video")
    body = FileBody.of(path)
    path.unlink()
    with pytest.raises(InputNotFoundError, match=r"clip.mp4: cannot be read: No such file"):
        list(body.chunks())


def test_a_file_is_sent_in_chunks_whole(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(600_000))
    body = FileBody.of(path)

    async def collect() -> list[bytes]:
        return [chunk async for chunk in body.async_chunks()]

    chunks = asyncio.run(collect())
    assert list(body.chunks()) == chunks
    assert len(chunks) == 3
    assert sum(map(len, chunks)) == body.n_bytes == 600_000
