"""Crops in, emotion scores out."""

from emolens.classification.onnx_classifier import OnnxEmotionClassifier
from emolens.classification.views import TenViewClassifier

__all__ = ["OnnxEmotionClassifier", "TenViewClassifier", "onnx_classifier"]
