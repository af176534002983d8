"""Temporal smoothing of probabilities, labels and boxes."""

from emolens.smoothing.exponential import ExponentialSmoother
from emolens.smoothing.hysteresis import LabelHysteresis
from emolens.smoothing.one_euro import OneEuroBox

__all__ = ["ExponentialSmoother", "LabelHysteresis", "OneEuroBox"]
