from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import SourceError
from emolens.media import camera_source
from emolens.media.camera_source import CameraSource, find_cameras

Image = npt.NDArray[np.uint8]


class FakeCapture:
    """A camera that gives three frames."""

    made: "list[FakeCapture]"
    is_there = True

    def __init__(self, number: int) -> None:
        self.number = number
        self.settings: dict[int, float] = {}
        self.n_read = self.n_released = 0
        FakeCapture.made.append(self)

    def isOpened(self) -> bool:  # noqa: N802 (OpenCV's name)
        return self.is_there

    def set(self, name: int, value: float) -> bool:
        self.settings[name] = value
        return True

    def read(self) -> tuple[bool, Image | None]:
        self.n_read += 1
        if self.n_read > 3:
            return False, None
        return True, np.full((48, 64, 3), self.n_read, np.uint8)

    def release(self) -> None:
        self.n_released += 1


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    monkeypatch.setattr(FakeCapture, "made", [], raising=False)
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    monkeypatch.setattr(camera_source, "find_cameras", lambda: None)
    return FakeCapture


def test_frames_come_until_the_camera_gives_none(capture: type[FakeCapture]) -> None:
    clock = iter([100.0, 100.04, 100.5]).__next__
    frames = []
    with CameraSource(1, clock=clock) as source:
        with pytest.raises(SourceError, match="camera 1 stopped delivering frames"):
            for frame in source:
                frames.append(frame)  # noqa: PERF402 (what came before the error)
        assert capture.made[0].n_released == 0
    source.close()
    assert capture.made[0].n_released >= 1
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 3]
    assert [frame.captured_at_s for frame in frames] == [100.0, 100.04, 100.5]
    np.testing.assert_allclose([frame.media_time_s for frame in frames], [0.0, 0.04, 0.5])
    assert {frame.source_id for frame in frames} == {"camera 1"}


def test_old_frames_are_not_kept_and_a_size_can_be_asked_for(capture: type[FakeCapture]) -> None:
    CameraSource(0)
    assert capture.made[0].settings == {cv2.CAP_PROP_BUFFERSIZE: 1}
    CameraSource(0, size_wh=(640, 480))
    assert capture.made[1].settings[cv2.CAP_PROP_FRAME_WIDTH] == 640
    assert capture.made[1].settings[cv2.CAP_PROP_FRAME_HEIGHT] == 480


def test_a_camera_that_cannot_be_opened(
    capture: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "is_there", False)
    with pytest.raises(SourceError, match="cannot open camera 0: it is in use or access is denied"):
        CameraSource(0)
    assert capture.made[0].n_released == 1


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "camera 9 not found; no cameras are connected"),
        (["/dev/video0"], "camera 9 not found; available: /dev/video0"),
    ],
)
def test_a_camera_that_is_not_there_is_not_looked_for(
    found: list[str], said: str, capture: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    if Path("/dev/video9").exists():
        pytest.skip("this machine has ten cameras")
    monkeypatch.setattr(camera_source, "find_cameras", lambda: found)
    with pytest.raises(SourceError, match=said):
        CameraSource(9)
    assert capture.made == []


def test_cameras_are_listed_on_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert find_cameras() is None
    monkeypatch.setattr("platform.system", lambda: "Linux")
    names = ["/dev/video10", "/dev/video2"]
    monkeypatch.setattr(Path, "glob", lambda _self, _pattern: map(Path, names))
    assert find_cameras() == ["/dev/video2", "/dev/video10"]


@pytest.mark.timeout(30)
def test_opencv_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    if find_cameras() != []:
        pytest.skip("this machine has cameras, or does not list them")
    level = cv2.utils.logging.getLogLevel()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camera_source, "find_cameras", lambda: None)
        with pytest.raises(SourceError, match="cannot open camera 0"):
            CameraSource(0)
    assert capfd.readouterr() == ("", "")
    assert cv2.utils.logging.getLogLevel() == level
