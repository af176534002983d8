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
_CONNECT_TIMEOUT_S: Final = 3.0


class Window:
    """A sink that shows frames in a window until it is closed, or q or Esc is pressed.

    Implements `emolens.core.ports.ResultSink`.

    Args:
        title: Title of the window.

    Raises:
        ConfigError: No display is available.
    """

    def __init__(self, title: str = "emolens") -> None:
        if not has_screen():
            raise ConfigError(
                "no display is available for the window. Use --no-window with --record or --jsonl."
            )
        self._title = title
        self._is_shown = False
        self.is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show a frame. The result is not used, and a closed window ignores frames."""
        del result
        if self.is_closed:
            return
        if not self._is_shown:
            # WINDOW_GUI_NORMAL removes the toolbar of some OpenCV builds.
            flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
            cv2.namedWindow(self._title, flags)
            cv2.resizeWindow(self._title, *frame.size_wh)
            self._is_shown = True
        cv2.imshow(self._title, frame.image)
        self.pump()

    def pump(self) -> None:
        """Handle window events, also while no frames arrive."""
        if not self._is_shown or self.is_closed:
            return
        key = cv2.waitKey(1) & 0xFF
        is_hidden = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        if key in _KEYS_TO_CLOSE or is_hidden:
            self.close()

    def close(self) -> None:
        """Close the window. Closing it again has no effect."""
        if self._is_shown and not self.is_closed:
            cv2.destroyAllWindows()
            cv2.waitKey(1)
        self.is_closed = True


def has_screen() -> bool:
    """Return whether a display for windows is available."""
    if platform.system() != "Linux":
        return True
    # OpenCV aborts the process if the X server does not respond. It does not support Wayland.
    display = _DISPLAY.fullmatch(os.environ.get("DISPLAY", ""))
    if not display:
        return False
    host, number = display["host"], int(display["number"])
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 (where X servers listen)
        return any(_accepts_connections(socket.AF_UNIX, address) for address in (f"\0{path}", path))
    return _accepts_connections(socket.AF_INET, (host.removeprefix("tcp/"), 6000 + number))


def _accepts_connections(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(_CONNECT_TIMEOUT_S)
        try:
            client.connect(address)
        except OSError:
            return False
    return True
