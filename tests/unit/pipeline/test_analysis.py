from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest

import emolens
from emolens.core.errors import ConfigError


def test_a_loop_over_images_loads_the_models_once(
    astronaut: npt.NDArray[np.uint8], model_reads: Counter[str]
) -> None:
    for options in ({}, {"sideways": False}, {"detector_px": 320}, {"face_crops": True}):
        result = emolens.analyze(astronaut, model="labels-small", **options)
        assert len(result.faces) == 1
    assert max(model_reads.values(), default=0) <= 1


def test_a_detector_that_does_not_run_has_no_size(astronaut: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(ConfigError, match=r"detector_px .--detector-px. has no effect with face"):
        emolens.analyze(astronaut, face_crops=True, detector_px=320)
