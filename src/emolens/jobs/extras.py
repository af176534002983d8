"""Requirements of optional features: their packages, and temporary caches."""

import atexit
import functools
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from emolens.core.errors import MissingExtraError, OutputError

_TRAIN_PACKAGES = (
    *("torch", "torchvision", "timm", "lightning", "onnx", "onnxscript"),
    *("tensorboard", "tomli_w", "pandas", "matplotlib"),
)

_REPORT_PACKAGES = ("pandas", "seaborn")
_SERVER_PACKAGES = (
    *("fastapi", "uvicorn", "httptools", "websockets", "prometheus_client", "python_multipart"),
)

# A fontconfig configuration without font folders. matplotlib also reads the system's font folders.
_FONTS: Final = "<fontconfig><cachedir>{folder}</cachedir></fontconfig>\n"


def require_training(feature: str) -> None:
    """Raise `MissingExtraError` unless all packages of `emolens.training` are installed."""
    _require(_TRAIN_PACKAGES, feature, "train")


def require_gradcam(feature: str) -> None:
    """Raise `MissingExtraError` unless all packages for Grad-CAM of checkpoints are installed."""
    _require((*_TRAIN_PACKAGES, "captum"), feature, "train")


def require_report(feature: str) -> None:
    """Raise `MissingExtraError` unless all packages for reports with plots are installed."""
    _require(_REPORT_PACKAGES, feature, "report")


def require_server(feature: str) -> None:
    """Raise `MissingExtraError` unless all packages of `emolens.server` are installed."""
    _require(_SERVER_PACKAGES, feature, "serve")


def _require(packages: tuple[str, ...], feature: str, extra: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(feature, extra, package)
    _keep_caches_out_of_home()


@functools.cache
def _keep_caches_out_of_home() -> None:
    """Put the caches of matplotlib and torch in a temporary folder, removed at exit.

    Folders set in environment variables are kept.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="emolens-"))
        fonts = folder / "fonts.conf"
        fonts.write_text(_FONTS.format(folder=folder), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot write a temporary folder: {error.strerror}. Free some space, or name another "
            "folder in the variable TMPDIR."
        ) from error
    os.environ.setdefault("FONTCONFIG_FILE", str(fonts))
    os.environ.setdefault("MPLCONFIGDIR", str(folder))
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    atexit.register(_remove, folder, os.getpid())


def _remove(folder: Path, owner: int) -> None:
    """Remove the caches, except in a forked process, whose parent still uses them."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
