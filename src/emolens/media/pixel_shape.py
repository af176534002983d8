"""Pixel aspect ratios, and the display size of frames without square pixels."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from emolens.imaging.pyav import VideoStream, av

# Larger ratios (or smaller than its inverse) are errors in the file: recorders that skip lines or
# columns have 2:1, anamorphic lenses at most 2:1.
_MAX_RATIO: Final = 5.0
# A face that is 1 % too wide is still classified alike.
_LEAST_DIFFERENCE: Final = 0.01
# The limits of recordings and of input videos.
_MAX_SIDE_PX: Final = 16_384
_MAX_PIXELS: Final = 8192 * 8192
# A stream may change its ratio often; only the first ones cause warnings.
_MAX_WARNINGS: Final = 3


class Ratio(NamedTuple):
    """The width of a pixel divided by its height, as stored in a file."""

    width: int
    height: int

    @property
    def value(self) -> float:
        """Width divided by height; 0 if unknown."""
        return self.width / self.height if self.height else 0.0

    def is_like(self, other: "Ratio") -> bool:
        """Return whether two ratios differ by at most 1 %."""
        return math.isclose(self.value, other.value, rel_tol=_LEAST_DIFFERENCE)


_SQUARE: Final = Ratio(1, 1)
_UNKNOWN: Final = Ratio(0, 1)


class PixelShape:
    """The sample aspect ratio of a stream, tracked from frame to frame.

    The container's ratio takes precedence, as in players. If it equals the codec's ratio, the
    codec's is used, because only that can change within a stream.

    Args:
        stream: The stream; None means square pixels.
        on_warning: Called once per ratio that is not square, for at most three ratios.
    """

    def __init__(
        self, stream: VideoStream | None, on_warning: Callable[[str], None] | None = None
    ) -> None:
        self._codec = stream.codec_context if stream is not None else None
        self._on_warning = on_warning
        self._reported: set[Ratio] = set()
        self._stored_wh: tuple[int, int] | None = None
        self._ratio = _UNKNOWN if stream is None else _ratio_of(stream.sample_aspect_ratio)
        coded = self._coded()
        if self._ratio != _UNKNOWN and not self._ratio.is_like(coded):
            self._codec = None

    def display_size(self, decoded: av.VideoFrame) -> tuple[int, int]:
        """Return the (width, height) of a decoded frame with square pixels, before rotation."""
        stored_wh = (decoded.width, decoded.height)
        # The codec may already report the ratio of later frames. A new ratio takes effect at the
        # next key frame.
        if decoded.key_frame or stored_wh != self._stored_wh:
            self._stored_wh = stored_wh
            self._ratio = self._coded()
        return display_size(stored_wh, self._ratio.value)

    def warn_once(self, decoded: av.VideoFrame, shown_wh: tuple[int, int]) -> None:
        """Warn about the ratio of a frame, unless it is square or already reported.

        Args:
            decoded: The frame.
            shown_wh: (width, height) of the upright frame with square pixels.
        """
        ratio = self._ratio
        if ratio == _UNKNOWN or ratio.is_like(_SQUARE) or ratio in self._reported:
            return
        if self._on_warning is None or len(self._reported) >= _MAX_WARNINGS:
            return
        self._reported.add(ratio)
        if _is_plausible(ratio.value):
            self._on_warning(
                f"pixels are not square (aspect ratio {ratio.width}:{ratio.height}): frames of "
                f"{decoded.width}x{decoded.height} px are shown as {shown_wh[0]}x{shown_wh[1]}"
            )
        else:
            self._on_warning(
                f"the pixel aspect ratio {ratio.width}:{ratio.height} is implausible; pixels are "
                "treated as square"
            )

    def _coded(self) -> Ratio:
        """Return the codec's current ratio if it applies, or else the container's."""
        return self._ratio if self._codec is None else _ratio_of(self._codec.sample_aspect_ratio)


def display_size(size_wh: tuple[int, int], ratio: float) -> tuple[int, int]:
    """Return the size of a frame with square pixels.

    The side with fewer pixels is enlarged, so no recorded detail is lost and small faces keep
    their size. If the result exceeds the limits, both sides shrink.

    Args:
        size_wh: Stored (width, height) in pixels.
        ratio: Width of a pixel divided by its height. Implausible ratios and ratios within 1 % of 1
            change nothing.

    Returns:
        (width, height) in pixels.
    """
    if not _is_plausible(ratio) or abs(ratio - 1) < _LEAST_DIFFERENCE:
        return size_wh
    width, height = size_wh[0] * max(1.0, ratio), size_wh[1] * max(1.0, 1 / ratio)
    shrink = min(1.0, _MAX_SIDE_PX / max(width, height), math.sqrt(_MAX_PIXELS / (width * height)))
    return max(1, math.floor(width * shrink + 0.5)), max(1, math.floor(height * shrink + 0.5))


def _is_plausible(ratio: float) -> bool:
    return 1 / _MAX_RATIO <= ratio <= _MAX_RATIO


def _ratio_of(fraction: object) -> Ratio:
    """Convert PyAV's fraction, which may be None or contain a zero."""
    numerator, denominator = getattr(fraction, "numerator", 0), getattr(fraction, "denominator", 1)
    return Ratio(numerator, denominator) if numerator and denominator else _UNKNOWN
