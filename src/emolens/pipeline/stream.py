"""Frame-by-frame analysis of a stream: detect, track, classify and smooth."""

import contextlib
import math
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

import numpy as np

from emolens.classification import OnnxEmotionClassifier
from emolens.contract import Provenance
from emolens.core.errors import ConfigError
from emolens.core.face import FaceDetection, TrackedFace
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Framing
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
from emolens.pipeline.confidence import confident_label
from emolens.pipeline.face_state import FaceState, are_still_and_apart
from emolens.pipeline.framed_face import cut_faces, face_region
from emolens.pipeline.provenance import provenance
from emolens.pipeline.schedule import Pace
from emolens.pipeline.stream_settings import StreamSettings
from emolens.smoothing import ExponentialSmoother, LabelHysteresis, OneEuroBox
from emolens.tracking import DEFAULT_TRACKER, CutDetector, build_tracker

# A full detection runs at least this often, to detect small new faces next to known ones.
_FULL_DETECTION_EVERY_S: Final = 1.0
# While followed faces are nearly still and apart, every other detection is skipped.
_STILL_INTERVALS: Final = 2
# Smaller differences between time stamps are rounding: containers round to milliseconds.
_TOLERANCE_S: Final = 2e-3


STREAM_THREADS: Final = 2
"""Default threads per model; the other cores decode, draw and record."""


class StreamAnalyzer:
    """An analyzer that tracks and classifies the faces of one stream, frame by frame.

    It keeps the state of one stream: create one per stream. It is not thread-safe. Unless the
    settings limit the share of real time, the same frames give the same results.

    Args:
        detector: Face detector.
        classifier: Expression classifier.
        tracker: Tracker that assigns track ids; ByteTrack by default.
        smoother: Score smoother; an exponential moving average by default.
        settings: Rates and limits. `detector_px` must be None, because the detector has its own.
        clock: Clock in seconds, for timings and for the shares of real time.

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
                f"detector_px={settings.detector_px} has no effect on an existing detector. Set it "
                "when you create the detector, or use StreamAnalyzer.load."
            )
        self._detector = detector
        self._follower = detector if isinstance(detector, FaceFollower) else None
        self._classifier = classifier
        self._tracker = tracker or build_tracker()
        self._smoother = smoother or ExponentialSmoother()
        self._hysteresis = LabelHysteresis()
        self._settings = settings
        self._clock = clock
        self._detection_pace = Pace(self._settings.detect_hz, max_share=self._settings.detect_share)
        self._classification_pace = Pace(
            self._settings.classify_hz, max_share=self._settings.classify_share
        )
        self._states: dict[int, FaceState] = {}
        self._visible: list[FaceState] = []
        self._last_s: float | None = None
        self._full_detection_s = -math.inf
        self._warned_wh: tuple[int, int] | None = None
        self._n_segments = 1
        self._cuts = CutDetector() if settings.cuts else None
        self._shot = 1

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
            model: Name of an emotion model, or path of an `.onnx` file.
            detector: Name of a face detector.
            tracker: Name of a tracker.
            settings: Rates and limits of the stages.
            n_threads: Threads per model. Detection and classification do not run in parallel.

        Raises:
            ModelError: A model is unknown, missing, damaged or modified.
            ConfigError: The detector or tracker is unknown, or a setting is out of range.
        """
        settings = settings or StreamSettings()
        check_detector_name(detector)
        return cls(
            build_detector(
                detector, long_side_px=settings.resolve_detector_px(detector), n_threads=n_threads
            ),
            OnnxEmotionClassifier.load(model, n_threads=n_threads),
            tracker=build_tracker(tracker),
            settings=replace(settings, detector_px=None),
        )

    def warm_up(self) -> None:
        """Run the models once, to avoid a delay at the first frame of a camera."""
        self._detector.detect(np.zeros((480, 640, 3), np.uint8))
        size_px = self._classifier.input_spec.size_px
        self._classifier.classify([np.zeros((size_px, size_px), np.uint8)])

    @property
    def framing(self) -> Framing:
        """Position of the classifier's crops relative to the detector's boxes."""
        return self._detector.framing

    @property
    def provenance(self) -> Provenance:
        """The record of how results are made now, without an input."""
        parts = (self._classifier, self._detector, self._tracker, self._smoother, self._hysteresis)
        return provenance(self._settings, *parts)

    def step(self, frame: Frame, *, dropped_before: int = 0) -> FrameResult:
        """Detect or follow, track and classify all faces of the next frame.

        Args:
            frame: The frame. Tracking and smoothing use its `media_time_s`.
            dropped_before: Frames dropped since the previous one, copied to the result.

        Returns:
            The visible faces, largest first. A face that the last detection missed is left out, but
            keeps its track id in case it returns.
        """
        at_s = frame.media_time_s
        timings: dict[str, float] = {}
        self._begin_shot_if_new(frame, timings)
        is_detected = self._detection_pace.is_due(at_s)
        located: Sequence[FaceState] = ()
        if is_detected:
            located = self._detect_and_track(frame, timings)
        elif self._visible and self._follower:
            located = self._follow(self._follower, frame, timings)
        self._classify_due(located, frame, timings)
        faces = [state.to_result(frame, is_detected=is_detected) for state in self._visible]
        ordered = sorted(
            (face for face in faces if face is not None), key=lambda face: -face.box.area
        )
        return FrameResult(
            frame.size_wh,
            tuple(ordered),
            frame_index=frame.index,
            media_time_s=at_s,
            dropped_before=dropped_before,
            shot=self._shot,
            timings_ms=MappingProxyType(timings),
            warnings=self._new_warnings(frame.size_wh),
            frame_reference=weakref.ref(frame),
        )

    def _new_warnings(self, size_wh: tuple[int, int]) -> tuple[str, ...]:
        """Return the detector's warnings about a frame size when it first occurs."""
        if size_wh == self._warned_wh:
            return ()
        self._warned_wh = size_wh
        return detection_warnings(self._detector, size_wh)

    def _begin_shot_if_new(self, frame: Frame, timings: dict[str, float]) -> None:
        """End all tracks at a cut, and restart after a gap."""
        at_s, last_s = frame.media_time_s, self._last_s
        is_same_segment = len(frame.clock_offsets_s) == self._n_segments
        if last_s is not None and not (
            is_same_segment and last_s <= at_s <= last_s + self._settings.max_gap_s
        ):
            self.restart()
        self._last_s, self._n_segments = at_s, len(frame.clock_offsets_s)
        if self._cuts:
            with self._timed("cuts", timings):
                is_cut = self._cuts.is_cut(frame.image, at_s)
            if is_cut:
                self._begin_shot()

    def restart(self) -> None:
        """Reset all tracks, e.g. for another source. Numbers of tracks and shots are not reused."""
        self._warned_wh = None
        if self._cuts:
            self._cuts.reset()
        if self._last_s is not None:
            self._begin_shot()
        self._last_s = None

    def _begin_shot(self) -> None:
        """End all tracks, and detect and classify in the next frame."""
        self._shot += 1
        self._full_detection_s = -math.inf
        self._tracker.reset()
        self._keep_only(set())
        self._visible = []
        self._detection_pace.restart()
        self._classification_pace.restart()

    def _detect_and_track(self, frame: Frame, timings: dict[str, float]) -> Sequence[FaceState]:
        """Detect faces in a frame, update the tracks and return the visible ones."""
        at_s = frame.media_time_s
        with self._timed("detection", timings):
            detections = self._detect(frame)
        with self._timed("tracking", timings):
            tracks = self._tracker.update(detections, at_s)
            self._visible = [
                self._update_state(track, track.detection, at_s)
                for track in tracks
                if track.detection
            ]
            self._keep_only({track.track_id for track in tracks})
        is_calm = self._follower and are_still_and_apart(self._visible)
        n_intervals = _STILL_INTERVALS if is_calm else 1
        self._detection_pace.ran(at_s, timings["detection"] / 1e3, n_intervals=n_intervals)
        for state in self._visible:
            state.detected_box = state.detection.box
        return self._visible

    def _classify_due(
        self, located: Sequence[FaceState], frame: Frame, timings: dict[str, float]
    ) -> None:
        """Classify the faces in a frame if due, and new faces immediately."""
        is_due = self._classification_pace.is_due(frame.media_time_s)
        pending = located if is_due else [state for state in located if state.raw is None]
        if pending:
            with self._timed("classification", timings):
                self._classify(pending, frame)
        if pending and is_due:
            self._classification_pace.ran(frame.media_time_s, timings["classification"] / 1e3)

    def _detect(self, frame: Frame) -> list[FaceDetection]:
        """Run a full detection once per second, and a faster one for known faces in between.

        Without a limited rate, for example to blur all faces, every detection is a full one.
        """
        due_s = self._full_detection_s + _FULL_DETECTION_EVERY_S - _TOLERANCE_S
        is_due = self._settings.detect_hz is None or frame.media_time_s >= due_s
        if self._visible and not is_due and self._follower:
            return self._follower.redetect(frame.image, self._expected(frame.media_time_s))
        self._full_detection_s = frame.media_time_s
        return self._detector.detect(frame.image)

    def _follow(
        self, follower: FaceFollower, frame: Frame, timings: dict[str, float]
    ) -> Sequence[FaceState]:
        """Follow known faces between two detections, and return those that are still visible."""
        at_s = frame.media_time_s
        with self._timed("following", timings):
            detections = follower.follow(frame.image, self._expected(at_s))
        located = []
        for state, detection in zip(self._visible, detections, strict=True):
            if detection is not None:
                state.box.update(detection.box, at_s)
                state.detection = detection
                located.append(state)
        if len(located) < len(detections) or not all(state.is_still for state in located):
            # A face may have left, or may soon be too far from its track to be matched.
            self._detection_pace.hurry()
        return located

    def _expected(self, at_s: float) -> list[FaceDetection]:
        """Return the visible faces, moved to their predicted positions."""
        return [moved_to(state.detection, state.box.predict(at_s)) for state in self._visible]

    def _update_state(self, track: TrackedFace, detection: FaceDetection, at_s: float) -> FaceState:
        state = self._states.get(track.track_id)
        if state is None or at_s - state.detected_at_s > self._settings.max_gap_s:
            box = OneEuroBox(detection.box, at_s)
            state = state or FaceState(track.track_id, box, detection, at_s)
            state.box = box
            self._states[track.track_id] = state
        state.box.update(detection.box, at_s)
        state.detection, state.detected_at_s = detection, at_s
        return state

    def _classify(self, states: Sequence[FaceState], frame: Frame) -> None:
        at_s = frame.media_time_s
        framing = self._detector.framing
        regions = [face_region(state.detection, framing) for state in states]
        size_px = self._classifier.input_spec.size_px
        framed = cut_faces(frame.image, regions, size_px=size_px)
        scores = self._classifier.classify([face.crop for face in framed])
        for state, face, new in zip(states, framed, scores, strict=True):
            state.quality, state.raw, state.scored_at_s = face.assess(), new, at_s
            state.label = None
            # Scores of faces that cannot be assessed must not affect the smoothed scores.
            if state.quality.is_assessable:
                state.smoothed = self._smoother.update(state.track_id, new, at_s)
                label = self._hysteresis.update(state.track_id, state.smoothed, at_s)
                state.label = confident_label(state.smoothed, self._settings.min_confidence, label)

    def _keep_only(self, track_ids: set[int]) -> None:
        for track_id in self._states.keys() - track_ids:
            del self._states[track_id]
            self._smoother.forget(track_id)
            self._hysteresis.forget(track_id)

    @contextlib.contextmanager
    def _timed(self, stage: str, timings: dict[str, float]) -> Iterator[None]:
        started_s = self._clock()
        yield
        timings[stage] = 1e3 * (self._clock() - started_s)
