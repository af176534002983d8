"""A network camera on 127.0.0.1: HTTP, with JPEG images or a transport stream."""

import contextlib
import http.server
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import cv2

from tests.clips import ClipRecipe, make_clip, numbered_image

N_FRAMES: Final = 40
RATE_HZ: Final = 50.0
PASSWORD: Final = "geheim"  # noqa: S105 (of a camera that is made for a test)
_BOUNDARY: Final = b"frame"


class Address(NamedTuple):
    """Where the camera can be reached."""

    host: str
    ended: threading.Event
    requests: Counter[str]

    def of(self, path: str) -> str:
        """An address with a name and a password in it."""
        return f"http://me:{PASSWORD}@{self.host}{path}?key={PASSWORD}"


_IMAGES: Final = f"multipart/x-mixed-replace; boundary={_BOUNDARY.decode()}"
_KINDS: Final = {
    "/jpeg": _IMAGES,
    "/silent-later": _IMAGES,
    "/ts": "video/mp2t",
    "/text": "text/plain",
    "/playlist": "application/vnd.apple.mpegurl",
}
_PLAYLIST: Final = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:/etc/hostname\n#EXT-X-ENDLIST\n"
)


class _Camera(http.server.BaseHTTPRequestHandler):
    ended: threading.Event
    requests: Counter[str]
    stream: bytes

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.requests[path] += 1
        if path == "/silent":
            self.ended.wait()
            return
        if path not in _KINDS:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", _KINDS[path])
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self._send(path)

    def _send(self, path: str) -> None:
        match path:
            case "/ts":
                self.wfile.write(self.stream)
            case "/text":
                self.wfile.write(b"hello world\n" * 100)
            case "/playlist":
                self.wfile.write(_PLAYLIST.encode())
            case _:
                self._send_images()
        if path == "/silent-later":
            self.ended.wait()

    def _send_images(self) -> None:
        for number in range(N_FRAMES):
            jpeg = cv2.imencode(".jpg", numbered_image(number))[1].tobytes()
            head = b"--%b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
            self.wfile.write(head % (_BOUNDARY, len(jpeg)) + jpeg + b"\r\n")
            if self.ended.wait(1 / RATE_HZ):
                return


@contextlib.contextmanager
def camera_server(folder: Path) -> Iterator[Address]:
    """Serve `/jpeg`, `/ts`, `/silent`, `/silent-later`, `/text`, `/playlist` until it ends."""

    asked = Counter[str]()

    class Camera(_Camera):
        ended = threading.Event()
        requests = asked
        stream = make_clip(folder / "camera.ts", ClipRecipe(n_frames=100)).read_bytes()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Address(f"127.0.0.1:{server.server_port}", Camera.ended, Camera.requests)
    finally:
        Camera.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
