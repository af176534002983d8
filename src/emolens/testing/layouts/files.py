"""Writers of the images and texts of a layout."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

# Nearly lossless, because tests compare the read faces with the drawn ones.
_JPEG_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 98)
_UNCOMPRESSED = (cv2.IMWRITE_TIFF_COMPRESSION, 1)


def write_jpeg(file: Path, gray: npt.NDArray[np.uint8]) -> None:
    """Write an image of uint8 (H, W) as a colour JPEG, and create its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    color = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    file.write_bytes(cv2.imencode(".jpg", color, _JPEG_QUALITY)[1].tobytes())


def write_lossless(file: Path, gray: npt.NDArray[np.uint8]) -> None:
    """Write an image of uint8 (H, W) as grey PNG or TIFF, and create its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    options = _UNCOMPRESSED if file.suffix == ".tiff" else ()
    file.write_bytes(cv2.imencode(file.suffix, gray, options)[1].tobytes())


def write_text(file: Path, text: str) -> None:
    """Write a text without converting its line endings, and create its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="")
