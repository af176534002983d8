"""Positions of the cells of an activation map in the face, and resizing of maps.

The cells of a 3 x 3 map are not equal parts of the face. A convolution with stride 2 and zero
padding is centred on the pixels 0, 2, 4, ... After a total stride of 16, the cells of a 48 px face
are centred on the pixels 0, 16 and 32 (Dumoulin and Visin 2016, "A guide to convolution arithmetic
for deep learning"). With equal parts, centred on 8, 24 and 40, the evidence of a mouth would be
drawn beside the mouth. The patches of a Vision Transformer are equal parts.
docs/experiments/0008-activation-maps.md measures the difference.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError

Centers = tuple[float, ...]
Floats = npt.NDArray[np.float32]

# Standard deviation of the Gaussian weight of a cell, as a fraction of the cell: narrow enough to
# keep its position, wide enough to hide its edges.
_BELL = 0.5
_N_EMPTY = 4
# Number of smooth random images for `find_centers`; more do not change the result.
_N_PROBES = 8
_PROBE_BLUR = 1 / 16
_PROBE_MEAN, _PROBE_STD = 128.0, 60.0


def even_centers(n_cells: int) -> Centers:
    """Compute the centres of n equal cells, as fractions of the side: (i + 1/2) / n."""
    return tuple((index + 0.5) / n_cells for index in range(n_cells))


def strided_centers(n_cells: int, size_px: int) -> Centers:
    """Compute the centres of the cells of a convolutional network, as fractions of the side.

    Args:
        n_cells: Cells along a side of the map.
        size_px: Side of the network's input.

    Returns:
        The centres of the pixels 0, s, 2 s, ... for the power of two s that reduces `size_px` to
        `n_cells`; `even_centers` if there is none.
    """
    strides = (2**power for power in range(size_px.bit_length() + 1))
    stride = next((s for s in strides if math.ceil(size_px / s) == n_cells), None)
    if stride is None:
        return even_centers(n_cells)
    return tuple((index * stride + 0.5) / size_px for index in range(n_cells))


def find_centers(
    compute_maps: Callable[[Sequence[npt.NDArray[np.uint8]]], Floats], size_px: int
) -> Centers:
    """Estimate the centres of a model's cells from the symmetry of maps under mirroring.

    The method assumes a model trained with mirror images, as all models of emolens are. For a model
    that distinguishes left from right, set the centres explicitly.

    Args:
        compute_maps: Function from uint8 (S, S) faces to maps float32 (N, 7, n, n).
        size_px: Side S.

    Returns:
        `strided_centers` or `even_centers`, whichever gives the higher agreement between the maps
        of smooth random images and those of their mirror images.
    """
    probes = _probes(size_px)
    maps = compute_maps(probes + [np.ascontiguousarray(probe[:, ::-1]) for probe in probes])
    n_cells = maps.shape[-1]
    candidates = (strided_centers(n_cells, size_px), even_centers(n_cells))
    return max(candidates, key=lambda centers: _mirror_agreement(maps, centers, size_px))


def resize_maps(maps: Floats, centers: Centers, size_px: int) -> Floats:
    """Resize maps smoothly to the size of a face.

    A pixel is the weighted mean of the cells around it. Beyond the outermost cells, which no
    receptive field is centred on, the map fades to 0.

    Args:
        maps: float32 (..., n, n).
        centers: Centres of the n rows and of the n columns, as fractions of the side.
        size_px: Side of the result.

    Returns:
        float32 (..., size_px, size_px), linear in the maps, within the range of the maps and 0.

    Raises:
        InputError: `size_px` is below 1, or the number of centres differs from that of the cells.
    """
    n_cells = len(centers)
    if maps.shape[-2:] != (n_cells, n_cells):
        raise InputError(
            f"maps with {n_cells} centres must have the shape (..., {n_cells}, {n_cells}); "
            f"got {maps.shape}"
        )
    if size_px < 1:
        raise InputError(f"size_px must be at least 1; got {size_px}")
    weights = spreading(centers, size_px)
    return np.asarray(weights @ maps @ weights.T, np.float32)


@lru_cache(maxsize=16)
def spreading(centers: Centers, size_px: int) -> Floats:
    """Compute the weight W of each of n cells in each pixel of a side: float32 (size_px, n).

    Rows add up to 0..1. `resize_maps` returns W map W^T.
    """
    n_cells = len(centers)
    spacing = 1.0 if n_cells == 1 else centers[1] - centers[0]
    # Enough empty cells around the grid that its end has no effect on any pixel.
    grid = centers[0] + spacing * np.arange(-_N_EMPTY, n_cells + _N_EMPTY)
    pixels = (np.arange(size_px) + 0.5) / size_px
    bells = np.exp(-(((pixels[:, None] - grid) / (_BELL * spacing)) ** 2) / 2)
    shares = bells / bells.sum(axis=1, keepdims=True)
    weights = np.asarray(shares[:, _N_EMPTY : _N_EMPTY + n_cells], np.float32)
    weights.setflags(write=False)
    return weights


def _probes(size_px: int) -> list[npt.NDArray[np.uint8]]:
    noise = np.random.default_rng(0).normal(size=(_N_PROBES, size_px, size_px))
    smooth = [cv2.GaussianBlur(image, (0, 0), _PROBE_BLUR * size_px) for image in noise]
    scaled = [_PROBE_MEAN + _PROBE_STD * image / image.std() for image in smooth]
    return [np.clip(image, 0, 255).astype(np.uint8) for image in scaled]


def _mirror_agreement(maps: Floats, centers: Centers, size_px: int) -> float:
    """Compute the correlation of the first half of the maps with the mirrored second half."""
    # The mean of a row over all images has the same symmetry for any centres.
    varying = maps - maps.mean(axis=(0, 3), keepdims=True)
    plain, mirrored = np.split(resize_maps(varying, centers, size_px).astype(np.float64), 2)
    turned = mirrored[..., ::-1]
    size = math.sqrt(float((plain**2).sum() * (turned**2).sum()))
    return float((plain * turned).sum()) / size if size > 0 else 0.0
