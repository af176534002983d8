"""Heat-map overlay on the faces of a stream."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceResult
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box, Framing
from emolens.explanation.activation import ActivationMaps, FaceExplainer
from emolens.imaging.exposure import crop_spread
from emolens.imaging.preprocess import to_gray
from emolens.imaging.turn import turn_for, turn_heat
from emolens.rendering.heatmap import draw_heat

Pixels = npt.NDArray[np.uint8]

# Maximum age of a map. Until then it moves along with its face.
_MAX_AGE_S: Final = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class _TimedMaps:
    maps: ActivationMaps
    at_s: float


class HeatLayer:
    """A layer of activation maps for the apparent expression of each face.

    Args:
        explainer: Explainer of the maps, preferably with the model that classifies the faces.
        framing: Framing of the crops relative to the detector's boxes.
    """

    def __init__(self, explainer: FaceExplainer, framing: Framing) -> None:
        self._explainer = explainer
        self._framing = framing
        self._cache: dict[int, _TimedMaps] = {}

    def warm_up(self) -> None:
        """Run the model once, so the first frame of a camera is not delayed."""
        size_px = self._explainer.input_spec.size_px
        self._explainer.explain([np.zeros((size_px, size_px), np.uint8)])

    def apply(self, image: Pixels, result: FrameResult) -> Pixels:
        """Draw the maps of the next result.

        Args:
            image: uint8 (H, W, 3) BGR; it does not change.
            result: Faces of the image.

        Returns:
            A new uint8 (H, W, 3) BGR image of the same size.
        """
        squares = [
            self._framing.apply(face.box, turn_degrees=turn_for(face.roll_degrees))
            for face in result.faces
        ]
        # Other layers may have drawn on `image`, so the model gets the original frame.
        maps = self._maps_of(result.frame.image, result, squares)
        drawn = image.copy()
        for face, square, of_face in zip(result.faces, squares, maps, strict=True):
            _lay_over(drawn, square, of_face, face)
        return drawn

    def _maps_of(
        self, image: Pixels, result: FrameResult, squares: list[Box]
    ) -> list[ActivationMaps]:
        at_s = result.media_time_s
        kept = {
            key: timed for key, timed in self._cache.items() if 0 <= at_s - timed.at_s < _MAX_AGE_S
        }
        keys = [
            -1 - number if face.track_id is None else face.track_id
            for number, face in enumerate(result.faces)
        ]
        turns = [turn_for(face.roll_degrees) for face in result.faces]
        missing = [
            (key, square, turn)
            for key, square, turn in zip(keys, squares, turns, strict=True)
            if key not in kept
        ]
        if missing:
            gray = to_gray(image)
            size_px = self._explainer.input_spec.size_px
            crops = [
                crop_spread(gray, square, size_px, turn_degrees=turn)[0]
                for _key, square, turn in missing
            ]
            explained = self._explainer.explain(crops)
            for (key, *_), maps in zip(missing, explained, strict=True):
                kept[key] = _TimedMaps(maps, at_s)
        self._cache = kept
        return [kept[key].maps for key in keys]


def _lay_over(image: Pixels, square: Box, maps: ActivationMaps, face: FaceResult) -> None:
    """Draw one map on an image, in place; parts outside the image are cut off."""
    height, width = image.shape[:2]
    side = round(square.width)
    left, top = round(square.x_min), round(square.y_min)
    x_from, y_from = max(left, 0), max(top, 0)
    x_to, y_to = min(left + side, width), min(top + side, height)
    if x_from >= x_to or y_from >= y_to:
        return
    inside = np.s_[y_from - top : y_to - top, x_from - left : x_to - left]
    patch = np.zeros((side, side, 3), np.uint8)
    patch[inside] = image[y_from:y_to, x_from:x_to]
    emotion = face.top if face.label is None else face.label
    upright = maps.heat_map(emotion, min(side, _MAX_MAP_PX))
    heat = turn_heat(upright, turn_for(face.roll_degrees))
    image[y_from:y_to, x_from:x_to] = draw_heat(patch, heat, side)[inside]


# Maps are a few cells wide, so more pixels add no detail.
_MAX_MAP_PX: Final = 128
