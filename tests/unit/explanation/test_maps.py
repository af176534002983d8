import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.explanation import FaceMaps, OcclusionMaps
from emolens.explanation.placement import even_centers
from tests.unit.explanation.models import UNIFORM

CENTERS = even_centers(3)
# A pixel lies at the centre of each cell.
SIZE = 33


def drops(**by_label: float) -> OcclusionMaps:
    """Maps with one drop per class, in the middle cell."""
    maps = np.zeros((7, 3, 3), np.float32)
    for label, drop in by_label.items():
        maps[Emotion.from_label(label).index, 1, 1] = drop
    return OcclusionMaps(maps, UNIFORM, CENTERS)


def test_maps_have_a_kind() -> None:
    with pytest.raises(TypeError, match="abstract"):
        FaceMaps(np.zeros((7, 3, 3), np.float32), UNIFORM, CENTERS)  # type: ignore[abstract]


def test_a_weak_map_stays_dark_by_the_smallest_scale() -> None:
    least = OcclusionMaps.least_scale
    weak, strong = (drops(happy=drop) for drop in (least / 5, 5 * least))
    heats = [maps.heat_map(Emotion.HAPPY, SIZE).max() for maps in (weak, strong)]
    np.testing.assert_allclose(heats, [0.2, 1], atol=1e-6)


def test_a_given_scale_is_the_same_for_every_class_and_cuts_what_exceeds_it() -> None:
    maps = drops(happy=0.5, sad=0.1)
    assert maps.heat_map(Emotion.SAD, SIZE, full_scale=0.4).max() == pytest.approx(0.25)
    assert maps.heat_map(Emotion.HAPPY, SIZE, full_scale=0.4).max() == 1
    together = maps.heat_maps(SIZE, full_scale=0.4)
    assert together[Emotion.SAD.index].max() == pytest.approx(0.25)


def test_what_makes_a_class_more_probable_is_not_shown() -> None:
    assert not drops(happy=-0.5).heat_map(Emotion.HAPPY, SIZE).any()
