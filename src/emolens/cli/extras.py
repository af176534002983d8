"""Commands whose libraries are optional."""

import importlib.util

from emolens.core.errors import MissingExtraError

_TRAIN_PACKAGES = (
    *("torch", "torchvision", "timm", "lightning", "onnx", "onnxscript"),
    *("tensorboard", "pandas", "matplotlib"),
)

_REPORT_PACKAGES = ("pandas", "seaborn")


def require_training(feature: str) -> None:
    """Raise `MissingExtraError` unless everything that `emolens.training` imports is installed."""
    _require(_TRAIN_PACKAGES, feature, "train")


def require_gradcam(feature: str) -> None:
    """Raise `MissingExtraError` unless everything that Grad-CAM of checkpoints needs is there."""
    _require((*_TRAIN_PACKAGES, "captum"), feature, "train")


def require_report(feature: str) -> None:
    """Raise `MissingExtraError` unless everything that pages with plots need is installed."""
    _require(_REPORT_PACKAGES, feature, "report")


def _require(packages: tuple[str, ...], feature: str, extra: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(feature, extra, package)
