"""Lists of image files, and image encoding."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import OutputError
from emolens.imaging.image_text import with_text
from emolens.imaging.listing import LeftOut, counts_as_image, is_hidden
from emolens.media.standard_input import STDIN
from emolens.storage.files import write_bytes

if TYPE_CHECKING:
    from emolens.contract import Provenance

_JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
IMAGE_SUFFIXES = (".png", *_JPEG_SUFFIXES)
"""Suffixes of the images that `write_image` writes."""
_JPEG_QUALITY = 95
# The part of a pattern that matches folders of any depth.
_ANY_DEPTH = re.compile(r"(?:^|(?<=[/\\]))\*\*(?:[/\\]+|$)")


def find_images(patterns: Sequence[str], left_out: LeftOut | None = None) -> Iterator[str]:
    """Expand arguments into image paths, in the order given.

    `emolens.imaging.listing` defines which files of a folder count as images. Files of known but
    unsupported formats count, so that opening them reports an error. Links to folders are followed,
    and every folder is visited once.

    Args:
        patterns: Files, folders (all images in them and their subfolders, sorted by path) or glob
            patterns (sorted; used only if no file has exactly that name).
        left_out: Counts the files that are not images.

    Yields:
        One path per image. A missing path, a dangling link, an unreadable folder and a folder
        without images are returned unchanged, so that opening them reports an error.
    """
    left_out = LeftOut() if left_out is None else left_out
    for pattern in patterns:
        paths: list[str] = []
        if os.path.isdir(pattern):
            paths = _images_below([pattern], left_out)
        elif not os.path.lexists(pattern) and glob.has_magic(pattern):
            paths = _matches(pattern, left_out)
        yield from paths or [pattern]


def each_image_once(paths: Iterable[str]) -> tuple[list[str], int]:
    """Keep the first path of each file.

    Args:
        paths: Images, as given by several arguments that may overlap. A link to a file is a file of
            its own; links to folders are resolved.

    Returns:
        The paths in order, and the number of those left out.
    """
    seen: set[tuple[str, str]] = set()
    kept, n_repeated = [], 0
    for path in paths:
        folder, name = os.path.split(os.path.normpath(path) if Path(path).is_dir() else path)
        # `-` is standard input, and `./-` a file.
        identity = os.path.realpath(folder) if path != STDIN else "", name
        n_repeated += identity in seen
        if identity not in seen:
            kept.append(path)
        seen.add(identity)
    return kept, n_repeated


def list_images(patterns: Sequence[str], *, out: Path | None = None) -> tuple[list[str], list[str]]:
    """List the images of arguments, each once.

    Args:
        patterns: As for `find_images`.
        out: Folder that is written to. Its images are left out if an argument contains it: they
            are results of an earlier run.

    Returns:
        The paths in order, and warnings about files that were left out or given twice.
    """
    left_out = LeftOut()
    images, n_repeated = each_image_once(find_images(patterns, left_out))
    warnings = [left_out.warning] if left_out.warning else []
    if n_repeated:
        named = "image" if n_repeated == 1 else "images"
        warnings.append(f"left out {n_repeated:,} {named} given twice; each one is used once")
    if out is None or any(_is_inside(pattern, out) for pattern in patterns):
        return images, warnings
    inputs = [image for image in images if not _is_inside(image, out)]
    if n_results := len(images) - len(inputs):
        named = "image" if n_results == 1 else "images"
        warnings.append(f"left out {n_results:,} {named} in the output folder {out}")
    return inputs, warnings


def _is_inside(path: str, folder: Path) -> bool:
    """Return whether a path or pattern is a folder or lies below it."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def common_folder(patterns: Sequence[str]) -> Path | None:
    """Return the folder that contains everything that arguments of `find_images` name.

    Returns:
        The folder itself if the only argument is a folder; None if there is no such folder, as for
        several drives.
    """
    folders = [os.path.abspath(_fixed_folder(pattern)) for pattern in patterns]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        return None


def _fixed_folder(pattern: str) -> str:
    """Return a folder as it is, the folder of a file, or the part of a pattern before the magic."""
    if os.path.isdir(pattern):
        return pattern
    folder = os.path.dirname(pattern)
    while not os.path.lexists(pattern) and glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder


def encode_image(image: npt.NDArray[np.uint8], suffix: str) -> bytes:
    """Encode an image in the format of a file suffix.

    Args:
        image: uint8 (H, W, 3) BGR.
        suffix: A JPEG suffix (quality 95) or `.png`.

    Raises:
        OutputError: The suffix is not allowed, or the image cannot be encoded.
    """
    if suffix.lower() in _JPEG_SUFFIXES:
        success, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    elif suffix.lower() == ".png":
        success, encoded = cv2.imencode(".png", image)
    else:
        raise OutputError(f"cannot write an image as {suffix!r}; allowed: .jpg, .png")
    if not success:
        raise OutputError(f"cannot encode an image of shape {image.shape} as {suffix}")
    return bytes(encoded)


def write_image(
    path: str | os.PathLike[str],
    image: npt.NDArray[np.uint8],
    *,
    made: "Provenance | None" = None,
) -> None:
    """Write a uint8 (H, W, 3) BGR image as .jpg or .png.

    Args:
        path: The file to write.
        image: The image.
        made: The record of how the image was made, which the file contains as text.

    Raises:
        OutputError: The suffix is not allowed, or the file cannot be written.
    """
    encoded = encode_image(image, Path(path).suffix)
    if made is not None:
        from emolens.contract import EMBEDDED_KEY  # noqa: PLC0415 (pydantic is slow to load)

        encoded = with_text(encoded, EMBEDDED_KEY, made.to_json())
    write_bytes(path, encoded)


def _matches(pattern: str, left_out: LeftOut) -> list[str]:
    matched = sorted(set(_expanded(pattern)))
    folders = [path for path in matched if Path(path).is_dir()]
    files = [path for path in matched if path not in set(folders)]
    others = LeftOut()
    images = _select_images(files, others) + _images_below(folders, others)
    # If nothing looks like an image, the pattern itself is the selection.
    if not images:
        return files
    left_out.update(others)
    return _each_once(images)


def _each_once(paths: list[str]) -> list[str]:
    """Sort paths and keep only the shortest of those that links resolve to one file."""
    folders = {os.path.dirname(path) for path in paths}
    real_folders = {folder: os.path.realpath(folder) for folder in folders}
    shortest: dict[tuple[str, str], str] = {}
    for path in sorted(paths, key=lambda path: (len(path), path)):
        folder, name = os.path.split(path)
        shortest.setdefault((real_folders[folder], name), path)
    return sorted(shortest.values())


def _expanded(pattern: str) -> list[str]:
    """Expand a pattern. Unlike `glob`, terminate on circular links."""
    any_depth = _ANY_DEPTH.search(pattern)
    if any_depth is None:
        return glob.glob(pattern)
    base, rest = pattern[: any_depth.start()], pattern[any_depth.end() :]
    bases = _expanded(base) if glob.has_magic(base) else [base]
    walked = list(_walk(bases))
    if not rest:
        shut = [folder for folder, files in walked if files is None and os.path.isdir(folder)]
        return [*shut, *(path for _, files in walked for path in files or ())]
    parts = [os.path.join(glob.escape(folder), rest) for folder, _ in walked]
    return [path for part in parts for path in _expanded(part)]


def _images_below(folders: Sequence[str], left_out: LeftOut) -> list[str]:
    paths: list[str] = []
    for folder, files in _walk(folders, left_out):
        # Keep an unreadable folder in the list, so that opening it reports an error.
        paths += [folder] if files is None else _select_images(files, left_out)
    return sorted(paths)


def _select_images(files: Sequence[str], left_out: LeftOut) -> list[str]:
    """Select the images among files and count the others."""
    images = []
    for path in files:
        if not is_hidden(Path(path).name) and counts_as_image(path):
            images.append(path)
        else:
            left_out.add(path)
    return images


def _walk(
    folders: Sequence[str], left_out: LeftOut | None = None
) -> Iterator[tuple[str, list[str] | None]]:
    """Yield folders and their visible subfolders, each with its files, or None if unreadable.

    Links are followed last, so that a folder is listed under a path without links if it has one.
    """
    visited: set[tuple[int, int]] = set()
    linked = [folder for folder in folders if _is_link(folder)]
    pending = [folder for folder in reversed(folders) if not _is_link(folder)]
    while pending or linked:
        folder = pending.pop() if pending else linked.pop(0)
        try:
            identity = os.stat(folder or os.curdir)
            names = sorted(os.listdir(folder or os.curdir))
        except OSError:
            yield folder, None
            continue
        if (identity.st_dev, identity.st_ino) in visited:
            continue
        visited.add((identity.st_dev, identity.st_ino))
        files = []
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.isdir(path):
                files.append(path)
            elif not is_hidden(name):
                (linked if _is_link(path) else pending).append(path)
            elif left_out is not None:
                left_out.add(path)
        yield folder, files


def _is_link(folder: str) -> bool:
    return Path(folder).is_symlink()
