"""A folder of images as a sequence of frames."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError, InputError, SourceError
from emolens.core.frame import Frame
from emolens.core.ports import SourceReport
from emolens.imaging.animations import is_animation
from emolens.imaging.decode import MAX_PIXELS, read_image
from emolens.imaging.kinds import VIDEO, kind_by_name, kind_of
from emolens.imaging.listing import LeftOut, first_bytes, no_images
from emolens.media.clip import Clip
from emolens.media.images import find_images

DEFAULT_RATE_HZ: Final = 25.0
_N_SHOWN: Final = 3


class ImageSource:
    """The images of a folder in natural order of their names, `2.png` before `10.png`.

    Implements `emolens.core.ports.FrameSource`. `warnings` contains all warnings; those about
    missing images are also in `failures`. An image that cannot be read keeps its index and time.
    Files of unsupported formats have neither.

    Args:
        folder: The folder; subfolders are included.
        rate_hz: Images per second, from which `media_time_s` follows.
        clip: Selected images; all by default.
        max_pixels: Maximum width x height of a decoded image.
        clock: Monotonic clock in seconds, for `captured_at_s`.

    Raises:
        ConfigError: `rate_hz` is out of range.
        SourceError: The folder has no images, or animations or nothing but videos, which are films
            of their own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rate_hz: float = DEFAULT_RATE_HZ,
        clip: Clip | None = None,
        max_pixels: int = MAX_PIXELS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < rate_hz < float("inf"):
            raise ConfigError(f"rate_hz (--rate) is {rate_hz}; allowed: above 0 Hz")
        left_out = LeftOut()
        self._paths, unsupported = _in_order(folder, left_out)
        _refuse_films(folder, self._paths, unsupported)
        self._rate_hz = rate_hz
        self._clip = clip or Clip()
        self._max_pixels = max_pixels
        self._clock = clock
        self._name = str(folder)
        self.failures: list[str] = []
        self.warnings: list[str] = [left_out.warning] if left_out.warning else []
        self.report = SourceReport(
            self.n_expected,
            warnings=self.warnings,
            failures=self.failures,
            rate_hz=rate_hz,
            n_files=len(self._paths),
        )
        for path in unsupported:
            self._try_read(path)

    def interrupt(self) -> None:
        """Do nothing: reads from files do not block."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def n_expected(self) -> int:
        """The number of selected images, readable or not."""
        return len(self._selected())

    def close(self) -> None:
        """Do nothing: no file stays open between two images."""

    def __iter__(self) -> Iterator[Frame]:
        for index in self._selected():
            image = self._try_read(self._paths[index])
            if image is None:
                continue
            yield Frame(
                image,
                index=index,
                media_time_s=index / self._rate_hz,
                captured_at_s=self._clock(),
                source_id=self._name,
            )

    def _try_read(self, path: str) -> npt.NDArray[np.uint8] | None:
        try:
            return read_image(path, max_pixels=self._max_pixels).image
        except InputError as error:
            message = str(error)
            self.failures.append(message if path in message else f"{path}: {message}")
            self.warnings.append(self.failures[-1])
            return None

    def _selected(self) -> list[int]:
        def is_selected(index: int) -> bool:
            at_s = index / self._rate_hz
            return not self._clip.is_before(at_s) and not self._clip.is_behind(at_s)

        return [i for i in range(0, len(self._paths), self._clip.every) if is_selected(i)]


def _in_order(folder: Path, left_out: LeftOut) -> tuple[list[str], list[str]]:
    """List the images and the files of unsupported formats in a folder, in natural order."""
    paths = [path for path in find_images([str(folder)], left_out) if Path(path) != folder]
    if not paths:
        raise SourceError(str(no_images(folder)))
    ordered = sorted(sorted(paths), key=_with_numbers)
    unsupported = [path for path in ordered if _is_unsupported(path)]
    return [path for path in ordered if path not in set(unsupported)], unsupported


def _refuse_films(folder: Path, paths: list[str], unsupported: list[str]) -> None:
    """Refuse a folder of films: its files would become the frames of one."""
    films = [path for path in paths if is_animation(path)]
    if not paths:
        films = [path for path in unsupported if kind_of(first_bytes(path), path) is VIDEO]
    if not films:
        return
    kind = ("animation" if paths else "video") + ("s" if len(films) > 1 else "")
    names = ", ".join(repr(str(Path(path).relative_to(folder))) for path in films[:_N_SHOWN])
    more = f" and {len(films) - _N_SHOWN} more" if len(films) > _N_SHOWN else ""
    raise SourceError(
        f"the folder {str(folder)!r} has {len(films)} {kind}: {names}{more}. The images of a "
        "folder are read as the frames of one film. Analyse each one by itself, such as "
        f"{films[0]!r}, or move them to another folder."
    )


def _is_unsupported(path: str) -> bool:
    """Return whether both the name and the content of a file have an unsupported format."""
    named = kind_by_name(path)
    if named is None or named.is_readable:
        return False
    kind = kind_of(first_bytes(path), path)
    return kind is None or not kind.is_readable


def _with_numbers(path: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts numbers in names by value, and `a.png` before `a2.png`."""
    parts = re.split(r"([0-9]+)", str(Path(path).with_suffix("")))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
