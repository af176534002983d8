"""Class-activation maps of faces and tests of their faithfulness."""

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
