"""Find the images that a user means, and write images."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import OutputError
from emolens.imaging.listing import LeftOut, counts_as_image, is_hidden
from emolens.storage.files import write_bytes

_JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
_JPEG_QUALITY = 95
# A part of a pattern that stands for folders of any depth.
_ANY_DEPTH = re.compile(r"(?:^|(?<=[/\\]))\*\*(?:[/\\]+|$)")


def find_images(patterns: Sequence[str], left_out: LeftOut | None = None) -> Iterator[str]:
    """Turn arguments into image paths, in the order given.

    Which files of a folder count, `emolens.imaging.listing` says; those of a kind that is known
    but not read do, so that whoever opens them reports them. Links to folders are followed, and
    every folder is visited once, however many links lead to it.

    Args:
        patterns: Files, folders (all images in them and below, sorted by path) or glob patterns
            (sorted; only where no file has that very name).
        left_out: Where files that are no images are counted.

    Yields:
        One path per image. What cannot be found comes back as it was given, so that whoever
        opens it reports it; so do links to nothing, folders that cannot be opened, and a folder
        without images.
    """
    left_out = LeftOut() if left_out is None else left_out
    for pattern in patterns:
        found: list[str] = []
        if os.path.isdir(pattern):  # noqa: PTH112 (Path would change "./a" and "a/")
            found = _images_below([pattern], left_out)
        elif not os.path.lexists(pattern) and glob.has_magic(pattern):
            found = _matches(pattern, left_out)
        yield from found or [pattern]


def encode_image(image: npt.NDArray[np.uint8], suffix: str) -> bytes:
    """Encode a uint8 (H, W, 3) BGR image by file suffix: JPEG at quality 95, or PNG."""
    if suffix.lower() in _JPEG_SUFFIXES:
        success, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    elif suffix.lower() == ".png":
        success, encoded = cv2.imencode(".png", image)
    else:
        raise OutputError(f"cannot write an image as {suffix!r}; allowed: .jpg, .png")
    if not success:
        raise OutputError(f"cannot encode an image of shape {image.shape} as {suffix}")
    return bytes(encoded)


def write_image(path: str | os.PathLike[str], image: npt.NDArray[np.uint8]) -> None:
    """Write a uint8 (H, W, 3) BGR image as .jpg or .png; raises `OutputError`."""
    write_bytes(path, encode_image(image, Path(path).suffix))


def _matches(pattern: str, left_out: LeftOut) -> list[str]:
    matched = sorted(set(_expanded(pattern)))
    folders = [path for path in matched if Path(path).is_dir()]
    files = [path for path in matched if path not in set(folders)]
    others = LeftOut()
    images = _chosen(files, others) + _images_below(folders, others)
    # Without a single image, the user means the files whatever they are called.
    if not images:
        return files
    left_out.update(others)
    return _each_once(images)


def _each_once(paths: list[str]) -> list[str]:
    """Paths in order; of several that lead through links to one place, the shortest."""
    folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120
    places = {folder: os.path.realpath(folder) for folder in folders}
    found: dict[tuple[str, str], str] = {}
    for path in sorted(paths, key=lambda path: (len(path), path)):
        folder, name = os.path.split(path)
        found.setdefault((places[folder], name), path)
    return sorted(found.values())


def _expanded(pattern: str) -> list[str]:
    """What a pattern matches; unlike `glob`, which can be caught in a loop of links."""
    any_depth = _ANY_DEPTH.search(pattern)
    if any_depth is None:
        return glob.glob(pattern)  # noqa: PTH207 (spelled as given)
    base, rest = pattern[: any_depth.start()], pattern[any_depth.end() :]
    bases = _expanded(base) if glob.has_magic(base) else [base]
    walked = list(_walk(bases))
    if not rest:
        shut = [folder for folder, files in walked if files is None and os.path.isdir(folder)]  # noqa: PTH112
        return [*shut, *(path for _, files in walked for path in files or ())]
    parts = [os.path.join(glob.escape(folder), rest) for folder, _ in walked]  # noqa: PTH118
    return [path for part in parts for path in _expanded(part)]


def _images_below(folders: Sequence[str], left_out: LeftOut) -> list[str]:
    found: list[str] = []
    for folder, files in _walk(folders, left_out):
        # A folder that cannot be opened stands for itself, so that whoever opens it reports it.
        found += [folder] if files is None else _chosen(files, left_out)
    return sorted(found)


def _chosen(files: Sequence[str], left_out: LeftOut) -> list[str]:
    """The images among files; the others are counted."""
    chosen = []
    for path in files:
        if not is_hidden(Path(path).name) and counts_as_image(path):
            chosen.append(path)
        else:
            left_out.add(path)
    return chosen


def _walk(
    folders: Sequence[str], left_out: LeftOut | None = None
) -> Iterator[tuple[str, list[str] | None]]:
    """Folders and all below that are not hidden, each with its files or None if it stays shut.

    Links are followed when all that can be reached without them is known, so that a path without
    links stands for a folder where there is one.
    """
    seen: set[tuple[int, int]] = set()
    linked = [folder for folder in folders if _is_link(folder)]
    pending = [folder for folder in reversed(folders) if not _is_link(folder)]
    while pending or linked:
        folder = pending.pop() if pending else linked.pop(0)
        try:
            identity = os.stat(folder or os.curdir)  # noqa: PTH116 (spelled as given)
            names = sorted(os.listdir(folder or os.curdir))  # noqa: PTH208
        except OSError:
            yield folder, None
            continue
        if (identity.st_dev, identity.st_ino) in seen:
            continue
        seen.add((identity.st_dev, identity.st_ino))
        files = []
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118
            if not os.path.isdir(path):  # noqa: PTH112
                files.append(path)
            elif not is_hidden(name):
                (linked if _is_link(path) else pending).append(path)
            elif left_out is not None:
                left_out.add(path)
        yield folder, files


def _is_link(folder: str) -> bool:
    return Path(folder).is_symlink()
