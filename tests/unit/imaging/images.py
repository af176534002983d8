"""Drawn images and their files, for the tests of this folder."""

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]


def draw(height: int = 40, width: int = 56) -> Pixels:
    """A smooth, colourful uint8 (H, W, 3) BGR image in which no corner is like another."""
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    low, high = float(smooth.min()), float(smooth.max())
    stretched = (smooth.astype(np.float32) - low) * (255 / (high - low))
    image = stretched.astype(np.uint8)
    image[: height // 4, : width // 4] = (20, 40, 230)
    return image


def pillow(bgr: Pixels) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(bgr[..., ::-1]))


def encode(image: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">L", zlib.crc32(kind + content))
    return struct.pack(">L", len(content)) + kind + content + check


def png(header: bytes, *chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def rle8_bmp(gray: Pixels) -> bytes:
    """A grey BMP file with 8-bit run lengths."""
    rows = b"".join(b"".join(bytes((1, value)) for value in row) + b"\0\0" for row in gray[::-1])
    data = rows + b"\0\1"
    height, width = gray.shape
    palette = b"".join(bytes((i, i, i, 0)) for i in range(256))
    start = 14 + 40 + len(palette)
    file_header = struct.pack("<2sLHHL", b"BM", start + len(data), 0, 0, start)
    head = struct.pack("<LllHHLLllLL", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return file_header + head + palette + data


def _animation(format_name: str, **options: object) -> bytes:
    first = draw()
    others = [pillow(first[::-1]), pillow(first[:, ::-1])]
    return encode(pillow(first), format_name, save_all=True, append_images=others, **options)


def sample_files() -> dict[str, bytes]:
    """One small file of every kind that emolens reads, by a telling name."""
    from tests.unit.imaging.heif_files import heic, heic_with_alpha, tiled_heic

    color = pillow(draw())
    gray = color.convert("L")
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    tiff: Callable[[Image.Image, str | None], bytes] = lambda image, packing: encode(  # noqa: E731
        image, "TIFF", compression=packing
    )
    return {
        "jpeg": encode(color, "JPEG", quality=92),
        "jpeg progressive": encode(color, "JPEG", progressive=True),
        "jpeg grey": encode(gray, "JPEG"),
        "jpeg cmyk": encode(color.convert("CMYK"), "JPEG", quality=95),
        "png": encode(color, "PNG"),
        "png 16 bit": encode(deep, "PNG"),
        "png palette": encode(color.quantize(64), "PNG"),
        "png 1 bit": encode(gray.convert("1"), "PNG"),
        "png alpha": encode(gray.convert("LA"), "PNG"),
        "png animated": _animation("PNG"),
        "gif": encode(color, "GIF"),
        "gif animated": _animation("GIF"),
        "webp": encode(color, "WEBP"),
        "webp lossless": encode(color, "WEBP", lossless=True),
        "webp animated": _animation("WEBP", lossless=True),
        "bmp": encode(color, "BMP"),
        "bmp palette": encode(color.quantize(64), "BMP"),
        "bmp 1 bit": encode(gray.convert("1"), "BMP"),
        "bmp rle": rle8_bmp(np.asarray(gray)),
        "tiff": tiff(color, None),
        "tiff lzw": tiff(color, "tiff_lzw"),
        "tiff deflate": tiff(color, "tiff_adobe_deflate"),
        "tiff jpeg": tiff(color, "jpeg"),
        "tiff 16 bit": tiff(deep, None),
        "tiff palette": tiff(color.quantize(64), None),
        "tiff fax": tiff(gray.convert("1"), "group4"),
        "tiff cmyk": tiff(color.convert("CMYK"), None),
        "tiff pages": _animation("TIFF", compression="tiff_lzw"),
        "tiff big": encode(color, "TIFF", big_tiff=True),
        "heic": heic(draw(), pixel_format="yuv420p"),
        "heic 10 bit": heic(draw(), pixel_format="yuv420p10le"),
        "heic tiles": tiled_heic(draw(), 32),
        "heic alpha": heic_with_alpha(draw(), np.asarray(gray)),
        "avif": encode(color, "AVIF", quality=90),
        "avif alpha": encode(color.convert("RGBA"), "AVIF"),
        "avif animated": _animation("AVIF", quality=90),
        "ppm": encode(color, "PPM"),
        "pgm": encode(gray, "PPM"),
        "pgm 16 bit": b"P5 56 40 65535\n" + np.asarray(deep).astype(">u2").tobytes(),
        "pbm": encode(gray.convert("1"), "PPM"),
    }
