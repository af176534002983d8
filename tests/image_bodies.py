"""Hypothesis strategies of request bodies: images, damaged images and what is none."""

import io
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from hypothesis import strategies as st
from PIL import Image

from emolens.media.sample import sample_image
from emolens.testing import crowd_clip

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
NO_IMAGES = (
    b"",
    b"\x00",
    b"GIF89a",
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x00\x00\x00\x00WEBP",
    b"BM",
    b"II*\x00",
    b"P6 99999 99999 255\n",
    b"#EXTM3U\nhttp://127.0.0.1:1/a.ts\n",
    b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b"<!doctype html><script>1</script>",
    b"%PDF-1.7\n",
    b"PK\x03\x04",
    b"http://127.0.0.1:1/a.jpg",
    b"/etc/passwd",
    b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
    b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00",
    b"\x1aE\xdf\xa3",
)


@cache
def encoded_images() -> tuple[bytes, ...]:
    """Return small images of every format and mode."""
    face = Image.open(sample_image()).convert("RGB").resize((96, 96))
    images = [_encoded(face, name) for name in _FORMATS]
    images += [_encoded(face.convert(mode), "PNG") for mode in ("L", "1", "P", "LA", "RGBA")]
    images.append(_encoded(face.convert("CMYK"), "JPEG"))
    images.append(_encoded(face.resize((1, 1)), "PNG"))
    images.append(_encoded(face.resize((2000, 1)), "JPEG"))
    return tuple(images)


@cache
def encoded_clip() -> bytes:
    """Return a video of a few frames."""
    made = crowd_clip(1, size_wh=(160, 120))
    with TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5.0, (160, 120))
        for number in range(3):
            writer.write(made.draw(number / 5))
        writer.release()
        return path.read_bytes()


def bodies() -> st.SearchStrategy[bytes]:
    """Return a strategy of bodies: good, truncated and damaged images, and other bytes."""
    images = st.sampled_from(encoded_images())
    return st.one_of(
        images,
        st.builds(_truncated, images, st.floats(0, 1)),
        st.builds(_damaged, images, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)))),
        st.builds(lambda first, second: first + second, images, images),
        st.sampled_from(NO_IMAGES),
        st.binary(max_size=200),
    )


def clips() -> st.SearchStrategy[bytes]:
    """Return a strategy of bodies: rarely a video, mostly damaged ones and other bytes."""
    changes = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1)
    clip = st.just(encoded_clip())
    damaged = st.builds(_damaged, st.builds(_truncated, clip, st.floats(0, 1)), changes)
    others = st.one_of(st.sampled_from((*NO_IMAGES, *encoded_images())), st.binary(max_size=200))
    return st.one_of(*[others] * 8, damaged, clip)


def _encoded(image: Image.Image, name: str) -> bytes:
    output = io.BytesIO()
    image.save(output, name)
    return output.getvalue()


def _truncated(encoded: bytes, share: float) -> bytes:
    return encoded[: round(share * len(encoded))]


def _damaged(encoded: bytes, changes: list[tuple[float, int]]) -> bytes:
    changed = bytearray(encoded)
    for share, value in changes if encoded else ():
        changed[round(share * (len(changed) - 1))] ^= value
    return bytes(changed)
