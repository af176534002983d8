"""Find the pictures that a user means, and write pictures."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import OutputError
from emolens.media.files import write_bytes

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
)
_JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
_JPEG_QUALITY = 95


def find_pictures(patterns: Sequence[str]) -> Iterator[str]:
    """Turn arguments into picture paths, in the order given.

    Args:
        patterns: Files, folders (all pictures in them and below, by suffix, sorted by path) or glob
            patterns (sorted; only where no file has that very name).

    Yields:
        One path per picture. What cannot be found comes back as it was given, so that whoever
        opens it reports it; so does a folder without pictures.
    """
    for pattern in patterns:
        found: list[str] = []
        if os.path.isdir(pattern):  # noqa: PTH112 (Path would change "./a" and "a/")
            found = _pictures_below(pattern)
        elif not os.path.lexists(pattern) and glob.has_magic(pattern):
            found = _matches(pattern)
        yield from found or [pattern]


def encode_picture(image: npt.NDArray[np.uint8], suffix: str) -> bytes:
    """Encode a uint8 (H, W, 3) BGR picture by file suffix: JPEG at quality 95, or PNG."""
    if suffix.lower() in _JPEG_SUFFIXES:
        success, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    elif suffix.lower() == ".png":
        success, encoded = cv2.imencode(".png", image)
    else:
        raise OutputError(f"cannot write a picture as {suffix!r}; allowed: .jpg, .png")
    if not success:
        raise OutputError(f"cannot encode a picture of shape {image.shape} as {suffix}")
    return bytes(encoded)


def write_picture(path: str | os.PathLike[str], image: npt.NDArray[np.uint8]) -> None:
    """Write a uint8 (H, W, 3) BGR picture as .jpg or .png; raises `OutputError`."""
    write_bytes(path, encode_picture(image, Path(path).suffix))


def _matches(pattern: str) -> list[str]:
    matched = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (spelled as given)
    folders = [path for path in matched if Path(path).is_dir()]
    files = [path for path in matched if path not in set(folders)]
    pictures = [path for path in files if _is_picture_name(path)]
    below = [picture for folder in folders for picture in _pictures_below(folder)]
    # `**` gives folders as well as what is in them. Without a single picture by name, the user
    # means the files whatever they are called.
    return list(dict.fromkeys(sorted(pictures + below) or files))


def _is_picture_name(path: str) -> bool:
    name = Path(path).name
    return Path(name).suffix.lower() in PICTURE_SUFFIXES and not name.startswith(".")


def _pictures_below(folder: str) -> list[str]:
    found: list[str] = []
    # os.walk does not follow links to folders, so a loop of links cannot hang it. A folder that
    # cannot be opened stands for itself, so that whoever opens it reports it.
    unreadable: list[OSError] = []
    for parent, _folders, names in os.walk(folder, onerror=unreadable.append):
        paths = [os.path.join(parent, name) for name in names]  # noqa: PTH118 (spelled as given)
        found += filter(_is_picture_name, paths)
    return sorted(found + [str(error.filename) for error in unreadable])
