"""One frame of a stream in, every face with its number and its calm label out."""

import contextlib
import itertools
import math
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

import numpy as np

from emolens.classification import OnnxEmotionClassifier
from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import ConfigError
from emolens.core.face import FaceDetection, FaceQuality, FaceResult, TrackedFace
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Box, Framing
from emolens.core.ports import (
    EmotionClassifier,
    FaceDetector,
    FaceFollower,
    FaceTracker,
    ScoreSmoother,
)
from emolens.detection import (
    DEFAULT_DETECTOR,
    build_detector,
    check_detector_name,
    detection_warnings,
    moved_to,
)
from emolens.pipeline.framed_face import cut_faces, face_region
from emolens.pipeline.schedule import Pace
from emolens.pipeline.stream_settings import StreamSettings
from emolens.smoothing import ExponentialSmoother, LabelHysteresis, OneEuroBox
from emolens.tracking import DEFAULT_TRACKER, build_tracker

# Small faces that come in while others are known are found after so long at the latest.
_THOROUGH_EVERY_S: Final = 1.0
# While faces keep about still and apart, known ones being followed, every other search is left out:
# a tracker cannot mistake them (docs/experiments/0009-tracking.md).
_CALM_INTERVALS: Final = 2
_CALM_IOU: Final = 0.5
_APART_SIDES: Final = 2.0
# Two time stamps that differ by less are the same moment: containers round to milliseconds.
_TOLERANCE_S: Final = 2e-3


STREAM_THREADS: Final = 2
"""Threads of each model unless told otherwise: the others are for decoding, drawing, recording."""


@dataclass(slots=True)
class _Known:
    """What is known about the face of one track."""

    track_id: int
    box: OneEuroBox
    detection: FaceDetection
    detected_at_s: float
    # Where the last search found it.
    found_at: Box | None = None
    quality: FaceQuality | None = None
    raw: EmotionScores | None = None
    smoothed: EmotionScores | None = None
    label: Emotion | None = None
    scored_at_s: float = 0.0


class StreamAnalyzer:
    """Follows and names the faces of one stream, frame by frame.

    It keeps the state of one stream; take another one for another stream. Not to be called from
    two threads at once. Without shares in the settings the same frames give the same results.

    Args:
        detector: Finds the faces.
        classifier: Names the expressions.
        tracker: Gives the faces their numbers; ByteTrack unless given.
        smoother: Smooths the scores; a moving average with a time constant unless given.
        settings: How often what is done; without `detector_px`, since the detector has its size.
        clock: Gives seconds; only for timings, and for the shares of the settings.

    Raises:
        ConfigError: The settings have a `detector_px`.
    """

    def __init__(
        self,
        detector: FaceDetector,
        classifier: EmotionClassifier,
        *,
        tracker: FaceTracker | None = None,
        smoother: ScoreSmoother | None = None,
        settings: StreamSettings | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        settings = settings or StreamSettings()
        if settings.detector_px is not None:
            raise ConfigError(
                f"detector_px={settings.detector_px} has no effect on a detector that is made "
                "already; give it to the detector, or use StreamAnalyzer.load"
            )
        self._detector = detector
        self._follower = detector if isinstance(detector, FaceFollower) else None
        self._classifier = classifier
        self._tracker = tracker or build_tracker()
        self._smoother = smoother or ExponentialSmoother()
        self._hysteresis = LabelHysteresis()
        self._settings = settings
        self._clock = clock
        self._looking = Pace(self._settings.detect_hz, max_share=self._settings.detect_share)
        self._naming = Pace(self._settings.classify_hz, max_share=self._settings.classify_share)
        self._known: dict[int, _Known] = {}
        self._visible: list[_Known] = []
        self._last_s: float | None = None
        self._searched_s = -math.inf
        self._noted_wh: tuple[int, int] | None = None
        self._n_pieces = 1

    @classmethod
    def load(
        cls,
        *,
        model: str | Path = "default",
        detector: str = DEFAULT_DETECTOR,
        tracker: str = DEFAULT_TRACKER,
        settings: StreamSettings | None = None,
        n_threads: int = STREAM_THREADS,
    ) -> Self:
        """Load the models.

        Args:
            model: Name of an emotion model, or the path of an `.onnx` file.
            detector: Name of a face detector.
            tracker: Name of a tracker.
            settings: How often what is done.
            n_threads: Threads that searching, and then naming, may use.

        Raises:
            ModelError: A model is unknown, missing, damaged or altered.
            ConfigError: The detector, the tracker or a setting is unknown or out of range.
        """
        settings = settings or StreamSettings()
        check_detector_name(detector)
        return cls(
            build_detector(
                detector, long_side_px=settings.search_px(detector), n_threads=n_threads
            ),
            OnnxEmotionClassifier.load(model, n_threads=n_threads),
            tracker=build_tracker(tracker),
            settings=replace(settings, detector_px=None),
        )

    def warm_up(self) -> None:
        """Let the models run once, so that the first frame of a camera is not late."""
        self._detector.detect(np.zeros((480, 640, 3), np.uint8))
        size_px = self._classifier.input_spec.size_px
        self._classifier.classify([np.zeros((size_px, size_px), np.uint8)])

    @property
    def framing(self) -> Framing:
        """How the classifier's crops lie in the detector's boxes."""
        return self._detector.framing

    def step(self, frame: Frame, *, dropped_before: int = 0) -> FrameResult:
        """Find, follow and name every face of the next frame.

        Args:
            frame: The frame; its `media_time_s` is what smoothing and tracking go by.
            dropped_before: Frames that were dropped since the one before; only passed on.

        Returns:
            The faces that can be seen, largest first. A face that was not found in the last look is
            not among them, though it keeps its number for when it comes back.
        """
        at_s = frame.media_time_s
        self._restart_after_gap(frame)
        timings: dict[str, float] = {}
        is_fresh = self._looking.is_due(at_s)
        seen: Sequence[_Known] = ()
        if is_fresh:
            seen = self._look(frame, timings)
        elif self._visible and self._follower:
            seen = self._follow(self._follower, frame, timings)
        self._name_due(seen, frame, timings)
        faces = [self._result(known, frame, is_fresh=is_fresh) for known in self._visible]
        shown = sorted(
            (face for face in faces if face is not None), key=lambda face: -face.box.area
        )
        return FrameResult(
            frame.size_wh,
            tuple(shown),
            frame_index=frame.index,
            media_time_s=at_s,
            dropped_before=dropped_before,
            timings_ms=MappingProxyType(timings),
            warnings=self._new_warnings(frame.size_wh),
            frame_reference=weakref.ref(frame),
        )

    def _new_warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """What the detector leaves out in frames of that size, where they have just begun."""
        if size_wh == self._noted_wh:
            return ()
        self._noted_wh = size_wh
        return detection_warnings(self._detector, size_wh)

    def _restart_after_gap(self, frame: Frame) -> None:
        at_s, last_s = frame.media_time_s, self._last_s
        goes_on = len(frame.clock_offsets_s) == self._n_pieces
        if last_s is not None and not (
            goes_on and last_s <= at_s <= last_s + self._settings.max_gap_s
        ):
            self.restart()
        self._last_s, self._n_pieces = at_s, len(frame.clock_offsets_s)

    def restart(self) -> None:
        """Forget all faces, e.g. for another source; numbers that were given stay taken."""
        self._last_s = None
        self._searched_s = -math.inf
        self._noted_wh = None
        self._tracker.reset()
        self._keep_only(set())
        self._visible = []
        self._looking.restart()
        self._naming.restart()

    def _look(self, frame: Frame, timings: dict[str, float]) -> Sequence[_Known]:
        """Search a frame for faces; those that are there."""
        at_s = frame.media_time_s
        with self._timed("detection", timings):
            detections = self._search(frame)
        with self._timed("tracking", timings):
            tracks = self._tracker.update(detections, at_s)
            self._visible = [
                self._seen(track, track.detection, at_s) for track in tracks if track.detection
            ]
            self._keep_only({track.track_id for track in tracks})
        n_intervals = _CALM_INTERVALS if self._follower and self._are_calm() else 1
        self._looking.ran(at_s, timings["detection"] / 1e3, n_intervals=n_intervals)
        for known in self._visible:
            known.found_at = known.detection.box
        return self._visible

    def _are_calm(self) -> bool:
        """Whether there are faces, all about where the last search found them, and apart."""
        boxes = [known.detection.box for known in self._visible]
        return bool(boxes) and all(
            (
                *map(_keeps_still, self._visible),
                *(_are_apart(one, other) for one, other in itertools.combinations(boxes, 2)),
            )
        )

    def _name_due(self, seen: Sequence[_Known], frame: Frame, timings: dict[str, float]) -> None:
        """Name the faces that are seen in a frame where it is time, new ones at once."""
        is_due = self._naming.is_due(frame.media_time_s)
        unnamed = seen if is_due else [known for known in seen if known.raw is None]
        if unnamed:
            with self._timed("classification", timings):
                self._name(unnamed, frame)
        if unnamed and is_due:
            self._naming.ran(frame.media_time_s, timings["classification"] / 1e3)

    def _search(self, frame: Frame) -> list[FaceDetection]:
        """Search a frame: thoroughly now and then, for known faces in between."""
        is_due = frame.media_time_s >= self._searched_s + _THOROUGH_EVERY_S - _TOLERANCE_S
        if self._visible and not is_due and self._follower:
            return self._follower.search_known(frame.image, self._expected(frame.media_time_s))
        self._searched_s = frame.media_time_s
        return self._detector.detect(frame.image)

    def _follow(
        self, follower: FaceFollower, frame: Frame, timings: dict[str, float]
    ) -> Sequence[_Known]:
        """See where the known faces are, between two searches; those that are there."""
        at_s = frame.media_time_s
        with self._timed("following", timings):
            found = follower.follow(frame.image, self._expected(at_s))
        seen = []
        for known, detection in zip(self._visible, found, strict=True):
            if detection is not None:
                known.box.update(detection.box, at_s)
                known.detection = detection
                seen.append(known)
        if len(seen) < len(found) or not all(map(_keeps_still, seen)):
            # One may have left, or soon be too far away to be told from others.
            self._looking.hurry()
        return seen

    def _expected(self, at_s: float) -> list[FaceDetection]:
        """The faces that were seen last, where they should be now."""
        return [moved_to(known.detection, known.box.predict(at_s)) for known in self._visible]

    def _seen(self, track: TrackedFace, detection: FaceDetection, at_s: float) -> _Known:
        known = self._known.get(track.track_id)
        if known is None or at_s - known.detected_at_s > self._settings.max_gap_s:
            box = OneEuroBox(detection.box, at_s)
            known = known or _Known(track.track_id, box, detection, at_s)
            known.box = box
            self._known[track.track_id] = known
        known.box.update(detection.box, at_s)
        known.detection, known.detected_at_s = detection, at_s
        return known

    def _name(self, faces: Sequence[_Known], frame: Frame) -> None:
        at_s = frame.media_time_s
        framing = self._detector.framing
        regions = [face_region(known.detection, framing) for known in faces]
        size_px = self._classifier.input_spec.size_px
        framed = cut_faces(frame.image, regions, size_px=size_px)
        scores = self._classifier.classify([face.crop for face in framed])
        for known, face, new in zip(faces, framed, scores, strict=True):
            known.quality, known.raw, known.scored_at_s = face.assess(), new, at_s
            known.label = None
            # What cannot be assessed must not colour what can.
            if known.quality.is_assessable:
                known.smoothed = self._smoother.update(known.track_id, new, at_s)
                label = self._hysteresis.update(known.track_id, known.smoothed, at_s)
                is_sure = (
                    float(known.smoothed.probabilities[label]) >= self._settings.min_confidence
                )
                known.label = label if is_sure else None

    @staticmethod
    def _result(known: _Known, frame: Frame, *, is_fresh: bool) -> FaceResult | None:
        if known.raw is None or known.quality is None:
            return None
        at_s = frame.media_time_s
        box = known.box.predict(at_s).clip(frame.size_wh)
        if box.area == 0:  # it has moved out of the image since the last look
            return None
        return FaceResult(
            box=box,
            detection_score=known.detection.score if is_fresh else None,
            quality=known.quality,
            raw=known.raw,
            smoothed=known.smoothed,
            label=known.label,
            track_id=known.track_id,
            scores_age_s=at_s - known.scored_at_s,
            roll_degrees=known.detection.roll_degrees,
        )

    def _keep_only(self, living: set[int]) -> None:
        for track_id in self._known.keys() - living:
            del self._known[track_id]
            self._smoother.forget(track_id)
            self._hysteresis.forget(track_id)

    @contextlib.contextmanager
    def _timed(self, stage: str, timings: dict[str, float]) -> Iterator[None]:
        started_s = self._clock()
        yield
        timings[stage] = 1e3 * (self._clock() - started_s)


def _are_apart(one: Box, other: Box) -> bool:
    """Whether it takes a while until one face can be in front of the other."""
    side = max(one.width, one.height, other.width, other.height)
    return math.dist(one.center_xy, other.center_xy) >= _APART_SIDES * side


def _keeps_still(known: _Known) -> bool:
    """Whether a face is about where the last search found it."""
    return known.found_at is not None and known.found_at.iou(known.detection.box) >= _CALM_IOU
