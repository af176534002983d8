"""Maps of the regions of a face that matter to a classifier, and tests of their faithfulness."""

from emolens.explanation.activation import ActivationExplainer, ActivationMaps
from emolens.explanation.maps import FaceExplainer, FaceMaps, MapKind
from emolens.explanation.occlusion import OcclusionExplainer, OcclusionMaps

__all__ = [
    "ActivationExplainer",
    "ActivationMaps",
    "FaceExplainer",
    "FaceMaps",
    "MapKind",
    "OcclusionExplainer",
    "OcclusionMaps",
    "activation",
    "agreement",
    "heat_layer",
    "legend",
    "placement",
    "places",
]
