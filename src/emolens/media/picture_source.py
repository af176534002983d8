"""A folder of pictures as a sequence of frames."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Self

from emolens.core.errors import ConfigError, InputError, SourceError
from emolens.core.frame import Frame
from emolens.imaging.decode import MAX_PIXELS, read_image
from emolens.media.clip import Clip
from emolens.media.pictures import find_pictures

DEFAULT_RATE_HZ: Final = 25.0


class PictureSource:
    """The pictures of a folder, in the order of their names, `2.png` before `10.png`.

    Implements `emolens.core.ports.FrameSource`. A picture that cannot be read is told in `remarks`;
    its number and its time stay free.

    Args:
        folder: The folder; pictures in folders below it count too.
        rate_hz: Pictures per second: what `media_time_s` is made from.
        clip: Which of them are wanted; all of them unless given.
        max_pixels: Largest width x height of a picture that is decoded.
        clock: Gives seconds on a monotonic clock, for `captured_at_s`.

    Raises:
        ConfigError: `rate_hz` is out of range.
        SourceError: The folder has no pictures.
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
            raise ConfigError(f"a rate must be a positive number of Hz, got {rate_hz}")
        self._paths = _in_order(folder)
        self._rate_hz = rate_hz
        self._clip = clip or Clip()
        self._max_pixels = max_pixels
        self._clock = clock
        self._name = str(folder)
        self.remarks: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def n_expected(self) -> int:
        """How many pictures will come if all can be read."""
        return len(self._wanted())

    def close(self) -> None:
        """Nothing stays open between two pictures."""

    def __iter__(self) -> Iterator[Frame]:
        for index in self._wanted():
            path = self._paths[index]
            try:
                image = read_image(path, max_pixels=self._max_pixels).image
            except InputError as error:
                message = str(error)
                self.remarks.append(message if path in message else f"{path}: {message}")
                continue
            yield Frame(
                image,
                index=index,
                media_time_s=index / self._rate_hz,
                captured_at_s=self._clock(),
                source_id=self._name,
            )

    def _wanted(self) -> list[int]:
        def is_wanted(index: int) -> bool:
            at_s = index / self._rate_hz
            return not self._clip.is_before(at_s) and not self._clip.is_behind(at_s)

        return [i for i in range(0, len(self._paths), self._clip.every) if is_wanted(i)]


def _in_order(folder: Path) -> Sequence[str]:
    paths = [path for path in find_pictures([str(folder)]) if Path(path) != folder]
    if not paths:
        raise SourceError(f"{folder} is a folder without pictures, or one that cannot be opened")
    return sorted(sorted(paths), key=_with_numbers)


def _with_numbers(path: str) -> list[tuple[int, int, str]]:
    """A key that sorts numbers in names by their value, and `a.png` before `a2.png`."""
    parts = re.split(r"([0-9]+)", str(Path(path).with_suffix("")))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
