"""Commands whose libraries are optional."""

import importlib.util

from emolens.core.errors import MissingExtraError

_TRAIN_PACKAGES = (
    *("torch", "torchvision", "timm", "lightning", "onnx", "onnxscript"),
    *("tensorboard", "pandas", "matplotlib"),
)


def require_training(feature: str) -> None:
    """Raise `MissingExtraError` unless everything that `emolens.training` imports is installed."""
    for package in _TRAIN_PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(feature, "train", package)
