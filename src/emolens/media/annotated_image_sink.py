"""A folder of annotated images, one per input, in the subfolders of the inputs."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from emolens.core.errors import OutputError
from emolens.media.images import common_folder, write_image

if TYPE_CHECKING:
    from emolens.contract import Provenance

_KEPT_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
# File systems allow 255 bytes. The rest is for the number, the suffix and the temporary name.
_STEM_BYTES = 200


@dataclass(frozen=True, slots=True)
class Written:
    """A written image.

    Attributes:
        path: Its path.
        is_replaced: Whether it replaced a file of an earlier run.
    """

    path: Path
    is_replaced: bool


class AnnotatedImageSink:
    """A sink that writes images into a folder under the names of their inputs.

    Inputs keep their subfolders below `root`: `sub/a.jpg`. Inputs that would have the same name get
    a number: `a.png`, `a-2.png`. JPEG and PNG inputs keep their format; all others are written as
    PNG. Images of an earlier run are replaced. Inputs, files beside them, and the targets of links
    never are.

    Args:
        folder: The output folder. It is created if it is missing.
        inputs: Paths of all inputs.
        root: Folder of the inputs. Default: the folder that contains all of them.
        made: The record of how the images are made, without an input.

    Raises:
        OutputError: The folder cannot be created.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Iterable[str],
        *,
        root: Path | None = None,
        made: "Provenance | None" = None,
    ) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot create the folder {folder}: {error.strerror}") from error
        paths = list(inputs)
        self.folder = folder
        self._made = made
        self._own = Path(os.path.realpath(folder))
        self._root = root or common_folder(paths)
        self._input_folders = {_real_folder(path) for path in paths}
        self._taken: set[str] = set()

    def write(
        self, source: str, image: npt.NDArray[np.uint8], *, made: "Provenance | None" = None
    ) -> Written:
        """Write the image of an input.

        Args:
            source: Path of the input.
            image: uint8 (H, W, 3) BGR, or (H, W) grey.
            made: The record of this image. Default: the record of all, with `source` as the input.

        Raises:
            OutputError: The image cannot be written, or a link leads out of the folder.
        """
        parent = self.folder / self._subfolder(source)
        if not Path(os.path.realpath(parent)).is_relative_to(self._own):
            raise OutputError(
                f"cannot write to {parent}: a link leads out of {self.folder}. Remove the link, "
                "or use another folder."
            )
        path = self._free_path(parent, Path(source))
        is_replaced = path.exists()
        size_wh = (image.shape[1], image.shape[0])
        made = made or (self._made and self._made.of_image(source, size_wh))
        write_image(path, image, made=made)
        return Written(path, is_replaced)

    def _subfolder(self, source: str) -> str:
        if self._root is None:
            return ""
        below = os.path.relpath(Path(source).parent, self._root)
        # An input outside the root has no subfolder.
        return "" if Path(below).parts[:1] == (os.pardir,) else below

    def _free_path(self, parent: Path, source: Path) -> Path:
        suffix = source.suffix if source.suffix.lower() in _KEPT_SUFFIXES else ".png"
        stem = os.fsdecode(os.fsencode(source.stem)[:_STEM_BYTES])
        path, number = parent / (stem + suffix), 1
        while not self._is_free(path):
            number += 1
            path = parent / f"{stem}-{number}{suffix}"
        self._taken.add(_key(path))
        return path

    def _is_free(self, path: Path) -> bool:
        if _key(path) in self._taken or path.is_symlink():
            return False
        return not (path.exists() and _real_folder(str(path)) in self._input_folders)


def _key(path: Path) -> str:
    # Some file systems ignore case.
    return str(path).lower()


def _real_folder(path: str) -> str:
    return os.path.realpath(Path(path).parent)
