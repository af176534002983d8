"""Filters in one byte a weight: whole multiples of a step that each filter has of its own.

The arithmetic is not touched. A network of 32-bit weights is only stored in a quarter of the space,
and rounded by less than what training leaves undecided.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_LARGEST = 127
# A step of 16 significant bits times seven bits fits in float32's 24: every product is exact.
_BITS_CUT = np.uint32(0xFFFFFF00)


def rounded_to_bytes(filters: Floats) -> Floats:
    """Round filters float32 (O, I, h, w) to what a byte a weight holds.

    Source: symmetric quantisation per filter, as in Krishnamoorthi 2018, "Quantizing deep
    convolutional networks for efficient inference", sections 2.2 and 3.1.
    """
    steps = _steps(filters)
    return np.asarray(_multiples(filters, steps) * steps, np.float32)


def as_bytes(filters: Floats) -> tuple[npt.NDArray[np.int8], Floats] | None:
    """The bytes int8 (O, I, h, w) and steps float32 (O, 1, 1, 1) whose product filters are.

    None for arrays of another form and filters that are no such product.
    """
    if filters.ndim != 4:
        return None
    steps = _steps(filters)
    multiples = _multiples(filters, steps)
    if not np.array_equal(np.asarray(multiples * steps, np.float32), filters):
        return None
    return multiples.astype(np.int8), steps


def _steps(filters: Floats) -> Floats:
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    steps = np.asarray(np.where(largest > 0, largest, 1) / _LARGEST, np.float32)
    return (steps.view(np.uint32) & _BITS_CUT).view(np.float32)


def _multiples(filters: Floats, steps: Floats) -> Floats:
    return np.asarray(np.clip(np.rint(filters / steps), -_LARGEST, _LARGEST), np.float32)
