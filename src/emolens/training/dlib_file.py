"""Weights of dlib's face-recognition ResNet, read from dlib's own file.

The file (`dlib_face_recognition_resnet_model_v1.dat`) is dlib's serialisation of a network. It
holds the versions of all layers, from the last to the first, and then the layers, from the first to
the last. Each layer has a name, settings and parameters.

Source:
    dlib 19.x, dlib/serialize.h and dlib/dnn (core.h, layers.h, tensor.h), for the formats of
    numbers, tensors and layers.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.errors import ConfigError

Floats = npt.NDArray[np.float32]

CONVOLUTIONS: Final = (
    "stem",
    *(f"block{number:02}.{place}" for number in range(14) for place in ("first", "second")),
)
"""Names of the convolutions, the first one first."""

# The file has 22 MB. A larger tensor means that it is damaged.
_MAX_VALUES: Final = 100_000_000
_MAX_INTEGER_BYTES: Final = 8
_MAX_NAME_BYTES: Final = 64
_LAST_LAYER: Final = "fc"
_FIRST_LAYER_VERSION: Final = 3
# dlib encodes infinities and NaN as exponents from here on.
_FIRST_SPECIAL_EXPONENT: Final = 32000


class _Reader:
    """A cursor over dlib's numbers, names and tensors."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, n_bytes: int) -> bytes:
        part = self._content[self._at : self._at + n_bytes]
        if len(part) < n_bytes:
            raise ValueError(f"the file ends after {len(self._content):,} bytes")
        self._at += n_bytes
        return part

    def integer(self) -> int:
        """Read an integer: a byte with sign and length, then the bytes in little-endian order."""
        (control,) = self.take(1)
        n_bytes = control & 0x0F
        if not 0 < n_bytes <= _MAX_INTEGER_BYTES or control & 0x70:
            raise ValueError(f"byte {self._at - 1} is not the start of a number")
        value = int.from_bytes(self.take(n_bytes), "little")
        return -value if control & 0x80 else value

    def float(self) -> float:
        """Read an integer mantissa and a power of two."""
        mantissa, exponent = self.integer(), self.integer()
        if exponent >= _FIRST_SPECIAL_EXPONENT:
            raise ValueError("a number is not finite")
        return math.ldexp(mantissa, exponent)

    def text(self) -> str:
        n_bytes = self.integer()
        if not 0 < n_bytes <= _MAX_NAME_BYTES:
            raise ValueError(f"byte {self._at - 1} is not the start of a name")
        return self.take(n_bytes).decode("ascii")

    def shape(self) -> tuple[int, ...]:
        """Read the version of the format and the four sides of a tensor."""
        self.integer()
        sides = tuple(self.integer() for _ in range(4))
        if min(sides) < 0 or math.prod(sides) > _MAX_VALUES:
            raise ValueError(f"a tensor has the shape {sides}")
        return sides

    def tensor(self) -> Floats:
        sides = self.shape()
        values = np.frombuffer(self.take(4 * math.prod(sides)), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError("a number is not finite")
        return values


def read_dlib_face_resnet(path: Path) -> dict[str, Floats]:
    """Read the convolutions, their scales and shifts, and the last layer.

    Args:
        path: The `.dat` file.

    Returns:
        Name to float32 array. `stem` and `block00.first`, `block00.second` to `block13.second` have
        `.weight` (out, in, h, w), `.bias`, `.gamma` and `.beta` (out,); `embedding.weight` is
        (128, 256).

    Raises:
        ConfigError: The file does not exist, or is another one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"network.weights: {path} cannot be read: {reason}") from error
    try:
        return _read(_Reader(content))
    except (ArithmeticError, LookupError, ValueError) as error:
        raise ConfigError(
            f"network.weights: {path} is not dlib's face-recognition ResNet: {error}. Use "
            "dlib_face_recognition_resnet_model_v1.dat from the package face_recognition_models."
        ) from error


def _read(reader: _Reader) -> dict[str, Floats]:
    _skip_versions(reader)
    weights: dict[str, Floats] = {}
    names = iter(CONVOLUTIONS)
    name = ""
    is_first = True
    while True:
        kind = reader.text().rstrip("_0123456789")
        if kind == "con":
            name = next(names, "")
            weights |= {f"{name}.{key}": value for key, value in _convolution(reader).items()}
        elif kind == "affine":
            gamma, beta = np.split(_scale(reader), 2)
            weights |= {f"{name}.gamma": gamma, f"{name}.beta": beta}
        elif kind == _LAST_LAYER:
            weights["embedding.weight"] = _fully_connected(reader)
            break
        else:
            _SETTINGS[kind](reader)
        _skip_state(reader, is_first=is_first)
        is_first = False
    if next(names, None) is not None or not name:
        raise ValueError(f"it does not have {len(CONVOLUTIONS)} convolutions and one dense layer")
    return weights


def _skip_versions(reader: _Reader) -> None:
    """Skip the loss and the versions of all layers; the first layer has another version."""
    reader.integer()
    reader.text()
    reader.float()
    reader.float()
    while reader.integer() != _FIRST_LAYER_VERSION:
        pass
    reader.text()
    # The mean of red, green and blue, and the size of images.
    for _ in range(3):
        reader.float()
    reader.integer()
    reader.integer()


def _skip_state(reader: _Reader, *, is_first: bool) -> None:
    """Skip the end of a layer: three flags and three tensors of its training."""
    reader.take(3)
    for _ in range(3):
        reader.tensor()
    if is_first:
        reader.integer()


def _convolution(reader: _Reader) -> dict[str, Floats]:
    values = reader.tensor()
    for _ in range(7):  # number and sides of the filters, strides, padding
        reader.integer()
    shape, bias_shape = reader.shape(), reader.shape()
    for _ in range(4):  # learning rates and weight decays
        reader.float()
    n_weights, n_biases = math.prod(shape), math.prod(bias_shape)
    if len(values) != n_weights + n_biases:
        raise ValueError(f"a convolution of shape {shape} has {len(values)} parameters")
    return {"weight": values[:n_weights].reshape(shape), "bias": values[n_weights:]}


def _scale(reader: _Reader) -> Floats:
    values = reader.tensor()
    reader.shape()
    reader.shape()
    reader.integer()
    return values


def _fully_connected(reader: _Reader) -> Floats:
    n_out, n_in = reader.integer(), reader.integer()
    # dlib stores one row per input.
    return reader.tensor().reshape(n_in, n_out).T.copy()


def _pooling(reader: _Reader) -> None:
    for _ in range(6):  # sides, strides, padding
        reader.integer()


def _nothing(_reader: _Reader) -> None:
    """Read a layer without settings."""


_SETTINGS: Final[Mapping[str, Callable[[_Reader], None]]] = {
    "relu": _nothing,
    "add_prev": _nothing,
    "max_pool": _pooling,
    "avg_pool": _pooling,
}
