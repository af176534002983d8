"""Cameras on 127.0.0.1 that answer one image at a time, or speak a dialect of MJPEG."""

import base64
import contextlib
import hashlib
import http.server
import itertools
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

import cv2

from tests.clips import numbered_image

USER: Final = "me"
# Every sign that means something in an address.
PASSWORD: Final = "ge@h:e/i#m?%5"  # noqa: S105 (of a camera that is made for a test)
ENCODED_PASSWORD: Final = "ge%40h%3Ae%2Fi%23m%3F%255"  # noqa: S105
_BOUNDARY: Final = b"--frame\r\n"
_JPEG_TYPE: Final = b"Content-Type: image/jpeg\r\n"
# Content type of the answer, what stands before the first image, and before the next ones.
DIALECTS: Final = {
    "no-first-boundary": ("multipart/x-mixed-replace; boundary=frame", b"", _JPEG_TYPE),
    "odd-type": ("multipart/x-mixed-replace; boundary=frame", None, b"Content-Type: image/jpg\r\n"),
    "bytes": (
        "multipart/x-mixed-replace; boundary=frame",
        None,
        b"Content-Type: application/octet-stream\r\n",
    ),
    "no-type": ("multipart/x-mixed-replace; boundary=frame", None, b"X-Number: 1\r\n"),
    "no-head": ("multipart/x-mixed-replace; boundary=frame", None, b""),
    "no-boundary-told": ("multipart/x-mixed-replace", None, _JPEG_TYPE),
    "other-boundary-told": ("multipart/x-mixed-replace; boundary=other", None, _JPEG_TYPE),
    "quoted": ('multipart/x-mixed-replace; boundary="frame"', None, _JPEG_TYPE),
    "dashes": ("multipart/x-mixed-replace; boundary=--frame", None, _JPEG_TYPE),
    "no-dashes": ("multipart/x-mixed-replace; boundary=frame", b"frame\r\n", _JPEG_TYPE),
    "mixed": ("multipart/mixed; boundary=frame", None, _JPEG_TYPE),
    "bytes-told": ("application/octet-stream", None, _JPEG_TYPE),
}
SNAPSHOTS: Final = {
    "length": ".jpg",
    "closed": ".jpg",
    "chunked": ".jpg",
    "bytes-type": ".jpg",
    "png": ".png",
    "webp": ".webp",
}


@dataclass(frozen=True, slots=True)
class OddCamera:
    """Where the cameras can be reached, and what was asked of them.

    Attributes:
        host: Name and port.
        requests: How often each path was asked for.
        broken: While it is set, every snapshot fails.
        ended: Set at the end.
    """

    host: str
    requests: Counter[str] = field(default_factory=Counter)
    broken: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def of(self, path: str, login: str = "") -> str:
        """An address; every camera's answer depends on its path alone."""
        return f"http://{login}{self.host}{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    camera: OddCamera
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.camera.requests[path] += 1
        kind, _, name = path.strip("/").partition("/")
        answer = getattr(self, f"_{kind}", None)
        # A client may hang up, and the end of the test comes in between.
        with contextlib.suppress(ConnectionError):
            answer(name) if answer else self.send_error(404)

    def _head(self, content_type: str, **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def _body(self, body: bytes, content_type: str) -> None:
        self._head(content_type, Content_Length=str(len(body)))
        self.wfile.write(body)

    def _number(self) -> int:
        return sum(self.camera.requests.values())

    def _snapshot(self, name: str) -> None:
        kind = name.partition(".")[0]
        if self.camera.broken.is_set():
            self.send_error(503)
            return
        image = numbered_image(0 if kind == "same" else self._number() % 64)
        body = cv2.imencode(SNAPSHOTS.get(kind, ".jpg"), image)[1].tobytes()
        match kind:
            case "closed":
                self._head("image/jpeg", Connection="close")
                self.wfile.write(body)
            case "open":
                # It neither says how long the image is nor hangs up behind it.
                self._head("image/jpeg", Connection="keep-alive")
                self.wfile.write(body)
                self.camera.ended.wait()
            case "chunked":
                self._head("image/jpeg", Transfer_Encoding="chunked")
                for begin in range(0, len(body), 700):
                    piece = body[begin : begin + 700]
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")
            case "preview":
                # A small JPEG file inside, whose end comes long before that of the whole.
                preview = cv2.imencode(".jpg", image[:8, :8])[1].tobytes()
                self._head("image/jpeg", Connection="close")
                size = (len(preview) + 2).to_bytes(2, "big")
                self.wfile.write(body[:2] + b"\xff\xe1" + size + preview)
                self.camera.ended.wait(0.05)
                self.wfile.write(body[2:])
            case "half" | "drip":
                self._unfinished(kind, body)
            case _:
                self._body(body, "application/octet-stream" if kind == "bytes-type" else "image/x")

    def _unfinished(self, kind: str, body: bytes) -> None:
        self._head("image/jpeg", Connection="close", Content_Length=str(len(body)))
        if kind == "half":
            self.wfile.write(body[: len(body) // 2])
            return
        for byte in body:
            self.wfile.write(bytes([byte]))
            if self.camera.ended.wait(0.02):
                return

    def _dialect(self, name: str) -> None:
        content_type, first, head = DIALECTS[name]
        self._head(content_type, Connection="close")
        boundary = first or _BOUNDARY
        for number in itertools.count():
            jpeg = cv2.imencode(".jpg", numbered_image(number % 256))[1].tobytes()
            before = first if number == 0 and first is not None and not first else boundary
            self.wfile.write(before + head + b"\r\n" + jpeg + b"\r\n")
            if self.camera.ended.wait(0.01):
                return

    def _answer(self, name: str) -> None:
        match name:
            case "html":
                self._body(b"<html><body>please log in</body></html>" * 40, "text/html")
            case "html-as-jpeg.jpg":
                self._body(b"<html><body>please log in</body></html>" * 40, "image/jpeg")
            case "empty":
                self._body(b"", "image/jpeg")
            case "endless":
                self._head("image/jpeg", Connection="close")
                while not self.camera.ended.is_set():
                    self.wfile.write(b"no image\n" * 100)
            case "silent":
                self.camera.ended.wait()
            case _:
                self.send_error(int(name))

    def _moved(self, name: str) -> None:
        self.send_response(302)
        self.send_header("Location", unquote(name))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _basic(self, name: str) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(given).decode() == f"{USER}:{PASSWORD}":
            self._snapshot(name)
        else:
            self._refuse('Basic realm="door"')

    def _digest(self, name: str) -> None:
        """Source: RFC 2617, 3.2, without `qop`."""
        given = dict(re.findall(r'(\w+)="([^"]*)"', self.headers.get("Authorization", "")))
        inner = [
            hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
            for text in (f"{USER}:door:{PASSWORD}", f"GET:{given.get('uri', '')}")
        ]
        wanted = hashlib.md5(f"{inner[0]}:7:{inner[1]}".encode(), usedforsecurity=False)
        if given.get("response") == wanted.hexdigest():
            self._snapshot(name)
        else:
            self._refuse('Digest realm="door", nonce="7"')

    def _refuse(self, challenge: str) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextlib.contextmanager
def odd_camera_server(port: int = 0) -> Iterator[OddCamera]:
    """Serve `/snapshot/KIND`, `/dialect/KIND`, `/answer/KIND`, `/moved/TO`.

    `/basic/KIND` and `/digest/KIND` are snapshots behind a password.
    """

    class Handler(_Handler):
        """With the cameras of this server."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    camera = Handler.camera = OddCamera(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield camera
    finally:
        camera.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
