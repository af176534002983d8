from pathlib import Path

import pytest

from emolens.core.errors import ConfigError, ModelError
from emolens.detection import DEFAULT_DETECTOR, DETECTOR_NAMES, build_detector


def test_the_default_needs_no_download() -> None:
    assert DEFAULT_DETECTOR == "centerface"
    assert build_detector().name == "centerface"


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


def test_a_path_stands_for_a_copy_of_yunet_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "yunet.onnx"
    with pytest.raises(ModelError, match="no such file"):
        build_detector(str(path))
    path.write_bytes(b"another model")
    with pytest.raises(ModelError, match="is not the model yunet"):
        build_detector(str(path))


@pytest.mark.parametrize("detector_px", [0, -640, 127, 16385, 640.0, "640", True])
def test_the_input_must_be_a_whole_number_in_range(detector_px: object) -> None:
    with pytest.raises(ConfigError, match=r"detector_px.* 128 to 16384"):
        build_detector("centerface", long_side_px=detector_px)  # type: ignore[arg-type]
