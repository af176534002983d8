"""Maps of the seven classes over a face, of any kind."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.core.errors import InputError
from emolens.core.ports import EmotionClassifier
from emolens.core.records import ArrayRecord
from emolens.explanation.placement import Centers, Floats


class MapKind(StrEnum):
    """The kinds of maps."""

    OCCLUSION = "occlusion"
    """How much the probability of a class drops when a region of the face is blurred."""
    ACTIVATION = "activation"
    """The evidence for a class in the last feature map of the network: a class-activation map, or
    Grad-CAM for a checkpoint."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceMaps(ArrayRecord, ABC):
    """Maps of each class over one face.

    Attributes:
        maps: float32 (7, n, n), in the order of `Emotion`, rows from the top, read-only. Positive
            for the class and negative against it, in the unit of the kind.
        scores: Probabilities that the maps explain.
        centers: Centres of the n rows and of the n columns, as fractions of the side of the face
            (0 is the upper or left edge, 1 the lower or right one).
    """

    kind: ClassVar[MapKind]
    least_scale: ClassVar[float]
    """The smallest full scale: weaker maps stay dark, so that noise does not glow."""

    maps: Floats
    scores: EmotionScores
    centers: Centers

    def __post_init__(self) -> None:
        maps = np.array(self.maps, np.float32)
        n_cells = len(self.centers)
        if n_cells < 1 or maps.shape != (N_EMOTIONS, n_cells, n_cells):
            raise InputError(
                f"maps with {n_cells} centres must have the shape ({N_EMOTIONS}, {n_cells}, "
                f"{n_cells}); got {maps.shape}"
            )
        if not np.isfinite(maps).all():
            raise InputError(f"{self.kind} maps must be finite; the network returned inf or nan")
        maps.setflags(write=False)
        object.__setattr__(self, "maps", maps)

    @abstractmethod
    def evidence(self, size_px: int) -> Floats:
        """Resize the signed maps to the size of a face: float32 (7, size_px, size_px)."""

    def heat_map(
        self, emotion: Emotion, size_px: int, *, full_scale: float | None = None
    ) -> Floats:
        """Compute the heat map of one class.

        The map is resized, clipped at 0 and divided by the full scale.

        Args:
            emotion: The class.
            size_px: Side of the result in pixels.
            full_scale: The value that becomes 1, in the unit of the maps; by default the maximum
                of the map, at least `least_scale`. Compare classes with `heat_maps`.

        Returns:
            float32 (size_px, size_px), 0..1; all 0 without evidence for the class.
        """
        return self._heat(self.evidence(size_px)[emotion.index], full_scale)

    def heat_maps(self, size_px: int, *, full_scale: float | None = None) -> Floats:
        """Compute the heat maps of all classes, on one scale; equal brightness is equal evidence.

        Args:
            size_px: Side of the result in pixels.
            full_scale: As in `heat_map`; by default the maximum of all seven.

        Returns:
            float32 (7, size_px, size_px), 0..1; all 0 without evidence for any class.
        """
        return self._heat(self.evidence(size_px), full_scale)

    def _heat(self, evidence: Floats, full_scale: float | None) -> Floats:
        positive = np.maximum(evidence, 0)
        scale = full_scale or max(float(positive.max()), self.least_scale)
        return np.minimum(positive / scale, 1) if scale > 0 else positive


class FaceExplainer(EmotionClassifier, Protocol):
    """A classifier that also explains its predictions with maps."""

    def explain(self, crops: Sequence[npt.NDArray[np.uint8]]) -> Sequence[FaceMaps]:
        """Compute maps and scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, in their order."""
        ...
