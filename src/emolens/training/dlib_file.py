"""Read the weights of dlib's face-recognition ResNet from the file that dlib itself wrote.

The file (`dlib_face_recognition_resnet_model_v1.dat`) is dlib's serialisation of a network: first
the version of every layer from the last to the first, then the layers themselves from the first to
the last, each with a name, its settings and its parameters.

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

# A file of this kind has 22 MB; one that says it holds more than this is damaged.
_MAX_VALUES: Final = 100_000_000
_MAX_INTEGER_BYTES: Final = 8
_MAX_NAME_BYTES: Final = 64
_LAST_LAYER: Final = "fc"
_FIRST_LAYER_VERSION: Final = 3
# dlib writes what cannot be a number as an exponent beyond those of numbers.
_FIRST_SPECIAL_EXPONENT: Final = 32000


class _Reader:
    """Takes dlib's numbers, names and tensors off a file's bytes, one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, n_bytes: int) -> bytes:
        part = self._content[self._at : self._at + n_bytes]
        if len(part) < n_bytes:
            raise ValueError("it ends too early")
        self._at += n_bytes
        return part

    def integer(self) -> int:
        """A byte with the sign and the number of bytes, then these, the lowest first."""
        (control,) = self.take(1)
        n_bytes = control & 0x0F
        if not 0 < n_bytes <= _MAX_INTEGER_BYTES or control & 0x70:
            raise ValueError(f"no number at byte {self._at - 1}")
        value = int.from_bytes(self.take(n_bytes), "little")
        return -value if control & 0x80 else value

    def float(self) -> float:
        """A whole number and the power of two that it is multiplied by."""
        mantissa, exponent = self.integer(), self.integer()
        if exponent >= _FIRST_SPECIAL_EXPONENT:
            raise ValueError("it holds a number that is not finite")
        return math.ldexp(mantissa, exponent)

    def text(self) -> str:
        n_bytes = self.integer()
        if not 0 < n_bytes <= _MAX_NAME_BYTES:
            raise ValueError(f"no name at byte {self._at - 1}")
        return self.take(n_bytes).decode("ascii")

    def shape(self) -> tuple[int, ...]:
        """Version of the format, then the four sides of a tensor."""
        self.integer()
        sides = tuple(self.integer() for _ in range(4))
        if min(sides) < 0 or math.prod(sides) > _MAX_VALUES:
            raise ValueError(f"a tensor of {sides}")
        return sides

    def tensor(self) -> Floats:
        sides = self.shape()
        values = np.frombuffer(self.take(4 * math.prod(sides)), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError("it holds a number that is not finite")
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
        ConfigError: There is no such file, or it is another one.
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
            f"network.weights: {path} is not dlib's face-recognition ResNet: {error}; the file is "
            "dlib_face_recognition_resnet_model_v1.dat of the package face_recognition_models"
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
            weights |= {f"{name}.{key}": of for key, of in _convolution(reader).items()}
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
        raise ValueError(f"it has other layers than {len(CONVOLUTIONS)} convolutions and one more")
    return weights


def _skip_versions(reader: _Reader) -> None:
    """The loss, then the version of every layer down to the first, which has another one."""
    reader.integer()
    reader.text()
    reader.float()
    reader.float()
    while reader.integer() != _FIRST_LAYER_VERSION:
        pass
    reader.text()
    # What is subtracted from red, green and blue, and the size of images.
    for _ in range(3):
        reader.float()
    reader.integer()
    reader.integer()


def _skip_state(reader: _Reader, *, is_first: bool) -> None:
    """What every layer has after its settings: three marks and three tensors of its training."""
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
        raise ValueError(f"a convolution of {shape} has {len(values)} numbers")
    return {"weight": values[:n_weights].reshape(shape), "bias": values[n_weights:]}


def _scale(reader: _Reader) -> Floats:
    values = reader.tensor()
    reader.shape()
    reader.shape()
    reader.integer()
    return values


def _fully_connected(reader: _Reader) -> Floats:
    n_out, n_in = reader.integer(), reader.integer()
    # dlib keeps a row for each input.
    return reader.tensor().reshape(n_in, n_out).T.copy()


def _pooling(reader: _Reader) -> None:
    for _ in range(6):  # sides, strides, padding
        reader.integer()


def _nothing(_reader: _Reader) -> None:
    """A layer without settings."""


_SETTINGS: Final[Mapping[str, Callable[[_Reader], None]]] = {
    "relu": _nothing,
    "add_prev": _nothing,
    "max_pool": _pooling,
    "avg_pool": _pooling,
}
