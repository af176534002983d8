"""Where the cells of a network's last map lie in the face, and maps brought to a face's size.

A map of 3 x 3 cells is not three equal parts of a face. A convolution with stride 2 and a border of
zeros looks at the pixels 0, 2, 4, ..., so after a stride of 16 the cells of a 48 px face are
centred on the pixels 0, 16 and 32 (Dumoulin and Visin 2016, "A guide to convolution arithmetic for
deep learning"); spread evenly, at 8, 24 and 40, a mouth's evidence would be drawn beside the mouth.
The patches of a Vision Transformer are equal parts. docs/experiments/0008-activation-maps.md has
what the difference is worth.
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

# Each cell's weight is a bell around its centre, with this part of a cell as standard deviation:
# narrow enough that a cell keeps its place, wide enough that no edges show.
_BELL = 0.5
_N_EMPTY = 4
# Smooth random images that ask a model where its cells are; more change nothing.
_N_PROBES = 8
_PROBE_BLUR = 1 / 16
_PROBE_MEAN, _PROBE_STD = 128.0, 60.0


def even_centers(n_cells: int) -> Centers:
    """Centres of cells that are equal parts of a side, as parts of it: (i + 1/2) / n."""
    return tuple((index + 0.5) / n_cells for index in range(n_cells))


def strided_centers(n_cells: int, size_px: int) -> Centers:
    """Centres of the cells of a convolutional network, as parts of the face's side.

    Args:
        n_cells: Cells along a side of the map.
        size_px: Side of the network's input.

    Returns:
        The middles of the pixels 0, s, 2 s, ..., s being the power of two that makes `n_cells` out
        of `size_px`; `even_centers` where there is none.
    """
    strides = (2**power for power in range(size_px.bit_length() + 1))
    stride = next((s for s in strides if math.ceil(size_px / s) == n_cells), None)
    if stride is None:
        return even_centers(n_cells)
    return tuple((index * stride + 0.5) / size_px for index in range(n_cells))


def find_centers(
    answer: Callable[[Sequence[npt.NDArray[np.uint8]]], Floats], size_px: int
) -> Centers:
    """Ask a model where its cells lie: the map of a mirrored face has to be the mirrored map.

    That holds for models that learnt from faces and their mirror images, as all of ours do. One
    that tells left from right can be misjudged; then name the centres yourself.

    Args:
        answer: Gives maps float32 (N, 7, n, n) of uint8 (S, S) faces.
        size_px: S.

    Returns:
        `strided_centers` or `even_centers`, whichever lets the maps of smooth random images and
        of their mirror images agree more.
    """
    probes = _probes(size_px)
    maps = answer(probes + [np.ascontiguousarray(probe[:, ::-1]) for probe in probes])
    n_cells = maps.shape[-1]
    candidates = (strided_centers(n_cells, size_px), even_centers(n_cells))
    return max(candidates, key=lambda centers: _mirror_agreement(maps, centers, size_px))


def resize_maps(maps: Floats, centers: Centers, size_px: int) -> Floats:
    """Bring maps to a face's size, smoothly.

    A pixel is the weighted mean of the cells around it. Beyond the outermost cells the map fades
    to 0, since no cell looks there in the first place.

    Args:
        maps: float32 (..., n, n).
        centers: Where the n rows, and likewise columns, are centred, as parts of the side.
        size_px: Side of the result.

    Returns:
        float32 (..., size_px, size_px), linear in the maps and nowhere beyond their extremes and 0.

    Raises:
        InputError: `size_px` is below 1, or there is not one centre a row and column.
    """
    n_cells = len(centers)
    if maps.shape[-2:] != (n_cells, n_cells):
        raise InputError(
            f"maps of {n_cells} centres must have the shape (..., {n_cells}, {n_cells}), "
            f"got {maps.shape}"
        )
    if size_px < 1:
        raise InputError(f"the side of a map must be at least 1 px, got {size_px}")
    weights = spreading(centers, size_px)
    return np.asarray(weights @ maps @ weights.T, np.float32)


@lru_cache(maxsize=16)
def spreading(centers: Centers, size_px: int) -> Floats:
    """How much each of n cells adds to each pixel of a side: float32 (size_px, n).

    The sum of a row is 0..1. With W for it, `resize_maps` gives W map W^T.
    """
    n_cells = len(centers)
    spacing = 1.0 if n_cells == 1 else centers[1] - centers[0]
    # The grid goes on with empty cells, far enough that no pixel notices its end.
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
    """Correlation of the first half of the maps with the mirrored second half."""
    # What a row has on the average of all images is alike under any placement.
    varying = maps - maps.mean(axis=(0, 3), keepdims=True)
    plain, mirrored = np.split(resize_maps(varying, centers, size_px).astype(np.float64), 2)
    turned = mirrored[..., ::-1]
    size = math.sqrt(float((plain**2).sum() * (turned**2).sum()))
    return float((plain * turned).sum()) / size if size > 0 else 0.0
