"""A folder of annotated pictures, one per input, none overwriting another."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.errors import OutputError
from emolens.media.pictures import write_picture

_KEPT_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


class AnnotatedPictures:
    """Writes pictures into a folder under the names of their inputs.

    Inputs of the same name from different folders get a number: `a.jpg`, `a-2.jpg`. Formats that
    are neither JPEG nor PNG are written as PNG.

    Raises:
        OutputError: The folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
        self._folder = folder
        self._taken: set[str] = set()

    def write(self, source: str, image: npt.NDArray[np.uint8]) -> Path:
        """Write the uint8 (H, W, 3) BGR picture that belongs to `source` and return its path."""
        path = self._folder / self._free_name(Path(source))
        if path.exists() and path.samefile(source):
            raise OutputError(
                f"{path} is the input itself; choose another folder for annotated pictures"
            )
        write_picture(path, image)
        return path

    def _free_name(self, source: Path) -> str:
        suffix = source.suffix if source.suffix.lower() in _KEPT_SUFFIXES else ".png"
        name, number = source.stem + suffix, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{source.stem}-{number}{suffix}"
        self._taken.add(name.lower())
        return name
