"""`emolens doctor`: what is installed, what really runs, and whether it is sound."""

import importlib.metadata
import os
import platform
import re
from typing import Annotated

import cv2
import typer
from rich.markup import escape
from rich.table import Table

from emolens import __version__
from emolens.cli.terminal import PartialFailureError, stdout_console, write_json
from emolens.core.errors import ModelError
from emolens.media.camera_source import find_cameras
from emolens.media.jsonl_writer import STDOUT
from emolens.media.pyav import av
from emolens.media.window import has_screen
from emolens.runtime.catalogue import known_models
from emolens.runtime.ort import telemetry_state
from emolens.runtime.session import inference_devices

_BASE_PACKAGES = (
    *("numpy", "opencv-python", "av", "onnxruntime", "trackers", "pillow", "scikit-learn"),
    *("pyarrow", "plotly"),
)
_TRAIN_PACKAGES = ("torch", "torchvision", "timm", "lightning", "onnx")


def doctor(
    json: Annotated[
        str | None, typer.Option(help="Write the findings here as JSON; - is stdout.")
    ] = None,
) -> None:
    """Report versions, the device really used, model files, camera and video support."""
    findings = {
        "emolens": __version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "cpu cores": str(os.cpu_count()),
        "inference device": ", ".join(inference_devices()),
        "telemetry of ONNX Runtime": telemetry_state(),
        **{package: _version(package) for package in (*_BASE_PACKAGES, *_TRAIN_PACKAGES)},
        "ffmpeg in PyAV": _pyav_ffmpeg(),
        "ffmpeg in OpenCV": _opencv_ffmpeg(),
        "camera": _cameras(),
        "screen for windows": "yes" if has_screen() else "none",
    }
    broken = {}
    for model in known_models():
        try:
            model.read()
            findings[f"model {model.name}"] = f"sound, SHA-256 {model.sha256}"
        except ModelError as error:
            if model.path.exists() or not model.url:
                broken[model.name] = str(error)
            findings[f"model {model.name}"] = str(error)
    if json:
        write_json(json, findings)
    if json != STDOUT:
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, finding in findings.items():
            table.add_row(f"[bold]{escape(name)}[/]", escape(finding))
        stdout_console().print(table)
    if broken:
        raise PartialFailureError


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _opencv_ffmpeg() -> str:
    found = re.search(r"FFMPEG:\s+(\w+)", cv2.getBuildInformation())
    return found.group(1).lower() if found else "unknown"


def _pyav_ffmpeg() -> str:
    """The version that reads and records video, and whether it can record."""
    codec = "libx264" if "libx264" in av.codecs_available else "no libx264, so no recording"
    return f"{av.ffmpeg_version_info}, {codec}"


def _cameras() -> str:
    """Devices only; opening one would switch its light on."""
    devices = find_cameras()
    if devices is None:
        return "not looked for on this system"
    return ", ".join(devices) or "none"
