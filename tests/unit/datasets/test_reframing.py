import numpy as np
import pytest

from emolens.datasets.reframing import THUMBNAIL_PX, Reframing, mirrored
from emolens.datasets.same_photograph import thumbnail_of
from tests.drawings import drawn_face

THUMBNAIL = thumbnail_of(drawn_face(0))


def test_no_change_changes_nothing() -> None:
    assert (Reframing().apply(THUMBNAIL) == THUMBNAIL).all()


def test_a_square_to_the_right_and_below_shows_what_is_there() -> None:
    moved = Reframing(right_px=2, down_px=3).apply(THUMBNAIL)
    assert (moved[:-3, :-2] == THUMBNAIL[3:, 2:]).all()
    assert (moved[:-3, -1] == THUMBNAIL[3:, -1]).all()  # the border repeats


def test_a_larger_square_shows_everything_smaller() -> None:
    image = np.zeros((THUMBNAIL_PX, THUMBNAIL_PX), np.uint8)
    image[6:18, 6:18] = 200
    shown = (Reframing(zoom=1.5).apply(image) > 100).sum()
    assert shown == (12 / 1.5) ** 2


@pytest.mark.parametrize(
    "reframing", [Reframing(), Reframing(0.87, 2, -2), Reframing(1.15, -2, 0, is_mirrored=True)]
)
def test_the_mirror_image_of_a_reframing_gives_the_mirror_image(reframing: Reframing) -> None:
    # Bilinear weights are rounded to 1/32, on the other side for a mirrored image.
    plain = reframing.apply(THUMBNAIL).astype(int)
    other = reframing.mirror_image.apply(THUMBNAIL).astype(int)
    assert np.abs(other - mirrored(plain.astype(np.uint8))).max() <= 4
    assert reframing.mirror_image.mirror_image == reframing
