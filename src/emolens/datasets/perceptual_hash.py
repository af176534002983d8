"""Perceptual hashes: 64 bits of an image that hardly change when it is saved again."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.fft

from emolens.datasets.reframing import THUMBNAIL_PX, Reframing

Hashes = npt.NDArray[np.uint64]

_N_FREQUENCIES = 8
_IMAGES_AT_ONCE = 512


def perceptual_hashes(thumbnails: npt.NDArray[np.uint8], reframing: Reframing) -> Hashes:
    """Hash images after a small change of framing.

    Every bit is the sign of one of the 8 x 8 lowest frequencies of the image's cosine transform.

    Args:
        thumbnails: uint8 (N, 24, 24), grey.
        reframing: The change of framing applied to each thumbnail first.

    Returns:
        The hashes, uint64 (N,). The bit of the mean is set for practically every image.

    Source:
        Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section
        3.2.1, with two changes (docs/experiments/0007-duplicates.md). Signs replace the comparison
        with the median, because mirroring an image then flips known bits. The lowest row and
        column of frequencies are included, because they change least with the framing.
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
    """Compute the hashes of the mirrored images: odd horizontal frequencies change their sign."""
    odd = np.tile(np.arange(_N_FREQUENCIES) % 2 == 1, _N_FREQUENCIES)
    return np.bitwise_xor(hashes, np.packbits(odd).view(np.uint64))


def later_close_ones(
    hashes: Hashes, others: Hashes, rows: range, max_distance: int
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Find the pairs of hashes that differ in few bits.

    Args:
        hashes: uint64 (N,).
        others: uint64 (N,), other hashes of the same images.
        rows: The rows of `hashes` to compare.
        max_distance: Largest number of bits in which a pair may differ.

    Yields:
        Each row with close hashes, and the later rows of `others` close to it, int64 (P,).
    """
    # One row at a time in the same buffers, which stay in the processor's cache: three times as
    # fast as larger blocks.
    differing = np.empty(len(hashes), np.uint64)
    distances = np.empty(len(hashes), np.uint8)
    for row in rows:
        later = others[row + 1 :]
        bits, counts = differing[: len(later)], distances[: len(later)]
        np.bitwise_xor(later, hashes[row], out=bits)
        np.bitwise_count(bits, out=counts)
        close = np.flatnonzero(counts <= max_distance)
        if len(close):
            yield row, close + (row + 1)
