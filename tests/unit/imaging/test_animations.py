import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emolens.imaging.animations import is_animation


def encoded(kind: str, n_frames: int) -> bytes:
    frames = [
        Image.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)) for number in range(n_frames)
    ]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=n_frames > 1, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_several_frames_are_an_animation_under_any_name(kind: str, tmp_path: Path) -> None:
    for n_frames in (1, 3):
        path = tmp_path / f"{n_frames}.jpg"
        path.write_bytes(encoded(kind, n_frames))
        assert is_animation(path) == (n_frames > 1)


def test_pages_are_no_animation(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(encoded("TIFF", 3))
    assert not is_animation(tmp_path / "a.tif")


def test_what_cannot_be_read_is_no_animation(tmp_path: Path) -> None:
    whole = encoded("GIF", 3)
    (tmp_path / "cut.gif").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.gif").touch()
    (tmp_path / "text.webp").write_bytes(b"RIFF0000WEBPVP8X")
    for name in ("cut.gif", "empty.gif", "missing.gif", "text.webp", "."):
        assert not is_animation(tmp_path / name)
