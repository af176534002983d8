import pytest

from emolens.core.errors import ConfigError
from emolens.pipeline.stream_settings import StreamSettings


def test_the_size_of_a_search_is_the_detectors_unless_chosen() -> None:
    assert StreamSettings().resolve_detector_px("centerface") == 640
    assert StreamSettings.for_live().resolve_detector_px("centerface") == 320
    assert StreamSettings(detector_px=1280).resolve_detector_px("centerface") == 1280


@pytest.mark.parametrize("wrong", [{"max_gap_s": 0.0}, {"min_confidence": 1.5}])
def test_values_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        StreamSettings(**wrong)  # type: ignore[arg-type]
