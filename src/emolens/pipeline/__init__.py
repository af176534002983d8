"""The order of the stages and their state."""

from emolens.pipeline.analyzer import ImageAnalyzer, analyze

__all__ = ["ImageAnalyzer", "analyze"]
