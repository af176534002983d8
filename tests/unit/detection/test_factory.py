import pytest

from emolens.core.errors import ConfigError
from emolens.detection import DEFAULT_DETECTOR, DETECTOR_NAMES, CenterFaceDetector, build_detector


def test_the_default_needs_no_download() -> None:
    assert DEFAULT_DETECTOR == "centerface"
    assert isinstance(build_detector(), CenterFaceDetector)


def test_a_detector_carries_the_name_it_is_asked_for_by() -> None:
    assert build_detector("centerface").name == "centerface"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'haar'; allowed: centerface, yunet"):
        build_detector("haar")
    assert DETECTOR_NAMES == ("centerface", "yunet")


def test_options_are_handed_on() -> None:
    with pytest.raises(ConfigError, match="min_score"):
        build_detector("centerface", min_score=0.0)
    with pytest.raises(ConfigError, match="long_side_px"):
        build_detector("centerface", long_side_px=0)
    with pytest.raises(ConfigError, match="min_score"):
        build_detector("yunet", min_score=0.0)
    with pytest.raises(ConfigError, match="long_side_px"):
        build_detector("yunet", long_side_px=0)
