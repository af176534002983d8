"""Cameras of this machine."""

import contextlib
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from emolens.core.errors import SourceError
from emolens.core.frame import Frame
from emolens.core.ports import SourceReport


class CameraSource:
    """The frames of a camera that is connected to this machine, as they come.

    Implements `emolens.core.ports.FrameSource`. `media_time_s` is the time since the first frame.

    Args:
        number: Number of the camera, 0 being the first.
        size_wh: (width, height) to ask the camera for; it may give another one. None takes what it
            gives.
        clock: Gives seconds on a monotonic clock.

    Raises:
        SourceError: There is no such camera, it is in use, or it may not be used.
    """

    def __init__(
        self,
        number: int,
        *,
        size_wh: tuple[int, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.report = SourceReport(is_live=True)
        self._number = number
        self._clock = clock
        self._capture = _open(number)
        # Old frames that wait in the driver would only add to the delay.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if size_wh is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])

    def interrupt(self) -> None:
        """A camera gives frames, or fails, in no time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the camera; twice is no error."""
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        began_s: float | None = None
        index = 0
        while True:
            is_read, image = self._capture.read()
            if not is_read or image is None:
                raise SourceError(f"camera {self._number} gives no frames any more")
            now_s = self._clock()
            began_s = now_s if began_s is None else began_s
            yield Frame(
                np.asarray(image, np.uint8),
                index=index,
                media_time_s=now_s - began_s,
                captured_at_s=now_s,
                source_id=f"camera {self._number}",
            )
            index += 1


def find_cameras() -> list[str] | None:
    """Camera devices, without opening any; None where this system does not list them."""
    if platform.system() != "Linux":
        return None
    devices = [str(device) for device in Path("/dev").glob("video*")]
    return sorted(devices, key=lambda device: (len(device), device))


def _open(number: int) -> cv2.VideoCapture:
    found = find_cameras()
    if found is not None and not Path(f"/dev/video{number}").exists():
        there = f"there are {', '.join(found)}" if found else "this machine has none"
        raise SourceError(
            f"there is no camera {number}: {there}. Connect one, or give a file or an address"
        )
    with _quiet_opencv():
        capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise SourceError(
            f"cannot open camera {number}: it is in use by another program, or this user may not "
            "use it; close other programs and check the permissions"
        )
    return capture


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own warnings, which repeat what is raised, from the terminal."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
