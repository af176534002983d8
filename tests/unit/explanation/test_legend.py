import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.explanation import ActivationMaps, MapKind, OcclusionMaps
from emolens.explanation.legend import full_scale, legend
from emolens.explanation.placement import even_centers
from tests.unit.explanation.models import UNIFORM


def maps(peak: float) -> OcclusionMaps:
    cells = np.zeros((7, 3, 3), np.float32)
    cells[Emotion.HAPPY.index, 2, 1] = peak
    return OcclusionMaps(cells, UNIFORM, even_centers(3))


def test_one_scale_for_all_faces_in_whole_points() -> None:
    happy, sad = Emotion.HAPPY, Emotion.SAD
    shown = [(maps(0.123), happy), (maps(0.372), happy), (maps(0.9), sad)]
    assert full_scale(shown) == 0.38
    assert full_scale([(maps(0.37), happy)]) == 0.37
    assert full_scale([(maps(-0.4), happy)]) == OcclusionMaps.least_scale


def test_activation_maps_have_no_common_scale() -> None:
    one = ActivationMaps(np.ones((7, 3, 3), np.float32), UNIFORM, even_centers(3))
    assert full_scale([(one, Emotion.HAPPY)]) is None
    assert full_scale([]) is None
    told = legend(MapKind.ACTIVATION, Emotion.HAPPY, None)
    assert (told.text, told.low, told.high) == ("evidence for happy", "none", "most")


def test_the_legend_tells_unit_scale_and_agreement() -> None:
    told = legend(MapKind.OCCLUSION, Emotion.HAPPY, 0.38, note="In 7 of 10 faces.")
    assert str(told) == (
        "Drop of the probability of happy when the region is blurred, in percentage points "
        "(a region is 2/3 of the face wide and 1/3 high), from 0 (dark) to 38 points (light)"
    )
    assert told.note == "In 7 of 10 faces."
    # A map below the smallest scale gets the caption.
    assert told.flat_below * 0.38 == pytest.approx(OcclusionMaps.least_scale)
    assert "the class" in legend(MapKind.OCCLUSION, None, 0.38).text
