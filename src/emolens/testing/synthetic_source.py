"""A source with images of faces on known paths, the ground truth of tests."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError
from emolens.core.frame import Frame
from emolens.core.geometry import Box
from emolens.core.ports import SourceReport

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A moving image.

    Attributes:
        image: uint8 (h, w, 3) BGR.
        path: Maps a time in seconds to the centre (x, y) and the width in pixels of the frame, or
            to None while the image is hidden.
        face: The box of the face in pixels of the image; None for the whole image.
    """

    image: Pixels
    path: Callable[[float], tuple[float, float, float] | None]
    face: Box | None = None

    def box_at(self, at_s: float) -> Box | None:
        """Return the box of the image at `at_s` seconds, in pixels of the frame."""
        place = self.path(at_s)
        if place is None:
            return None
        x, y, width = place
        height = width * self.image.shape[0] / self.image.shape[1]
        return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def face_at(self, at_s: float) -> Box | None:
        """Return the box of the face at `at_s` seconds, in pixels of the frame."""
        box = self.box_at(at_s)
        if box is None or self.face is None:
            return box
        scale = box.width / self.image.shape[1]
        x_min, y_min, x_max, y_max = (edge * scale for edge in self.face.to_tuple())
        return Box(box.x_min + x_min, box.y_min + y_min, box.x_min + x_max, box.y_min + y_max)


class SyntheticSource:
    """A source of frames with actors on a background.

    Implements `emolens.core.ports.FrameSource`. It is deterministic and draws frames on demand. A
    closed source can be opened again and then starts from the beginning.

    Args:
        actors: The moving images, from back to front.
        size_wh: (width, height) of the frames in pixels.
        rate_hz: Frames per second.
        duration_s: Length in seconds; `math.inf` continues until the source is closed.
        is_live: Whether each frame is yielded at its time, as by a camera.
        background: Grey value of the background, or uint8 (H, W, 3) BGR of the frame size.
        clock: A monotonic clock in seconds.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(
        self,
        actors: Sequence[Actor] = (),
        *,
        size_wh: tuple[int, int] = (640, 480),
        rate_hz: float = 30.0,
        duration_s: float = 2.0,
        is_live: bool = False,
        background: int | Pixels = 110,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if rate_hz <= 0 or duration_s < 0 or min(size_wh) < 1:
            raise ConfigError(
                f"rate_hz is {rate_hz}, duration_s is {duration_s}, size_wh is {size_wh}; expected "
                "a positive rate, a duration of at least 0 and a size of at least 1 x 1 px"
            )
        n_frames = _round_up(duration_s * rate_hz)
        self.report = SourceReport(None if math.isinf(n_frames) else int(n_frames))
        self._actors = tuple(actors)
        self._size_wh = size_wh
        self._rate_hz = rate_hz
        self._n_frames = duration_s * rate_hz
        self._is_live = is_live
        self._background = background
        self._clock = clock
        self._is_closed = False

    def interrupt(self) -> None:
        """Stop the iteration."""
        self.close()

    def __enter__(self) -> Self:
        self._is_closed = False
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the iteration; a second call has no effect."""
        self._is_closed = True

    def __iter__(self) -> Iterator[Frame]:
        began_s = self._clock()
        index = 0
        while index < _round_up(self._n_frames) and not self._is_closed:
            at_s = index / self._rate_hz
            image = self.draw(at_s)
            if self._is_live:
                time.sleep(max(0.0, began_s + at_s - self._clock()))
            yield Frame(
                image,
                index=index,
                media_time_s=at_s,
                captured_at_s=self._clock(),
                source_id="synthetic",
            )
            index += 1

    def draw(self, at_s: float) -> Pixels:
        """Draw the frame at `at_s` seconds, uint8 (H, W, 3) BGR."""
        width, height = self._size_wh
        image = np.empty((height, width, 3), np.uint8)
        image[:] = self._background
        for actor in self._actors:
            box = actor.box_at(at_s)
            if box is not None:
                _paste(image, actor.image, box)
        return image

    def faces_at(self, at_s: float) -> list[Box | None]:
        """Return the face box of each actor at `at_s` seconds, in pixels, even behind others."""
        return [actor.face_at(at_s) for actor in self._actors]


def _round_up(n_frames: float) -> float:
    """Round up a number of frames, with a tolerance for the rounding error of the product."""
    return n_frames if math.isinf(n_frames) else math.ceil(n_frames - 1e-6)


def _paste(image: Pixels, patch: Pixels, box: Box) -> None:
    """Draw a patch into a box with subpixel accuracy, for smooth slow movement."""
    scale = box.width / patch.shape[1]
    height, width = image.shape[:2]
    # A warp alone would skip pixels when shrinking.
    small = patch
    if scale < 0.5:
        factor = 2 * scale
        size = (
            max(1, round(patch.shape[1] * factor)),
            max(1, round(patch.shape[0] * factor)),
        )
        small = np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = box.width / small.shape[1]
    # Pixel centres are at half coordinates.
    shift_x, shift_y = box.x_min + scale / 2 - 0.5, box.y_min + scale / 2 - 0.5
    x_from, y_from = max(0, math.floor(box.x_min)), max(0, math.floor(box.y_min))
    x_to, y_to = min(width, math.ceil(box.x_max)), min(height, math.ceil(box.y_max))
    if x_from >= x_to or y_from >= y_to:
        return
    matrix = np.array([[scale, 0, shift_x - x_from], [0, scale, shift_y - y_from]], np.float64)
    region = image[y_from:y_to, x_from:x_to]
    cv2.warpAffine(
        small,
        matrix,
        (x_to - x_from, y_to - y_from),
        dst=region,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
