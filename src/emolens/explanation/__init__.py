"""Where in a face the evidence for each class lies, and whether to believe it."""

from emolens.explanation.activation import ActivationExplainer, ActivationMaps, FaceExplainer

__all__ = [
    "ActivationExplainer",
    "ActivationMaps",
    "FaceExplainer",
    "activation",
    "heat_layer",
    "placement",
    "places",
]
