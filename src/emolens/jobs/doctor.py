"""What is installed, what really runs, and whether it is sound."""

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
    *("numpy", "opencv-python", "av", "onnxruntime", "trackers", "pillow", "scikit-learn"),
    *("pyarrow", "plotly"),
)
_TRAIN_PACKAGES = ("torch", "torchvision", "timm", "lightning", "onnx")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    Attributes:
        findings: What was looked at, and what it is like.
        broken: Libraries that cannot be loaded.
        is_sound: Whether everything that is needed works.
    """

    findings: dict[str, str]
    broken: tuple[BrokenLibraryError, ...]
    is_sound: bool


def diagnose() -> Diagnosis:
    """Look at versions, devices, model files, camera and video support; nothing is switched on."""
    broken = tuple(broken_libraries())
    findings = {
        "emolens": emolens.__version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "cpu cores": str(os.cpu_count()),
        "inference device": _ask(_devices),
        "telemetry of ONNX Runtime": _ask(_telemetry),
        **{package: _version(package) for package in (*_BASE_PACKAGES, *_TRAIN_PACKAGES)},
        "ffmpeg in PyAV": _ask(_pyav_ffmpeg),
        "ffmpeg in OpenCV": _ask(_opencv_ffmpeg),
        "camera": _ask(_cameras),
        "screen for windows": _ask(_screen),
    }
    is_sound = not broken
    chosen = find_model(DEFAULT_ALIAS, "detector")
    findings["default detector"] = (
        f"{chosen.name}, installed" if chosen.is_installed else f"{chosen.name}, not installed"
    )
    for model in known_models():
        try:
            model.read()
            findings[f"model {model.name}"] = f"sound, SHA-256 {model.sha256}"
        except ModelError as error:
            if model.is_installed or not model.is_optional or model is chosen:
                is_sound = False
            findings[f"model {model.name}"] = str(error)
    return Diagnosis(findings, broken, is_sound)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _ask(question: Callable[[], str]) -> str:
    """The answer, as far as the libraries that it needs can be loaded."""
    try:
        with explaining_imports():
            return question()
    except BrokenLibraryError:
        return "unknown: a library cannot be loaded"


# These import what they ask, so that the others are answered where it cannot be loaded.


def _devices() -> str:
    from emolens.runtime.session import inference_devices  # noqa: PLC0415

    return ", ".join(inference_devices())


def _telemetry() -> str:
    from emolens.runtime.ort import telemetry_state  # noqa: PLC0415

    return telemetry_state()


def _opencv_ffmpeg() -> str:
    import cv2  # noqa: PLC0415

    found = re.search(r"FFMPEG:\s+(\w+)", cv2.getBuildInformation())
    return found.group(1).lower() if found else "unknown"


def _pyav_ffmpeg() -> str:
    """The version that reads and records video, and whether it can record."""
    from emolens.imaging.pyav import av  # noqa: PLC0415

    codec = "libx264" if "libx264" in av.codecs_available else "no libx264, so no recording"
    return f"{av.ffmpeg_version_info}, {codec}"


def _cameras() -> str:
    """Devices only; opening one would switch its light on."""
    from emolens.media.camera_source import find_cameras  # noqa: PLC0415

    devices = find_cameras()
    if devices is None:
        return "not looked for on this system"
    return ", ".join(devices) or "none"


def _screen() -> str:
    from emolens.media.window import has_screen  # noqa: PLC0415

    return "yes" if has_screen() else "none"


@dataclass(frozen=True, slots=True)
class ModelFinding:
    """What the file of a model is like.

    Attributes:
        text: In words.
        error: What is wrong with it, or None.
    """

    text: str
    error: ModelError | None = None


def check_model(model: KnownModel) -> ModelFinding:
    """Check the SHA-256 of a model's file, and load it if it is one of emolens's own."""
    if not model.is_installed and model.is_optional:
        return ModelFinding(f"{model.name}: not installed")
    from emolens.runtime.model_file import (  # noqa: PLC0415 (doctor works without it)
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
    return ModelFinding(f"{model.name}: sound, SHA-256 {model.sha256}")
