"""The order of the stages and their state."""

from emolens.pipeline.analyzer import ImageAnalyzer

__all__ = ["ImageAnalyzer"]
