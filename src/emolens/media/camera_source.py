"""Cameras connected to this computer."""

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
    """The live frames of a camera connected to this computer.

    Implements `emolens.core.ports.FrameSource`. `media_time_s` is the time since the first frame.

    Args:
        number: Number of the camera, from 0.
        size_wh: Requested (width, height) in pixels. The camera may choose another size. None uses
            the camera's default.
        clock: Monotonic clock in seconds.

    Raises:
        SourceError: The camera is missing or in use, or access is denied.
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
        # Old frames in the driver's queue would only add latency.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if size_wh is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])

    def interrupt(self) -> None:
        """Do nothing: reads from a camera do not block for long."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the camera. Closing it again has no effect."""
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        began_s: float | None = None
        index = 0
        while True:
            is_read, image = self._capture.read()
            if not is_read or image is None:
                raise SourceError(
                    f"camera {self._number} stopped delivering frames. Check its connection."
                )
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
    """List the camera devices without opening them, or return None if the system has no list."""
    if platform.system() != "Linux":
        return None
    devices = [str(device) for device in Path("/dev").glob("video*")]
    return sorted(devices, key=lambda device: (len(device), device))


def _open(number: int) -> cv2.VideoCapture:
    devices = find_cameras()
    if devices is not None and not Path(f"/dev/video{number}").exists():
        available = f"available: {', '.join(devices)}" if devices else "no cameras are connected"
        raise SourceError(
            f"camera {number} not found; {available}. Connect it, or give a file or an address."
        )
    with _quiet_opencv():
        capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise SourceError(
            f"cannot open camera {number}: it is in use or access is denied. Close other programs "
            "that use it and check the permissions."
        )
    return capture


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's warnings, which duplicate the raised error."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
