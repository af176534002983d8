"""A window on the screen."""

import os
import platform
import re
import socket
from typing import Final, Self

import cv2

from emolens.core.errors import ConfigError
from emolens.core.frame import Frame, FrameResult

_KEYS_TO_CLOSE: Final = frozenset({ord("q"), 27})
_DISPLAY: Final = re.compile(r"(?P<host>[^:]*):(?P<number>[0-9]{1,4})(\.[0-9]+)?")
_ANSWER_S: Final = 3.0


class Window:
    """Shows frames in a window until somebody presses q or Esc or closes it.

    Implements `emolens.core.ports.ResultSink`.

    Args:
        title: What stands above it.

    Raises:
        ConfigError: There is no screen to show it on.
    """

    def __init__(self, title: str = "emolens") -> None:
        if not has_screen():
            raise ConfigError(
                "there is no screen to show a window on; use --no-window, and --record or --jsonl "
                "for results"
            )
        self._title = title
        self._is_shown = False
        self.is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show a frame; the result is not used. Nothing happens once the window is closed."""
        del result
        if self.is_closed:
            return
        if not self._is_shown:
            # Without the tool bar that some builds of OpenCV put above images.
            flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
            cv2.namedWindow(self._title, flags)
            cv2.resizeWindow(self._title, *frame.size_wh)
            self._is_shown = True
        cv2.imshow(self._title, frame.image)
        self.pump()

    def pump(self) -> None:
        """Let the window react; also while no frames come."""
        if not self._is_shown or self.is_closed:
            return
        key = cv2.waitKey(1) & 0xFF
        is_gone = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        if key in _KEYS_TO_CLOSE or is_gone:
            self.close()

    def close(self) -> None:
        """Close the window; twice is no error."""
        if self._is_shown and not self.is_closed:
            cv2.destroyAllWindows()
            cv2.waitKey(1)
        self.is_closed = True


def has_screen() -> bool:
    """Whether windows can be shown here."""
    if platform.system() != "Linux":
        return True
    # OpenCV ends the whole process where this does not answer. It knows no Wayland.
    found = _DISPLAY.fullmatch(os.environ.get("DISPLAY", ""))
    if not found:
        return False
    host, number = found["host"], int(found["number"])
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 (where X servers listen)
        return any(_answers(socket.AF_UNIX, address) for address in (f"\0{path}", path))
    return _answers(socket.AF_INET, (host.removeprefix("tcp/"), 6000 + number))


def _answers(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(_ANSWER_S)
        try:
            client.connect(address)
        except OSError:
            return False
    return True
