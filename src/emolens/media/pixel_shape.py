"""Pixels that are not square, and the size at which they are shown."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from emolens.imaging.pyav import VideoStream, av

# Pixels more than this many times as wide as high, or the other way round, are a mistake in the
# file: recorders that leave out lines or columns have 2:1, anamorphic lenses 2:1 at most.
_MAX_RATIO: Final = 5.0
# A face that is this much too wide is the same face: 1 %.
_LEAST_DIFFERENCE: Final = 0.01
# What a recording can hold, and what a video may have in the first place.
_MAX_SIDE_PX: Final = 16_384
_MAX_PIXELS: Final = 8192 * 8192
# A stream whose pixels have many shapes is told of no further ones.
_MAX_TOLD: Final = 3


class Ratio(NamedTuple):
    """Width of a pixel by its height, as a file says it."""

    width: int
    height: int

    @property
    def value(self) -> float:
        """Width by height; 0 where the file does not say it."""
        return self.width / self.height if self.height else 0.0

    def is_like(self, other: "Ratio") -> bool:
        """Whether nobody sees a difference between the two."""
        return math.isclose(self.value, other.value, rel_tol=_LEAST_DIFFERENCE)


_SQUARE: Final = Ratio(1, 1)
_UNKNOWN: Final = Ratio(0, 1)


class PixelShape:
    """Follows the shape of a stream's pixels (sample aspect ratio) from frame to frame.

    What the container says counts, as in players; where it says the same as the codec, the codec
    counts, since only that can change its mind within a stream.

    Args:
        stream: The stream; without one pixels are square.
        on_warning: Told once of every shape that is not square, at most of three.
    """

    def __init__(
        self, stream: VideoStream | None, on_warning: Callable[[str], None] | None = None
    ) -> None:
        self._codec = stream.codec_context if stream is not None else None
        self._on_warning = on_warning
        self._told: set[Ratio] = set()
        self._stored_wh: tuple[int, int] | None = None
        self._ratio = _UNKNOWN if stream is None else _ratio_of(stream.sample_aspect_ratio)
        coded = self._coded()
        if self._ratio != _UNKNOWN and not self._ratio.is_like(coded):
            self._codec = None

    def display_size(self, decoded: av.VideoFrame) -> tuple[int, int]:
        """(width, height) of a decoded frame with square pixels, before it is turned upright."""
        stored_wh = (decoded.width, decoded.height)
        # The codec may know the shape of frames that it has not given out yet; that of the first
        # of them, which needs no other, comes into force with it.
        if decoded.key_frame or stored_wh != self._stored_wh:
            self._stored_wh = stored_wh
            self._ratio = self._coded()
        return display_size(stored_wh, self._ratio.value)

    def tell(self, decoded: av.VideoFrame, shown_wh: tuple[int, int]) -> None:
        """Tell of the shape of a frame's pixels, unless it is square or was told before.

        Args:
            decoded: The frame.
            shown_wh: (width, height) at which it is shown, upright.
        """
        ratio = self._ratio
        if ratio == _UNKNOWN or ratio.is_like(_SQUARE) or ratio in self._told:
            return
        if self._on_warning is None or len(self._told) >= _MAX_TOLD:
            return
        self._told.add(ratio)
        shape = f"pixels of the shape {ratio.width}:{ratio.height}"
        if _is_sane(ratio.value):
            self._on_warning(
                f"{shape} are not square: frames of {decoded.width}x{decoded.height} px are read "
                f"and shown as {shown_wh[0]}x{shown_wh[1]}"
            )
        else:
            self._on_warning(f"{shape} cannot be right; they are taken as square")

    def _coded(self) -> Ratio:
        """What the codec says by now, if that counts; else what counts all the time."""
        return self._ratio if self._codec is None else _ratio_of(self._codec.sample_aspect_ratio)


def display_size(size_wh: tuple[int, int], ratio: float) -> tuple[int, int]:
    """The size at which a frame has square pixels.

    The side with too few pixels is enlarged: nothing that was recorded is lost, and small faces
    stay as large as they are. Where that would be too large, both sides shrink.

    Args:
        size_wh: (width, height) as stored, in pixels.
        ratio: Width of a pixel by its height; one that is hardly a ratio, or hardly different from
            1, changes nothing.

    Returns:
        (width, height) in pixels.
    """
    if not _is_sane(ratio) or abs(ratio - 1) < _LEAST_DIFFERENCE:
        return size_wh
    width, height = size_wh[0] * max(1.0, ratio), size_wh[1] * max(1.0, 1 / ratio)
    shrink = min(1.0, _MAX_SIDE_PX / max(width, height), math.sqrt(_MAX_PIXELS / (width * height)))
    return max(1, math.floor(width * shrink + 0.5)), max(1, math.floor(height * shrink + 0.5))


def _is_sane(ratio: float) -> bool:
    return 1 / _MAX_RATIO <= ratio <= _MAX_RATIO


def _ratio_of(fraction: object) -> Ratio:
    """The ratio of PyAV's fraction, which may be none, or have a zero in it."""
    numerator, denominator = getattr(fraction, "numerator", 0), getattr(fraction, "denominator", 1)
    return Ratio(numerator, denominator) if numerator and denominator else _UNKNOWN
