"""Analysis pipelines for images and streams."""

from emolens.pipeline.analysis import analyze
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.models import Models

__all__ = [
    "ImageAnalyzer",
    "Models",
    "analyze",
    "analyzer",
    "framed_face",
    "latency",
    "models",
    "outputs",
    "provenance",
    "runner",
    "sample_framing",
    "speed",
    "stream",
    "stream_settings",
]
