"""Compare how well trackers preserve ids when faces cross, hide and turn back.

python docs/experiments/tracking.py --json docs/metrics/tracking.json

Real detections on portraits of two subjects in the public domain, moved along known paths, ten
detections per second. The last column uses the clips at 30 frames per second as `emolens video`
analyses them. The metric is IDF1 (Ristani et al. 2016) against the true positions; a face covered
by half or more does not count.
"""

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import supervision as sv
import trackers
from trackers.core.base import BaseTracker
from trackers.eval.identity import compute_identity_metrics

from emolens.core.face import FaceDetection, FaceResult, TrackedFace, TrackState
from emolens.core.geometry import Box
from emolens.core.ports import FaceTracker
from emolens.detection import DEFAULT_DETECTOR, build_detector
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.testing import Actor, FakeClassifier, SyntheticSource, collins, hopper
from emolens.tracking import TRACKER_NAMES, build_tracker

SIZE_WH = (640, 480)
DETECTIONS_HZ = 10.0
FRAMES_HZ = 30.0
IN_STREAM = "in a stream"
Place = Callable[[float], tuple[float, float, float] | None]
Sample = tuple[float, list[tuple[int, Box]], list[FaceDetection]]
BUFFER = 60
SCORE = 0.5


def walk(from_x: float, to_x: float, y: float, width: float, duration_s: float) -> Place:
    """Return a straight path at constant speed."""
    return lambda t: (from_x + (to_x - from_x) * t / duration_s, y, width)


def clips() -> dict[str, tuple[float, list[Actor]]]:
    """Return length in seconds and actors of each clip; later actors are in front."""

    def pair(
        seconds: float, y: float = 240, widths: tuple[float, float] = (150, 150)
    ) -> list[Actor]:
        return [
            collins(walk(110, 530, 240, widths[0], seconds)),
            hopper(walk(530, 110, y, widths[1], seconds)),
        ]

    def hidden(from_s: float, until_s: float, speed: float) -> list[Actor]:
        return [collins(lambda t: None if from_s <= t < until_s else (200 + speed * t, 240, 150))]

    def sway(speed: float, width: float) -> list[Actor]:
        return [collins(lambda t: (320 + width * math.sin(speed * t), 240, 140))]

    return {
        "cross slowly": (6, pair(6)),
        "cross": (4, pair(4)),
        "cross fast": (2, pair(2)),
        "cross a little lower": (4, pair(4, y=290)),
        "small behind large": (4, pair(4, widths=(100, 200))),
        "pass somebody still": (  # codespell:ignore somebody
            5,
            [collins(lambda _t: (320, 240, 130)), hopper(walk(700, -60, 240, 160, 5))],
        ),
        "meet and turn back": (
            5,
            [
                collins(lambda t: (120 + min(t, 5 - t) * 80, 240, 140)),
                hopper(lambda t: (520 - min(t, 5 - t) * 80, 240, 140)),
            ],
        ),
        "hidden for 0.5 s": (4, hidden(1.5, 2.0, 60)),
        "hidden for 1 s": (4, hidden(1.5, 2.5, 60)),
        "hidden for 1.5 s, still": (5, hidden(1.5, 3.0, 0)),
        "sway": (6, sway(2.5, 180)),
        "sway fast": (4, sway(6, 200)),
        "three": (
            5,
            [
                collins(walk(80, 560, 150, 110, 5)),
                hopper(walk(560, 80, 160, 110, 5)),
                collins(walk(320, 330, 360, 110, 5)),
            ],
        ),
    }


def visible(actors: list[Actor], at_s: float) -> list[tuple[int, Box]]:
    """Return the faces in the image that are covered by less than half."""
    found = []
    for number, actor in enumerate(actors):
        face = actor.face_at(at_s)
        if face is None or face.clip(SIZE_WH).area < 0.5 * face.area:
            continue
        covers = [other.box_at(at_s) for other in actors[number + 1 :]]
        if all(overlap(face, cover) < 0.5 * face.area for cover in covers if cover):
            found.append((number, face))
    return found


def overlap(one: Box, other: Box) -> float:
    """Return the area of the intersection in square pixels."""
    width = min(one.x_max, other.x_max) - max(one.x_min, other.x_min)
    height = min(one.y_max, other.y_max) - max(one.y_min, other.y_min)
    return max(width, 0) * max(height, 0)


def sample_clip(duration_s: float, actors: list[Actor]) -> list[Sample]:
    """Return time, truth and detections of every sample."""
    # The default of videos.
    side_px = StreamSettings().resolve_detector_px(DEFAULT_DETECTOR)
    detector = build_detector(long_side_px=side_px, n_threads=2)
    source = SyntheticSource(actors, size_wh=SIZE_WH)
    times = np.arange(0, duration_s, 1 / DETECTIONS_HZ).tolist()
    return [(t, visible(actors, t), detector.detect(source.draw(t))) for t in times]


def measure(tracker: FaceTracker, samples: list[Sample]) -> tuple[float, int]:
    """Return IDF1 and the number of assigned ids."""
    seen = [
        [track for track in tracker.update(detections, at_s) if track.detection]
        for at_s, _, detections in samples
    ]
    return identity([truth for _, truth, _ in samples], seen)


def in_stream(duration_s: float, actors: list[Actor]) -> tuple[float, int]:
    """Return the same for a whole stream, analysed like a file."""
    detector = build_detector(long_side_px=StreamSettings().resolve_detector_px(DEFAULT_DETECTOR))
    analyzer = StreamAnalyzer(detector, FakeClassifier())
    source = SyntheticSource(actors, size_wh=SIZE_WH, rate_hz=FRAMES_HZ, duration_s=duration_s)
    results = [analyzer.step(frame) for frame in source]
    truth = [visible(actors, result.media_time_s or 0.0) for result in results]
    return identity(truth, [result.faces for result in results])


def identity(
    truth: Sequence[list[tuple[int, Box]]], seen: Sequence[Sequence[TrackedFace | FaceResult]]
) -> tuple[float, int]:
    """Return IDF1 and the number of ids, from the true and tracked faces of each frame."""
    truth_ids = [np.array([number for number, _ in faces], int) for faces in truth]
    track_ids = [np.array([face.track_id for face in faces], int) for faces in seen]
    overlaps = [
        np.array([[box.iou(face.box) for face in there] for _, box in faces]).reshape(
            len(faces), len(there)
        )
        for faces, there in zip(truth, seen, strict=True)
    ]
    metrics = compute_identity_metrics(truth_ids, track_ids, overlaps)
    return float(metrics["IDF1"]), len(set(np.concatenate(track_ids).tolist()))


class Plain:
    """An unmodified tracker of the package."""

    name = "plain"

    def __init__(self, tracker: BaseTracker) -> None:
        self.tracker = tracker

    def update(self, detections: list[FaceDetection], at_s: float) -> list:
        """Return the tracks with the attributes that `measure` needs."""
        boxes = sv.Detections.empty()
        if detections:
            boxes = sv.Detections(
                xyxy=np.array([found.box.to_tuple() for found in detections]),
                confidence=np.array([found.score for found in detections]),
                class_id=np.arange(len(detections)),
            )
        found = self.tracker.update(boxes, timestamp=at_s)
        pairs = zip(found.tracker_id.tolist(), (found.class_id if len(found) else []), strict=True)
        return [
            TrackedFace(number, detections[i].box, detections[i], TrackState.SEEN, 0, 0)
            for number, i in pairs
            if number >= 0
        ]


def plain_trackers() -> dict[str, Callable[[], Plain]]:
    """Return the unmodified trackers with emolens's thresholds."""
    shared = {"lost_track_buffer": BUFFER, "minimum_consecutive_frames": 1}
    scores = {"high_conf_det_threshold": SCORE}
    starts = {**shared, **scores, "track_activation_threshold": SCORE}
    return {
        "bytetrack alone": lambda: Plain(trackers.ByteTrackTracker(**starts)),
        "ocsort alone": lambda: Plain(trackers.OCSORTTracker(**shared, **scores)),
        "cbiou alone": lambda: Plain(trackers.CBIoUTracker(**starts)),
    }


def main() -> None:
    """Print one Markdown row per clip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    makers: dict[str, Callable[[], FaceTracker | Plain]] = dict(plain_trackers())
    makers |= {name: lambda name=name: build_tracker(name) for name in TRACKER_NAMES}
    names = (*makers, IN_STREAM)
    print("| clip | faces | " + " | ".join(names) + " |")
    print("|---|---|" + "---|" * len(names))
    results: dict[str, dict[str, dict[str, float]]] = {}
    for clip, (duration_s, actors) in clips().items():
        samples = sample_clip(duration_s, actors)
        of_clip = {name: measure(make(), samples) for name, make in makers.items()}
        of_clip[IN_STREAM] = in_stream(duration_s, actors)
        results[clip] = {
            name: {"idf1": idf1, "n_ids": n_ids} for name, (idf1, n_ids) in of_clip.items()
        }
        cells = [f"{idf1:.2f} ({n_ids})" for idf1, n_ids in of_clip.values()]
        print(f"| {clip} | {len(actors)} | " + " | ".join(cells) + " |", flush=True)
    means = {name: float(np.mean([of[name]["idf1"] for of in results.values()])) for name in names}
    print("| mean | | " + " | ".join(f"{mean:.2f}" for mean in means.values()) + " |")
    if options.json:
        record = {"clips": results, "mean_idf1": means}
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
