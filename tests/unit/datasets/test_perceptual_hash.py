import numpy as np
import pytest

from emolens.datasets import perceptual_hash
from emolens.datasets.perceptual_hash import later_close_ones, mirrored_hashes, perceptual_hashes
from emolens.datasets.reframing import Reframing
from emolens.datasets.same_photograph import thumbnail_of
from tests.drawings import drawn_face

THUMBNAILS = np.stack([thumbnail_of(drawn_face(seed)) for seed in range(30)])


def test_brightness_and_contrast_do_not_matter() -> None:
    paler = (60 + THUMBNAILS.astype(np.float64) / 2).astype(np.uint8)
    hashes = perceptual_hashes(THUMBNAILS, Reframing())
    distances = np.bitwise_count(hashes ^ perceptual_hashes(paler, Reframing()))
    assert distances.max() <= 3


def test_different_images_have_hashes_far_apart() -> None:
    hashes = perceptual_hashes(THUMBNAILS, Reframing())
    assert hashes.dtype == np.uint64
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None])
    assert distances[~np.eye(30, dtype=bool)].min() > 10


def test_mirrored_hashes_are_those_of_mirrored_images() -> None:
    hashes = perceptual_hashes(THUMBNAILS, Reframing())
    expected = perceptual_hashes(np.ascontiguousarray(THUMBNAILS[:, :, ::-1]), Reframing())
    # A frequency next to nothing may fall on either side of zero.
    assert np.bitwise_count(mirrored_hashes(hashes) ^ expected).max() <= 1
    assert (mirrored_hashes(mirrored_hashes(hashes)) == hashes).all()


def test_a_reframed_image_has_the_hash_of_the_reframing() -> None:
    reframing = Reframing(1.15, 2, 0)
    moved = np.stack([reframing.apply(thumbnail) for thumbnail in THUMBNAILS])
    of_moved = perceptual_hashes(moved, Reframing())
    assert (of_moved == perceptual_hashes(THUMBNAILS, reframing)).all()


def test_pieces_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = perceptual_hashes(THUMBNAILS, Reframing())
    monkeypatch.setattr(perceptual_hash, "_IMAGES_AT_ONCE", 7)
    assert (perceptual_hashes(THUMBNAILS, Reframing()) == whole).all()


@pytest.mark.parametrize("max_distance", [0, 3, 20])
def test_close_ones_are_those_that_a_plain_count_finds(max_distance: int) -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 1 << 12, 200, np.uint64)  # few bits, so that many are close
    others = hashes ^ np.uint64(1)
    found = {
        (row, behind)
        for row, close in later_close_ones(hashes, others, range(50, 120), max_distance)
        for behind in close.tolist()
    }
    expected = {
        (row, behind)
        for row in range(50, 120)
        for behind in range(row + 1, 200)
        if (int(hashes[row]) ^ int(others[behind])).bit_count() <= max_distance
    }
    assert found == expected
    assert found
