"""Classification of face crops into emotion scores."""

from emolens.classification.onnx_classifier import OnnxEmotionClassifier
from emolens.classification.views import TenViewClassifier

__all__ = ["OnnxEmotionClassifier", "TenViewClassifier", "onnx_classifier"]
