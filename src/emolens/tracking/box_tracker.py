"""Trackers of the package `trackers` behind emolens's own port."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from emolens.core.face import FaceDetection, TrackedFace, TrackState
from emolens.core.geometry import Box
from emolens.tracking.library import BaseTracker, sv
from emolens.tracking.motion import Motion

# The rate that the trackers' own constants are meant for; real times are scaled to it.
REFERENCE_RATE_HZ: Final = 30.0
# Two detections of one moment; trackers want time to pass between them.
_LEAST_STEP_S: Final = 1e-6


class _Tracklet(Protocol):
    """What is needed of a tracker's own record of a track."""

    tracker_id: int
    time_since_update: int

    def get_state_bbox(self) -> npt.NDArray[np.float64]: ...


@dataclass(slots=True)
class _Track:
    """A tracklet with the number that users see."""

    tracklet: _Tracklet
    track_id: int
    motion: Motion
    began_at_s: float
    seen_at_s: float


class BoxTracker:
    """Follows faces by their boxes alone: no appearance is stored, so nobody is recognised.

    Implements `emolens.core.ports.FaceTracker`. A face has its number from its first detection on,
    and gets it back when it comes out from behind another one where its movement led it.

    Args:
        tracker: A tracker of the package `trackers`, which is then used by nobody else.
        name: The name to ask for it by.
    """

    def __init__(self, tracker: BaseTracker, *, name: str) -> None:
        self._tracker = tracker
        self._name = name
        self._numbers = itertools.count(1)
        self._tracks: list[_Track] = []
        self._last_s: float | None = None
        # What the tracker is told: a clock that always goes on, and never below zero.
        self._tracker_s = 0.0

    @property
    def name(self) -> str:
        """The name to ask for it by."""
        return self._name

    def update(self, detections: Sequence[FaceDetection], at_s: float) -> list[TrackedFace]:
        """Match the detections of the frame at `at_s` seconds with the tracks so far.

        Args:
            detections: What a detector found; boxes of less than a pixel are passed over.
            at_s: Time of the frame in seconds; one that lies before the last starts anew.

        Returns:
            All living tracks by number, those without a detection too.
        """
        if self._last_s is not None and at_s < self._last_s:
            self.reset()
        elapsed_s = 0.0 if self._last_s is None else at_s - self._last_s
        self._tracker_s += max(elapsed_s, _LEAST_STEP_S)
        self._last_s = at_s
        detections = [found for found in detections if _least_side(found.box) >= 1]
        found = self._tracker.update(_to_supervision(detections), timestamp=self._tracker_s)
        by_number = _detections_by_number(found, detections)
        # An object's identity is safe as a key while the object is held.
        known = {id(track.tracklet): track for track in self._tracks}
        matched = {id(detection) for detection in by_number.values()}
        free = [detection for detection in detections if id(detection) not in matched]
        tracks, new, seen = [], [], {}
        for tracklet in self._tracker.tracks:
            detection = by_number.get(tracklet.tracker_id)
            track = known.get(id(tracklet))
            if track is None:
                # A tracker numbers a tracklet when it meets it again; a new one is its detection.
                detection = detection or _take_same_box(tracklet, free)
                track = self._begin(tracklet, at_s)
                new.append(track)
            if detection is not None:
                seen[track.track_id] = detection
            tracks.append(track)
        self._tracks = self._relinked(tracks, new, seen, at_s)
        return [self._tracked(track, seen.get(track.track_id), at_s) for track in self._tracks]

    def reset(self) -> None:
        """Forget all tracks; numbers that were given are not given again."""
        self._tracker.reset()
        self._tracks = []
        self._last_s = None

    def _begin(self, tracklet: _Tracklet, at_s: float) -> _Track:
        return _Track(tracklet, next(self._numbers), Motion(), at_s, at_s)

    def _relinked(
        self,
        tracks: list[_Track],
        new_tracks: list[_Track],
        seen: dict[int, FaceDetection],
        at_s: float,
    ) -> list[_Track]:
        """Give new tracks the numbers of lost ones that they go on from."""
        lost = [track for track in tracks if track.track_id not in seen]
        for new in new_tracks:
            if new.track_id not in seen or not lost:
                continue
            box = seen[new.track_id].box
            old = min(lost, key=lambda track: track.motion.distance(box, at_s))
            if old.motion.distance(box, at_s) >= 1:
                continue
            lost.remove(old)
            tracks.remove(new)
            # The tracker goes on with its new tracklet; the old one would only get in its way.
            self._tracker.tracks.remove(old.tracklet)
            old.tracklet = new.tracklet
            seen[old.track_id] = seen.pop(new.track_id)
        return sorted(tracks, key=lambda track: track.track_id)

    @staticmethod
    def _tracked(track: _Track, detection: FaceDetection | None, at_s: float) -> TrackedFace:
        state = TrackState.PREDICTED
        if detection is not None:
            state = TrackState.NEW if track.motion.is_empty else TrackState.SEEN
            track.seen_at_s = at_s
            track.motion.add(detection.box, at_s)
        return TrackedFace(
            track_id=track.track_id,
            box=_to_box(track.tracklet) if detection is None else detection.box,
            detection=detection,
            state=state,
            age_s=at_s - track.began_at_s,
            unseen_s=at_s - track.seen_at_s,
        )


def _to_supervision(detections: Sequence[FaceDetection]) -> sv.Detections:
    if not detections:
        return sv.Detections.empty()
    return sv.Detections(
        xyxy=np.array([found.box.to_tuple() for found in detections], np.float64),
        confidence=np.array([found.score for found in detections], np.float64),
        # Trackers give detections back in another order; this tells which is which.
        class_id=np.arange(len(detections)),
    )


def _detections_by_number(
    found: sv.Detections, detections: Sequence[FaceDetection]
) -> dict[int, FaceDetection]:
    if found.tracker_id is None or found.class_id is None:
        return {}
    pairs = zip(found.tracker_id.tolist(), found.class_id.tolist(), strict=True)
    return {number: detections[index] for number, index in pairs if number >= 0}


def _to_box(tracklet: _Tracklet) -> Box:
    x_min, y_min, x_max, y_max = map(float, tracklet.get_state_bbox())
    return Box(x_min, y_min, max(x_min, x_max), max(y_min, y_max))


def _least_side(box: Box) -> float:
    return min(box.width, box.height)


def _take_same_box(tracklet: _Tracklet, free: list[FaceDetection]) -> FaceDetection | None:
    """Find the detection that a new tracklet was made from, and take it out of those left."""
    box = _to_box(tracklet)
    same = [found for found in free if found.box.iou(box) > 0.99]
    # Of several in one place it is a clear one: faint ones begin no track.
    taken = max(same, key=lambda found: (round(found.box.iou(box), 3), found.score), default=None)
    if taken is not None:
        free[:] = [found for found in free if found is not taken]
    return taken
