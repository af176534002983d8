"""Perceptual hashes: 64 bits of an image that stay mostly the same when it is saved anew."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.fft

from emolens.datasets.reframing import THUMBNAIL_PX, Reframing

Hashes = npt.NDArray[np.uint64]

_N_FREQUENCIES = 8
_IMAGES_AT_ONCE = 512


def perceptual_hashes(thumbnails: npt.NDArray[np.uint8], reframing: Reframing) -> Hashes:
    """Hash images as they would look framed a little differently.

    Every bit is the sign of one of the 8 x 8 lowest frequencies of the image's cosine transform.

    Args:
        thumbnails: uint8 (N, 24, 24), grey.
        reframing: What is done to each of them first.

    Returns:
        uint64 (N,). The bit of the mean is set in practically every image.

    Source:
        Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section
        3.2.1, with signs instead of the comparison with the median, so that mirroring an image
        flips known bits, and with the lowest row and column of frequencies, which move least when
        the framing does (docs/experiments/0007-duplicates.md).
    """
    transform = scipy.fft.dct(np.eye(THUMBNAIL_PX, dtype=np.float32), axis=0, norm="ortho")
    lowest = transform[:_N_FREQUENCIES]
    hashes = np.empty(len(thumbnails), np.uint64)
    for start in range(0, len(thumbnails), _IMAGES_AT_ONCE):
        part = thumbnails[start : start + _IMAGES_AT_ONCE]
        framed = np.stack([reframing.apply(thumbnail) for thumbnail in part]).astype(np.float32)
        is_positive = (lowest @ framed @ lowest.T > 0).reshape(len(part), -1)
        hashes[start : start + len(part)] = np.packbits(is_positive, axis=1).view(np.uint64)[:, 0]
    return hashes


def mirrored_hashes(hashes: Hashes) -> Hashes:
    """The hashes of the same images mirrored: odd waves across the width change their sign."""
    odd = np.tile(np.arange(_N_FREQUENCIES) % 2 == 1, _N_FREQUENCIES)
    return np.bitwise_xor(hashes, np.packbits(odd).view(np.uint64))


def later_close_ones(
    hashes: Hashes, others: Hashes, rows: range, max_distance: int
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Find the pairs of hashes that differ in few bits.

    Args:
        hashes: uint64 (N,).
        others: uint64 (N,), of the same images.
        rows: The hashes that others are looked for.
        max_distance: Largest number of bits in which a pair may differ.

    Yields:
        Each row that has any, and the rows behind it whose `others` are close, int64 (P,).
    """
    # One row at a time and always in the same memory, which then stays in the processor's cache:
    # three times as fast as larger blocks.
    differing = np.empty(len(hashes), np.uint64)
    distances = np.empty(len(hashes), np.uint8)
    for row in rows:
        behind = others[row + 1 :]
        bits, counts = differing[: len(behind)], distances[: len(behind)]
        np.bitwise_xor(behind, hashes[row], out=bits)
        np.bitwise_count(bits, out=counts)
        close = np.flatnonzero(counts <= max_distance)
        if len(close):
            yield row, close + (row + 1)
