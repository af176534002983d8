"""A folder of annotated images, one per input, without name collisions."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.errors import OutputError
from emolens.media.images import write_image

_KEPT_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
# File systems allow 255 bytes. The rest is for the number, the suffix and the temporary name.
_STEM_BYTES = 200


class AnnotatedImageSink:
    """A sink that writes images into a folder under the names of their inputs.

    Inputs with the same name from different folders get a number: `a.jpg`, `a-2.jpg`. JPEG and PNG
    inputs keep their format; all others are written as PNG. Existing files are overwritten unless
    the folder also contains inputs.

    Args:
        folder: The output folder. It is created if it is missing.
        inputs: Paths of all inputs.

    Raises:
        OutputError: The folder cannot be created.
    """

    def __init__(self, folder: Path, inputs: Iterable[str]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot create the folder {folder}: {error.strerror}") from error
        self._folder = folder
        own = os.path.realpath(folder)
        self._holds_inputs = any(
            os.path.realpath(os.path.dirname(path) or ".") == own  # noqa: PTH120 (any str is a path)
            for path in inputs
        )
        self._taken: set[str] = set()

    def write(self, source: str, image: npt.NDArray[np.uint8]) -> Path:
        """Write the uint8 (H, W, 3) BGR image of the input `source` and return its path."""
        path = self._folder / self._free_name(Path(source))
        write_image(path, image)
        return path

    def _free_name(self, source: Path) -> str:
        suffix = source.suffix if source.suffix.lower() in _KEPT_SUFFIXES else ".png"
        stem = os.fsdecode(os.fsencode(source.stem)[:_STEM_BYTES])
        name, number = stem + suffix, 1
        while not self._is_free(name):
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._taken.add(name.lower())
        return name

    def _is_free(self, name: str) -> bool:
        if name.lower() in self._taken:
            return False
        return not (self._holds_inputs and (self._folder / name).exists())
