"""What a stream does with a detector that finds known faces again."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.face import FaceDetection, FaceResult
from emolens.core.frame import Frame, FrameResult
from emolens.pipeline.stream import StreamAnalyzer
from emolens.testing import Actor, FakeClassifier, MarkDetector, SyntheticSource, marked_picture

Place = tuple[float, float, float]


def actor(path: Callable[[float], Place]) -> Actor:
    return Actor(marked_picture(0, brightness=128), path)


def still(_at_s: float) -> Place:
    return 160.0, 120.0, 100.0


def frames(shown: Actor, *, duration_s: float) -> list[Frame]:
    return list(SyntheticSource([shown], size_wh=(320, 240), rate_hz=30.0, duration_s=duration_s))


def analyze(detector: MarkDetector, shown: Sequence[Frame]) -> list[FrameResult]:
    analyzer = StreamAnalyzer(detector, FakeClassifier())
    return [analyzer.step(frame) for frame in shown]


def only(result: FrameResult) -> FaceResult:
    (face,) = result.faces
    return face


class FollowingDetector(MarkDetector):
    """A detector that can look for known faces where they are expected."""

    def __init__(self, *, is_blind: bool = False) -> None:
        super().__init__((0,))
        self.is_blind = is_blind
        self.n_searched = 0
        self.n_known: list[int] = []
        self.expected: list[tuple[FaceDetection, ...]] = []

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        self.n_searched += 1
        return super().detect(image)

    def search_known(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection]:
        self.n_known.append(len(expected))
        return self.detect(image)

    def follow(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection | None]:
        self.expected.append(tuple(expected))
        found = None if self.is_blind else next(iter(super().detect(image)), None)
        return [found for _ in expected]


def test_a_known_face_is_followed_between_two_looks() -> None:
    # It turns round in the middle between two looks.
    def path(at_s: float) -> Place:
        return 100 + 200 * abs(at_s - 0.55), 120.0, 80.0

    shown = frames(actor(path), duration_s=0.7)
    detector = FollowingDetector()
    results = analyze(detector, shown)
    assert detector.n_searched == 7
    assert len(detector.expected) == len(shown) - 7
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


def test_frames_are_searched_thoroughly_twice_a_second() -> None:
    shown = frames(actor(still), duration_s=2.0)
    detector = FollowingDetector()
    analyze(detector, shown)
    assert detector.n_searched == 20
    assert detector.n_known == [1] * 16
