import itertools
import time
from collections.abc import Iterator

import pytest

from emolens.core.errors import SourceError
from emolens.media.connection import NetworkAddress
from emolens.media.snapshots import INTERVAL_S, MAX_BYTES, REPEAT_S, Received, snapshots
from tests.clips import read_number
from tests.odd_camera_server import SNAPSHOTS, OddCamera, odd_camera_server

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]


@pytest.fixture
def camera() -> Iterator[OddCamera]:
    with odd_camera_server() as camera:
        yield camera


def received(camera: OddCamera, path: str, n_images: int) -> list[Received]:
    place = NetworkAddress(camera.of(path), 2, 1)
    return list(itertools.islice(snapshots(place), n_images))


@pytest.mark.parametrize("kind", [*SNAPSHOTS, "open", "preview"])
def test_every_image_is_asked_for_once(kind: str, camera: OddCamera) -> None:
    images = received(camera, f"/snapshot/{kind}", 3)
    numbers = [read_number(image.image) for image in images]
    assert numbers == [1, 2, 3]
    assert camera.requests.total() == 3
    # Two intervals; under load the first image may be seen late.
    assert images[-1].at_s - images[0].at_s >= INTERVAL_S


def test_a_camera_is_not_asked_faster_than_it_should_be(camera: OddCamera) -> None:
    began_s = time.monotonic()
    received(camera, "/snapshot/length", 4)
    assert time.monotonic() - began_s >= 3 * INTERVAL_S - 0.01


def test_the_same_image_again_is_given_more_rarely(camera: OddCamera) -> None:
    images = received(camera, "/snapshot/same", 3)
    assert camera.requests.total() >= 5
    for before, after in itertools.pairwise(images):
        assert REPEAT_S <= after.at_s - before.at_s < 3


def test_an_image_that_fails_now_and_then_is_asked_for_again(camera: OddCamera) -> None:
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            camera.broken.clear()

    images = snapshots(NetworkAddress(camera.of("/snapshot/length"), 2, 4), pause=pause)
    next(images)
    camera.broken.set()
    assert read_number(next(images).image) == 4
    assert pauses[1:] == [0.25, 0.5]


def test_a_camera_that_fails_for_long_is_lost(camera: OddCamera) -> None:
    images = snapshots(NetworkAddress(camera.of("/snapshot/length"), 2, 1))
    next(images)
    camera.broken.set()
    began_s = time.monotonic()
    with pytest.raises(SourceError, match="Server returned 5XX"):
        next(images)
    assert 0.5 < time.monotonic() - began_s < 3


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/snapshot/half", "the connection failed or was interrupted"),
        ("/snapshot/drip", "the connection timed out"),
        ("/answer/silent", "the connection timed out"),
        ("/answer/html", "unknown image format"),
        ("/answer/empty", "empty"),
        ("/answer/404", "Server returned 404 Not Found"),
    ],
)
def test_what_is_no_image(path: str, reason: str, camera: OddCamera) -> None:
    began_s = time.monotonic()
    with pytest.raises(SourceError, match=reason):
        received(camera, path, 1)
    assert time.monotonic() - began_s < 3


def test_an_answer_without_end_is_given_up(
    camera: OddCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emolens.media.snapshots.MAX_BYTES", 500_000)
    with pytest.raises(SourceError, match="the response is larger than 500,000 bytes"):
        received(camera, "/answer/endless", 1)
    assert MAX_BYTES > 10_000_000
