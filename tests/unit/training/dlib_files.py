"""Writes files as dlib does, for tests of what reads them."""

import math
import struct
from collections.abc import Sequence

import numpy as np

from emolens.training.dlib_file import CONVOLUTIONS


def integer(value: int) -> bytes:
    size = max((abs(value).bit_length() + 7) // 8, 1)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def number(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integer(int(mantissa * 2**24)) + integer(exponent - 24)


def text(value: str) -> bytes:
    return integer(len(value)) + value.encode()


def shape(sides: Sequence[int]) -> bytes:
    return integer(2) + b"".join(integer(side) for side in sides)


def tensor(values: Sequence[float]) -> bytes:
    sides = (len(values), 1, 1, 1) if len(values) else (0, 0, 0, 0)
    return shape(sides) + struct.pack(f"<{len(values)}f", *values)


STATE = b"111" + 3 * tensor(())


def convolution(first: float, n: int = 2) -> bytes:
    """`n` filters of 1x1 for one channel, counting up from a value, and their biases."""
    values = np.arange(2 * n) + first
    settings = b"".join(integer(value) for value in (n, 1, 1, 1, 1, 0, 0))
    rates = b"".join(number(1.0) for _ in range(4))
    aliases = shape((n, 1, 1, 1)) + shape((1, n, 1, 1))
    return text("con_4") + tensor(values.tolist()) + settings + aliases + rates


def scale(gamma: Sequence[float], beta: Sequence[float]) -> bytes:
    one = shape((1, len(gamma), 1, 1))
    return text("affine_") + tensor([*gamma, *beta]) + one + one + integer(0)


def pooling(name: str) -> bytes:
    return text(name) + b"".join(integer(side) for side in (3, 3, 2, 2, 0, 0))


def face_file(n_convolutions: int = len(CONVOLUTIONS)) -> bytes:
    """A file with filters of 1x1: those of convolution N count up from N."""
    head = integer(1) + text("loss_metric_2") + number(0.04) + number(0.6)
    versions = integer(2) + integer(1) + integer(2) + integer(3)
    image = text("input_rgb_image_sized") + 3 * number(110.5) + 2 * integer(150)
    parts = [head, versions, image]
    for index in range(n_convolutions):
        extra = integer(1) if index == 0 else b""
        parts += [convolution(index) + STATE + extra, scale([1.5, -2.0], [0.25, 0.0]) + STATE]
        if index == 0:
            parts += [text("relu_") + STATE, pooling("max_pool_2") + STATE]
    parts += [text("add_prev_") + STATE, pooling("avg_pool_2") + STATE]
    last = text("fc_2") + integer(2) + integer(3) + tensor([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    return b"".join([*parts, last + shape((3, 2, 1, 1))])
