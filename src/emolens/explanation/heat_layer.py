"""Heat-map overlay on the faces of a stream."""

import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceResult
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box, Framing
from emolens.explanation.maps import FaceExplainer, FaceMaps, MapKind
from emolens.explanation.occlusion import N_COVERED, OcclusionExplainer
from emolens.imaging.exposure import crop_spread
from emolens.imaging.preprocess import to_gray
from emolens.imaging.turn import turn_for, turn_heat
from emolens.rendering.heatmap import draw_heat

Pixels = npt.NDArray[np.uint8]

# Maximum age of a map, after which it is computed again. Until then it moves along with its face.
# An occlusion map takes 37 predictions.
_MAX_AGE_S: Final = {MapKind.ACTIVATION: 0.15, MapKind.OCCLUSION: 0.3}
# A face that is hidden for a moment keeps its map.
_KEPT_S: Final = 0.5
LIVE_CROPS: Final = 4
"""Predictions per frame of a live stream: 10 ms with the default model on one thread, and three
maps per second of one face at 30 frames per second."""
STREAM_SCALE: Final = 0.5
"""Drop of the probability with the lightest colour, the same for all frames of a stream."""


class _Task(Protocol):
    """The computation of the maps of one face, in parts."""

    def advance(self, n_faces: int) -> FaceMaps | None: ...


@dataclass(frozen=True, slots=True)
class _WholeTask:
    """A task with a single prediction."""

    explainer: FaceExplainer
    crop: Pixels

    def advance(self, _n_faces: int) -> FaceMaps:
        return self.explainer.explain([self.crop])[0]


@dataclass(slots=True)
class _FaceHeat:
    """The maps of one face of the stream, and the task that computes the next ones."""

    maps: FaceMaps | None = None
    at_s: float = -math.inf
    task: _Task | None = None
    task_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Placed:
    """One face of a frame with the square that its map covers."""

    key: int
    face: FaceResult
    square: Box

    @property
    def turn_degrees(self) -> float:
        return turn_for(self.face.roll_degrees)


class HeatLayer:
    """A layer of maps for the apparent expression of each face.

    Args:
        explainer: Explainer of the maps, preferably with the model that classifies the faces.
        framing: Framing of the crops relative to the detector's boxes.
        crops_per_frame: Maximum number of predictions per frame, for live streams. The maps of a
            new face then take several frames, and its face is plain until then. None computes all
            maps at once.
    """

    def __init__(
        self, explainer: FaceExplainer, framing: Framing, *, crops_per_frame: int | None = None
    ) -> None:
        self._explainer = explainer
        self._framing = framing
        self._crops_per_frame = crops_per_frame
        self._heats: dict[int, _FaceHeat] = {}

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
        placed = [
            _Placed(
                -1 - number if face.track_id is None else face.track_id,
                face,
                self._framing.apply(face.box, turn_degrees=turn_for(face.roll_degrees)),
            )
            for number, face in enumerate(result.faces)
        ]
        # Other layers may have drawn on `image`, so the model gets the original frame.
        self._update(result.frame.image, placed, result.media_time_s)
        drawn = image.copy()
        for one in placed:
            maps = self._heats[one.key].maps
            if maps is not None:
                _lay_over(drawn, one, maps)
        return drawn

    def _update(self, image: Pixels, placed: list[_Placed], at_s: float) -> None:
        """Compute maps that are missing or old, within the limit of predictions."""
        recent = {key: heat for key, heat in self._heats.items() if 0 <= at_s - heat.at_s < _KEPT_S}
        of_frame = {one.key: self._heats.get(one.key, _FaceHeat()) for one in placed}
        self._heats = recent | of_frame
        waiting = [one for one in placed if _is_due(self._heats[one.key], at_s)]
        if self._crops_per_frame is not None:
            waiting = sorted(waiting, key=lambda one: _rank(self._heats[one.key]))[:1]
        gray = to_gray(image) if waiting else image
        for one in waiting:
            heat = self._heats[one.key]
            if heat.task is None:
                heat.task, heat.task_at_s = self._begin(gray, one), at_s
            maps = heat.task.advance(self._crops_per_frame or 1 + N_COVERED)
            if maps is not None:
                heat.maps, heat.at_s, heat.task = maps, heat.task_at_s, None

    def _begin(self, gray: Pixels, placed: _Placed) -> _Task:
        size_px = self._explainer.input_spec.size_px
        crop, _levels = crop_spread(gray, placed.square, size_px, turn_degrees=placed.turn_degrees)
        if isinstance(self._explainer, OcclusionExplainer):
            return self._explainer.begin(crop)
        return _WholeTask(self._explainer, crop)


def _is_due(heat: _FaceHeat, at_s: float) -> bool:
    if heat.maps is None or heat.task is not None:
        return True
    return not 0 <= at_s - heat.at_s < _MAX_AGE_S[heat.maps.kind]


def _rank(heat: _FaceHeat) -> tuple[bool, bool, float]:
    """Order tasks: the one in progress, then faces without maps, then the oldest maps."""
    return heat.task is None, heat.maps is not None, heat.at_s


def _lay_over(image: Pixels, placed: _Placed, maps: FaceMaps) -> None:
    """Draw one map on an image, in place; parts outside the image are cut off."""
    square, face = placed.square, placed.face
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
    scale = STREAM_SCALE if maps.kind is MapKind.OCCLUSION else None
    upright = maps.heat_map(emotion, min(side, _MAX_MAP_PX), full_scale=scale)
    heat = turn_heat(upright, placed.turn_degrees)
    image[y_from:y_to, x_from:x_to] = draw_heat(patch, heat, side)[inside]


# Maps are a few cells wide, so more pixels add no detail.
_MAX_MAP_PX: Final = 128
