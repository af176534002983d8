"""The meaning of the colours of maps: their unit, their scale and their measured agreement."""

import math
from collections.abc import Sequence

from emolens.core.emotion import Emotion
from emolens.explanation.maps import FaceMaps, MapKind
from emolens.explanation.occlusion import OcclusionMaps
from emolens.rendering.heatmap import HeatLegend


def full_scale(shown: Sequence[tuple[FaceMaps, Emotion]]) -> float | None:
    """Compute one scale for several maps.

    Args:
        shown: Maps of one kind with the classes that are shown.

    Returns:
        The largest drop of occlusion maps, rounded up to whole points and at least
        `OcclusionMaps.least_scale`; None for activation maps, whose unit cannot be compared between
        faces.
    """
    peaks = [maps.peak(emotion) for maps, emotion in shown if isinstance(maps, OcclusionMaps)]
    if not peaks:
        return None
    # Rounding errors must not add a point.
    return max(math.ceil(100 * max(peaks) - 1e-3) / 100, OcclusionMaps.least_scale)


def legend(
    kind: MapKind, emotion: Emotion | None, scale: float | None, *, note: str = ""
) -> HeatLegend:
    """Describe the colours of a plot.

    Args:
        kind: The kind of the maps.
        emotion: The class, or None for all seven.
        scale: `full_scale` of the maps.
        note: The measured agreement, `emolens.explanation.agreement.agreement_text`.
    """
    name = "the class" if emotion is None else emotion.label
    if kind is MapKind.OCCLUSION and scale is not None:
        return HeatLegend(
            f"drop of the probability of {name} when the region is blurred, in percentage points "
            "(a region is 2/3 of the face wide and 1/3 high)",
            low="0",
            high=f"{100 * scale:.0f} points",
            note=note,
            flat_below=OcclusionMaps.least_scale / scale,
            flat_text="no single region matters",
        )
    one_scale = ", one scale for all seven of a face" if emotion is None else ""
    return HeatLegend(f"evidence for {name}{one_scale}", note=note)
