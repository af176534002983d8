"""Adapter from trackers of the package `trackers` to emolens's port."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from emolens.core.description import TRACKER, Description
from emolens.core.face import FaceDetection, TrackedFace, TrackState
from emolens.core.geometry import Box
from emolens.tracking.library import BaseTracker, sv
from emolens.tracking.motion import Motion

# The frame rate that the trackers' constants assume. Real times are scaled to it.
REFERENCE_RATE_HZ: Final = 30.0
# Trackers require increasing times, even for two frames with the same time.
_LEAST_STEP_S: Final = 1e-6


class _Tracklet(Protocol):
    """The interface of a tracker's internal track."""

    tracker_id: int
    time_since_update: int

    def get_state_bbox(self) -> npt.NDArray[np.float64]: ...


@dataclass(slots=True)
class _Track:
    """A tracklet with its public track id."""

    tracklet: _Tracklet
    track_id: int
    motion: Motion
    began_at_s: float
    seen_at_s: float


class BoxTracker:
    """A tracker that uses boxes only. It stores no appearance, so nobody is identified.

    Implements `emolens.core.ports.FaceTracker`. A face has its track id from its first detection
    on, and keeps it through an occlusion if it reappears near its predicted position.

    Args:
        tracker: A tracker of the package `trackers`, not shared with other code.
        name: The name of the tracker in options.
        buffer_s: The maximum time without a detection that the tracker was created with, in
            seconds; None if unknown.
    """

    def __init__(self, tracker: BaseTracker, *, name: str, buffer_s: float | None = None) -> None:
        self._tracker = tracker
        self._name = name
        self._buffer_s = buffer_s
        self._numbers = itertools.count(1)
        self._tracks: list[_Track] = []
        self._last_s: float | None = None
        # The tracker's clock, which is never negative and always increases.
        self._tracker_s = 0.0

    @property
    def name(self) -> str:
        """The name of the tracker in options."""
        return self._name

    @property
    def description(self) -> Description:
        """The name, and the maximum time in seconds without a detection of the same track."""
        return {TRACKER: self._name, "tracker_buffer_s": self._buffer_s}

    def update(self, detections: Sequence[FaceDetection], at_s: float) -> list[TrackedFace]:
        """Match the detections of a frame with the existing tracks.

        Args:
            detections: Detected faces. Boxes narrower than one pixel are ignored.
            at_s: Time of the frame in seconds. A step back resets the tracker.

        Returns:
            All active tracks ordered by track id, including those without a detection.
        """
        if self._last_s is not None and at_s < self._last_s:
            self.reset()
        elapsed_s = 0.0 if self._last_s is None else at_s - self._last_s
        self._tracker_s += max(elapsed_s, _LEAST_STEP_S)
        self._last_s = at_s
        detections = [one for one in detections if _shorter_side(one.box) >= 1]
        tracked = self._tracker.update(_to_supervision(detections), timestamp=self._tracker_s)
        by_tracker_id = _detections_by_tracker_id(tracked, detections)
        # `id` is a valid key because `self._tracks` keeps the tracklets alive.
        existing = {id(track.tracklet): track for track in self._tracks}
        matched_ids = {id(detection) for detection in by_tracker_id.values()}
        unmatched = [detection for detection in detections if id(detection) not in matched_ids]
        tracks, new, matches = [], [], {}
        for tracklet in self._tracker.tracks:
            detection = by_tracker_id.get(tracklet.tracker_id)
            track = existing.get(id(tracklet))
            if track is None:
                # A tracker assigns its id at the second match; a new tracklet has none yet.
                detection = detection or _take_same_box(tracklet, unmatched)
                track = self._begin(tracklet, at_s)
                new.append(track)
            if detection is not None:
                matches[track.track_id] = detection
            tracks.append(track)
        self._tracks = self._relinked(tracks, new, matches, at_s)
        return [self._tracked(track, matches.get(track.track_id), at_s) for track in self._tracks]

    def reset(self) -> None:
        """Remove all tracks. Track ids are not reused."""
        self._tracker.reset()
        self._tracks = []
        self._last_s = None

    def _begin(self, tracklet: _Tracklet, at_s: float) -> _Track:
        return _Track(tracklet, next(self._numbers), Motion(), at_s, at_s)

    def _relinked(
        self,
        tracks: list[_Track],
        new_tracks: list[_Track],
        matches: dict[int, FaceDetection],
        at_s: float,
    ) -> list[_Track]:
        """Merge new tracks into the lost tracks that they continue."""
        lost = [track for track in tracks if track.track_id not in matches]
        for new in new_tracks:
            if new.track_id not in matches or not lost:
                continue
            box = matches[new.track_id].box
            old = min(lost, key=lambda track: track.motion.distance(box, at_s))
            if old.motion.distance(box, at_s) >= 1:
                continue
            lost.remove(old)
            tracks.remove(new)
            # Remove the old tracklet, which would otherwise compete with the new one.
            self._tracker.tracks.remove(old.tracklet)
            old.tracklet = new.tracklet
            matches[old.track_id] = matches.pop(new.track_id)
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
        xyxy=np.array([one.box.to_tuple() for one in detections], np.float64),
        confidence=np.array([one.score for one in detections], np.float64),
        # Trackers reorder detections, so the class id carries the index.
        class_id=np.arange(len(detections)),
    )


def _detections_by_tracker_id(
    tracked: sv.Detections, detections: Sequence[FaceDetection]
) -> dict[int, FaceDetection]:
    if tracked.tracker_id is None or tracked.class_id is None:
        return {}
    pairs = zip(tracked.tracker_id.tolist(), tracked.class_id.tolist(), strict=True)
    return {tracker_id: detections[index] for tracker_id, index in pairs if tracker_id >= 0}


def _to_box(tracklet: _Tracklet) -> Box:
    x_min, y_min, x_max, y_max = map(float, tracklet.get_state_bbox())
    return Box(x_min, y_min, max(x_min, x_max), max(y_min, y_max))


def _shorter_side(box: Box) -> float:
    return min(box.width, box.height)


def _take_same_box(tracklet: _Tracklet, unmatched: list[FaceDetection]) -> FaceDetection | None:
    """Remove and return the unmatched detection that a new tracklet was created from."""
    box = _to_box(tracklet)
    same = [one for one in unmatched if one.box.iou(box) > 0.99]
    # Among several at one position, prefer a high score: low scores start no track.
    taken = max(same, key=lambda one: (round(one.box.iou(box), 3), one.score), default=None)
    if taken is not None:
        unmatched[:] = [one for one in unmatched if one is not taken]
    return taken
