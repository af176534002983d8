"""A check of the installation: versions, devices, model files, camera and video support."""

import contextlib
import importlib.metadata
import os
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass

import emolens
from emolens.core.errors import BrokenLibraryError, ModelError
from emolens.core.libraries import broken_libraries, explaining_imports
from emolens.runtime.catalogue import DEFAULT_ALIAS, KnownModel, find_model, known_models

_BASE_PACKAGES = (
    *("numpy", "opencv-python", "av", "onnxruntime", "trackers", "pillow"),
    *("pyarrow", "scipy"),
)
# The same library in other packages, such as the one without windows in containers.
_ALTERNATIVES = {"opencv-python": ("opencv-python-headless", "opencv-contrib-python")}
_TRAIN_PACKAGES = ("torch", "torchvision", "timm", "lightning", "onnx")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of the check.

    Attributes:
        findings: The name and result of each check.
        broken: Errors of libraries that cannot be loaded.
        is_sound: Whether all required components work.
    """

    findings: dict[str, str]
    broken: tuple[BrokenLibraryError, ...]
    is_sound: bool


def diagnose() -> Diagnosis:
    """Check versions, devices, model files, camera and video support without opening a camera."""
    broken = tuple(broken_libraries())
    findings = {
        "emolens": emolens.__version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "cpu cores": str(os.cpu_count()),
        "inference device": _check(_devices),
        "telemetry of ONNX Runtime": _check(_telemetry),
        **dict(map(_version, (*_BASE_PACKAGES, *_TRAIN_PACKAGES))),
        "ffmpeg in PyAV": _check(_pyav_ffmpeg),
        "ffmpeg in OpenCV": _check(_opencv_ffmpeg),
        "camera": _check(_cameras),
        "screen for windows": _check(_screen),
    }
    is_sound = not broken
    default = find_model(DEFAULT_ALIAS, "detector")
    findings["default detector"] = (
        f"{default.name}, installed" if default.is_installed else f"{default.name}, not installed"
    )
    for model in known_models():
        try:
            model.read()
            findings[f"model {model.name}"] = f"OK, SHA-256 {model.sha256}"
        except ModelError as error:
            if model.is_installed or not model.is_optional or model is default:
                is_sound = False
            findings[f"model {model.name}"] = str(error)
    return Diagnosis(findings, broken, is_sound)


def _version(package: str) -> tuple[str, str]:
    """Return a package, or the installed one of its alternatives, and its version."""
    for name in (package, *_ALTERNATIVES.get(package, ())):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return name, importlib.metadata.version(name)
    return package, "not installed"


def _check(check: Callable[[], str]) -> str:
    """Return the result of a check, or `unknown` if a library that it needs cannot be loaded."""
    try:
        with explaining_imports():
            return check()
    except BrokenLibraryError:
        return "unknown: a library cannot be loaded"


# Each check imports its own library, so a broken one does not affect the others.


def _devices() -> str:
    from emolens.runtime.session import inference_devices

    return ", ".join(inference_devices())


def _telemetry() -> str:
    from emolens.runtime.ort import telemetry_state

    return telemetry_state()


def _opencv_ffmpeg() -> str:
    import cv2

    found = re.search(r"FFMPEG:\s+(\w+)", cv2.getBuildInformation())
    return found.group(1).lower() if found else "unknown"


def _pyav_ffmpeg() -> str:
    """Return the FFmpeg version that reads and records video, and whether it can record."""
    from emolens.imaging.pyav import av

    codec = "libx264" if "libx264" in av.codecs_available else "no libx264, so no recording"
    return f"{av.ffmpeg_version_info}, {codec}"


def _cameras() -> str:
    """List devices without opening them, which would switch on their light."""
    from emolens.media.camera_source import find_cameras

    devices = find_cameras()
    if devices is None:
        return "not detected on this system"
    return ", ".join(devices) or "none"


def _screen() -> str:
    from emolens.media.window import has_screen

    return "yes" if has_screen() else "none"


@dataclass(frozen=True, slots=True)
class ModelFinding:
    """The result of checking the file of a model.

    Attributes:
        text: The result in words.
        error: The error, or None.
    """

    text: str
    error: ModelError | None = None


def check_model(model: KnownModel) -> ModelFinding:
    """Verify the SHA-256 of a model file, and load it if it is a model of emolens."""
    if not model.is_installed and model.is_optional:
        return ModelFinding(f"{model.name}: not installed")
    from emolens.runtime.model_file import (
        load_emotion_model,
        load_landmark_model,
    )

    try:
        model.read()
        if model.kind == "emotion":
            load_emotion_model(model.name)
        if model.kind == "landmarks":
            load_landmark_model()
    except ModelError as error:
        return ModelFinding(str(error), error)
    return ModelFinding(f"{model.name}: OK, SHA-256 {model.sha256}")
