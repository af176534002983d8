"""What a stream does with a detector that finds known faces again."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import EmotionScores
from emolens.core.face import FaceDetection, FaceResult
from emolens.core.frame import Frame, FrameResult
from emolens.core.ports import EmotionClassifier
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.testing import Actor, FakeClassifier, MarkDetector, SyntheticSource, marked_image

Place = tuple[float, float, float]


def actor(path: Callable[[float], Place | None], *, mark: int = 0) -> Actor:
    return Actor(marked_image(mark, brightness=128), path)


def still(_at_s: float) -> Place:
    return 160.0, 120.0, 100.0


def frames(*shown: Actor, duration_s: float) -> list[Frame]:
    return list(SyntheticSource(shown, size_wh=(480, 240), rate_hz=30.0, duration_s=duration_s))


def analyze(
    detector: MarkDetector,
    shown: Sequence[Frame],
    *,
    classifier: EmotionClassifier | None = None,
    settings: StreamSettings | None = None,
) -> list[FrameResult]:
    analyzer = StreamAnalyzer(detector, classifier or FakeClassifier(), settings=settings)
    return [analyzer.step(frame) for frame in shown]


def n_searches(detector: "FollowingDetector", *shown: Actor, duration_s: float = 2.0) -> int:
    analyze(detector, frames(*shown, duration_s=duration_s))
    return detector.n_searched


def only(result: FrameResult) -> FaceResult:
    (face,) = result.faces
    return face


class FollowingDetector(MarkDetector):
    """A detector that can look for known faces where they are expected."""

    def __init__(self, *, is_blind: bool = False) -> None:
        super().__init__((0, 1))
        self.is_blind = is_blind
        self.n_searched = 0
        self.n_known: list[int] = []
        self.expected: list[tuple[FaceDetection, ...]] = []

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        self.n_searched += 1
        return super().detect(image)

    def redetect(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection]:
        self.n_known.append(len(expected))
        return self.detect(image)

    def follow(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection | None]:
        self.expected.append(tuple(expected))
        found = [] if self.is_blind else super().detect(image)
        return [
            next((face for face in found if face.box.iou(known.box) > 0.3), None)
            for known in expected
        ]


class CountingClassifier(FakeClassifier):
    def __init__(self) -> None:
        self.n_calls = 0

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        self.n_calls += 1
        return super().classify(crops)


def test_a_known_face_is_followed_between_two_looks() -> None:
    # It turns round in the middle between two looks.
    def path(at_s: float) -> Place:
        return 100 + 200 * abs(at_s - 0.55), 120.0, 80.0

    shown = frames(actor(path), duration_s=0.7)
    detector = FollowingDetector()
    results = analyze(detector, shown)
    assert len(detector.expected) == len(shown) - detector.n_searched
    assert all(len(result.faces) == 1 for result in results)
    assert "following" in results[1].timings_ms
    predicted = [only(result).box.center_xy[0] for result in analyze(MarkDetector((0,)), shown)]
    followed = [only(result).box.center_xy[0] for result in results]
    truth = [path(frame.media_time_s)[0] for frame in shown]
    late = slice(17, 19)
    errors = [np.abs(np.subtract(xs[late], truth[late])).max() for xs in (followed, predicted)]
    assert errors[0] < errors[1]


def test_a_face_is_followed_from_where_it_should_be() -> None:
    shown = frames(actor(lambda at_s: (100 + 100 * at_s, 120, 80)), duration_s=0.6)
    detector = FollowingDetector()
    analyze(detector, shown)
    ((expected,),) = detector.expected[-1:]
    assert expected.box.center_xy[0] == pytest.approx(100 + 100 * shown[-1].media_time_s, abs=3)


def test_a_face_that_is_lost_is_searched_in_the_next_frame() -> None:
    shown = frames(actor(still), duration_s=1.0)
    detector = FollowingDetector(is_blind=True)
    analyze(detector, shown)
    assert detector.n_searched == len(shown) / 2


def test_frames_are_searched_thoroughly_once_a_second() -> None:
    detector = FollowingDetector()
    # The face is new in the first search, and known to keep still in the second.
    assert n_searches(detector, actor(still)) == 2 + 9
    assert detector.n_known == [1] * 9


def test_frames_are_searched_more_often_while_faces_are_near_each_other() -> None:
    near = [actor(lambda _t: (100, 120, 80)), actor(lambda _t: (230, 120, 80), mark=1)]
    apart = [actor(lambda _t: (100, 120, 80)), actor(lambda _t: (380, 120, 80), mark=1)]
    assert n_searches(FollowingDetector(), *near) == 20
    assert n_searches(FollowingDetector(), *apart) == 11


def test_frames_are_searched_more_often_while_a_face_moves_fast() -> None:
    # Four of its sides in a second: half of it is somewhere else after two frames.
    fast = actor(lambda at_s: (100 + 320 * abs((at_s + 0.5) % 2 - 1), 120, 80))
    assert n_searches(FollowingDetector(), fast) >= 20


def test_frames_without_faces_are_searched_at_the_rate_asked_for() -> None:
    assert n_searches(FollowingDetector(), actor(lambda _t: None)) == 20
    shown = frames(actor(lambda _t: None), duration_s=1.0)
    detector = FollowingDetector()
    analyze(detector, shown, settings=StreamSettings(detect_hz=None))
    assert detector.n_searched == len(shown)


def test_every_frame_is_searched_thoroughly_without_a_rate() -> None:
    shown = frames(actor(still), duration_s=1.0)
    detector = FollowingDetector()
    analyze(detector, shown, settings=StreamSettings(detect_hz=None))
    assert detector.n_searched == len(shown)
    # A search near known faces may miss a small new one, which a blurred recording would show.
    assert detector.n_known == []


def test_faces_are_named_in_between_too() -> None:
    detector, classifier = FollowingDetector(), CountingClassifier()
    analyze(detector, frames(actor(still), duration_s=2.0), classifier=classifier)
    assert classifier.n_calls == 20
    named = CountingClassifier()
    settings = StreamSettings(classify_hz=None)
    analyze(
        FollowingDetector(),
        frames(actor(still), duration_s=2.0),
        classifier=named,
        settings=settings,
    )
    assert named.n_calls == 60


def test_a_face_that_is_not_seen_is_not_named() -> None:
    classifier = CountingClassifier()
    detector = FollowingDetector(is_blind=True)
    settings = StreamSettings(classify_hz=None)
    shown = frames(actor(still), duration_s=1.0)
    analyze(detector, shown, classifier=classifier, settings=settings)
    assert classifier.n_calls == detector.n_searched == len(shown) / 2
