"""Storage of filters in one byte per weight: integer multiples of one step per filter.

The arithmetic stays 32-bit. Only the file is a quarter as large. The rounding is smaller than the
differences between training runs.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_LARGEST = 127
# Steps of 16 significant bits times 7 bits fit into the 24 bits of float32, so products are exact.
_BITS_CUT = np.uint32(0xFFFFFF00)


def rounded_to_bytes(filters: Floats) -> Floats:
    """Round filters float32 (O, I, h, w) to the values of one byte per weight.

    Source:
        Symmetric quantisation per filter, as in Krishnamoorthi 2018, "Quantizing deep convolutional
        networks for efficient inference", sections 2.2 and 3.1.
    """
    steps = _steps(filters)
    return np.asarray(_multiples(filters, steps) * steps, np.float32)


def as_bytes(filters: Floats) -> tuple[npt.NDArray[np.int8], Floats] | None:
    """Split filters into bytes int8 (O, I, h, w) and steps float32 (O, 1, 1, 1).

    Returns:
        The two factors, or None if the array is not 4-dimensional or their product is not exact.
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
