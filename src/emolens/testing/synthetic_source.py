"""A source that shows images of faces on paths that are known, so that answers can be checked."""

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
    """An image that moves.

    Attributes:
        image: uint8 (h, w, 3) BGR.
        path: From seconds to the place (x, y) of its centre in pixels and its width in pixels, or
            None while it is hidden.
        face: Where in the image the face is, in pixels of the image; None means everywhere.
    """

    image: Pixels
    path: Callable[[float], tuple[float, float, float] | None]
    face: Box | None = None

    def box_at(self, at_s: float) -> Box | None:
        """Where the whole image is at `at_s` seconds, in pixels of the frame."""
        place = self.path(at_s)
        if place is None:
            return None
        x, y, width = place
        height = width * self.image.shape[0] / self.image.shape[1]
        return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def face_at(self, at_s: float) -> Box | None:
        """Where the face is at `at_s` seconds, in pixels of the frame."""
        box = self.box_at(at_s)
        if box is None or self.face is None:
            return box
        scale = box.width / self.image.shape[1]
        x_min, y_min, x_max, y_max = (edge * scale for edge in self.face.to_tuple())
        return Box(box.x_min + x_min, box.y_min + y_min, box.x_min + x_max, box.y_min + y_max)


class SyntheticSource:
    """Frames with actors on a plain ground, later ones in front of earlier ones.

    Implements `emolens.core.ports.FrameSource`. Deterministic; frames are drawn when asked for. It
    can be opened again after it was closed, and then begins anew.

    Args:
        actors: What moves.
        size_wh: (width, height) of the frames in pixels.
        rate_hz: Frames per second.
        duration_s: Length in seconds; `math.inf` goes on until it is closed.
        is_live: Gives each frame at its time and not before, as a camera would.
        background: Grey value of the ground.
        clock: Gives seconds on a monotonic clock.
    """

    def __init__(
        self,
        actors: Sequence[Actor] = (),
        *,
        size_wh: tuple[int, int] = (640, 480),
        rate_hz: float = 30.0,
        duration_s: float = 2.0,
        is_live: bool = False,
        background: int = 110,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if rate_hz <= 0 or duration_s < 0 or min(size_wh) < 1:
            raise ConfigError(
                f"a source needs a positive rate, a duration of 0 or more and a size of at least "
                f"1 x 1 px, got {rate_hz} Hz, {duration_s} s, {size_wh}"
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
        """Give no more frames."""
        self.close()

    def __enter__(self) -> Self:
        self._is_closed = False
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give no more frames; twice is no error."""
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
        """The frame of `at_s` seconds: uint8 (H, W, 3) BGR."""
        width, height = self._size_wh
        image = np.full((height, width, 3), self._background, np.uint8)
        for actor in self._actors:
            box = actor.box_at(at_s)
            if box is not None:
                _paste(image, actor.image, box)
        return image

    def faces_at(self, at_s: float) -> list[Box | None]:
        """Where each actor's face is at `at_s` seconds, in pixels, behind others or not."""
        return [actor.face_at(at_s) for actor in self._actors]


def _round_up(n_frames: float) -> float:
    """A whole number of frames that is not one too many where a product was not exact."""
    return n_frames if math.isinf(n_frames) else math.ceil(n_frames - 1e-6)


def _paste(image: Pixels, patch: Pixels, box: Box) -> None:
    """Draw a patch into a box, with fractions of pixels, so that slow movement does not jump."""
    scale = box.width / patch.shape[1]
    height, width = image.shape[:2]
    # Shrinking by a warp alone would leave out pixels.
    small = patch
    if scale < 0.5:
        factor = 2 * scale
        size = (
            max(1, round(patch.shape[1] * factor)),
            max(1, round(patch.shape[0] * factor)),
        )
        small = np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = box.width / small.shape[1]
    # Pixel centres lie at half coordinates.
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
