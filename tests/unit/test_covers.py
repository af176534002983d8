import numpy as np
import pytest

from emolens.core.errors import InputError
from tests.covers import COVERS, Pixels, cover_face

LANDMARKS = np.array([[80, 80], [120, 80], [100, 105], [85, 125], [115, 125]], np.float32)
RIGHT_EYE, MOUTH = (80, 80), (125, 100)


def image() -> Pixels:
    rows, columns = np.indices((200, 200))
    stripes = 120 + 60 * ((rows + columns) // 3 % 2)
    return np.repeat(stripes[..., None], 3, axis=2).astype(np.uint8)


def changed(before: Pixels, after: Pixels) -> np.ndarray:
    return np.asarray((before.astype(int) != after).any(axis=2))


@pytest.mark.parametrize("kind", COVERS)
def test_a_cover_lies_where_it_should(kind: str) -> None:
    before = image()
    kept = before.copy()
    after = cover_face(before, LANDMARKS, kind, np.random.default_rng(0))
    np.testing.assert_array_equal(before, kept)
    assert after.shape == before.shape
    assert after.dtype == np.uint8
    where = changed(before, after)
    assert where[RIGHT_EYE[1], RIGHT_EYE[0]] == (kind == "sunglasses")
    assert where[MOUTH] == (kind not in {"sunglasses", "beard"})
    # The forehead stays free.
    assert not where[:50].any()
    assert 0.01 < where.mean() < 0.4


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_cover_turns_with_the_face(turn: int) -> None:
    before = np.ascontiguousarray(np.rot90(image(), turn))
    landmarks = LANDMARKS - 99.5
    for _ in range(turn):
        landmarks = np.stack([landmarks[:, 1], -landmarks[:, 0]], axis=1)
    after = cover_face(before, landmarks + 99.5, "scarf", np.random.default_rng(0))
    upright = cover_face(image(), LANDMARKS, "scarf", np.random.default_rng(0))
    same = changed(before, after) == np.rot90(changed(image(), upright), turn)
    assert same.mean() > 0.98


def test_a_face_at_the_edge_and_one_from_the_side() -> None:
    for shift in (-90, 90):
        cover_face(image(), LANDMARKS + shift, "hand", np.random.default_rng(0))
    profile = LANDMARKS.copy()
    profile[:, 0] = 100
    after = cover_face(image(), profile, "mask_blue", np.random.default_rng(0))
    assert changed(image(), after)[MOUTH]


def test_the_same_seed_gives_the_same_cover() -> None:
    one, two = (
        cover_face(image(), LANDMARKS, "mask_patterned", np.random.default_rng(3)) for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


def test_other_covers_are_refused() -> None:
    with pytest.raises(InputError, match="unknown cover 'veil'; allowed: mask_blue"):
        cover_face(image(), LANDMARKS, "veil", np.random.default_rng(0))
