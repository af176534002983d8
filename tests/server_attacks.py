"""Requests beyond the limits of the server, and files that are not what they say (G16, G20)."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from PIL import Image

from emolens.media.sample import sample_image
from tests.raw_http import Answer, connect, send_and_read
from tests.raw_stream import BINARY, frame, length, opened_stream

_MB: Final = 1_000_000
_CHUNK: Final = b"10000\r\n" + bytes(0x10000) + b"\r\n"
JPEG: Final = sample_image().read_bytes()


@dataclass(frozen=True, slots=True)
class Attack:
    """A request that must be refused.

    Attributes:
        statuses: Allowed statuses; 0 is the end of the connection without an answer.
        path: Its path.
        lines: Its header lines, except `Host`.
        body: What follows the head, again and again until the server refuses it.
        n_repeats: How often the body is sent at most.
    """

    statuses: tuple[int, ...]
    path: str = "/v1/analyze"
    lines: tuple[str, ...] = ()
    body: bytes = b""
    n_repeats: int = 1

    def send(self, port: int) -> Answer:
        """Send the request and read the answer."""
        with connect(port) as connection:
            return send_and_read(connection, self._parts(port))

    def _parts(self, port: int) -> Iterator[bytes]:
        head = (f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *self.lines, "", "")
        yield "\r\n".join(head).encode("latin-1")
        for _ in range(self.n_repeats):
            yield self.body


def _sized(n_bytes: object, *lines: str) -> tuple[str, ...]:
    return (f"Content-Length: {n_bytes}", *lines)


def _whole(statuses: int, body: bytes, *lines: str, path: str = "/v1/analyze") -> Attack:
    return Attack((statuses,), path, _sized(len(body), *lines), body)


LENGTHS: Final[Mapping[str, Attack]] = {
    "11 MB, declared": Attack((413,), lines=_sized(11 * _MB)),
    "11 MB, declared and sent": Attack(
        (413,), lines=_sized(11 * _MB), body=bytes(_MB), n_repeats=11
    ),
    "11 MB to explain": Attack((413,), "/v1/explain", _sized(11 * _MB)),
    "21 MB form": Attack(
        (413,), lines=_sized(21 * _MB, "Content-Type: multipart/form-data; boundary=b")
    ),
    "201 MB video": Attack((413,), "/v1/jobs", _sized(201 * _MB)),
    "an exabyte": Attack((413,), lines=_sized(10**18)),
    "more than 64 bits": Attack((400, 413), lines=_sized(10**25)),
    "a negative length": Attack((400,), lines=_sized(-1)),
    "a length that is no number": Attack((400,), lines=_sized("1e3")),
    "a length with a sign": Attack((400,), lines=_sized("+5"), body=b"abcde"),
    "no length": Attack((422,)),
    "two lengths": Attack((400,), lines=(*_sized(3), *_sized(5)), body=b"abcde"),
    "a length and chunks": Attack(
        (400,), lines=_sized(3, "Transfer-Encoding: chunked"), body=b"3\r\nabc\r\n0\r\n\r\n"
    ),
    "chunks and a length": Attack(
        (400,), lines=("Transfer-Encoding: chunked", *_sized(3)), body=b"3\r\nabc\r\n0\r\n\r\n"
    ),
    "an unknown transfer coding": Attack(
        (400, 501), lines=("Transfer-Encoding: gzip, x",), body=b"a"
    ),
    "chunks without end": Attack(
        (413,), lines=("Transfer-Encoding: chunked",), body=_CHUNK, n_repeats=400
    ),
    "chunks of a form without end": Attack(
        (413,),
        lines=("Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=b"),
        body=_CHUNK,
        n_repeats=800,
    ),
    "a chunk of an exabyte": Attack(
        (400, 413),
        lines=("Transfer-Encoding: chunked",),
        body=b"ffffffffffffff\r\n" + bytes(_MB),
        n_repeats=20,
    ),
    "a chunk size without end": Attack(
        (400,), lines=("Transfer-Encoding: chunked",), body=b"0" * 100_000, n_repeats=50
    ),
    "a chunk extension without end": Attack(
        (400,), lines=("Transfer-Encoding: chunked",), body=b"3;a=" + b"b" * _MB, n_repeats=100
    ),
    "trailers without end": Attack(
        (400,),
        lines=("Transfer-Encoding: chunked",),
        body=b"0\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(1000)),
    ),
    "more bytes than declared": Attack(
        (400, 415, 422, 431), lines=_sized(3, "Connection: close"), body=b"abc" + bytes(_MB)
    ),
}


def _png(width: int, height: int, *, rows: int = 0, n_bits: int = 8) -> bytes:
    """Return a PNG whose head promises a size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, n_bits, 2, 0, 0, 0)
    body = zlib.compress(bytes(3 * width + 1) * rows, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _saved(size_wh: tuple[int, int], name: str, **options: object) -> bytes:
    output = io.BytesIO()
    Image.new("L", size_wh, 128).save(output, name, **options)
    return output.getvalue()


def bombs() -> dict[str, Attack]:
    """Return small files that decode to more pixels than allowed."""
    gif = bytearray(_saved((10, 10), "GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    webp = b"VP8X" + struct.pack("<IBxxx", 10, 0) + b"\xff\xff\x00" * 2
    return {
        "PNG of 60000 x 60000": _whole(413, _png(60_000, 60_000, rows=300)),
        "PNG of 2 to the 31": _whole(413, _png(2**31 - 1, 2**31 - 1)),
        "PNG of 5200 x 5200": _whole(413, _saved((5200, 5200), "PNG")),
        "JPEG of 6000 x 6000": _whole(413, _saved((6000, 6000), "JPEG")),
        "GIF of 65535 x 65535": _whole(413, bytes(gif)),
        "TIFF of 30000 x 30000": _whole(
            413, _saved((30_000, 30_000), "TIFF", compression="packbits")
        ),
        "BMP of 6000 x 6000": _whole(413, _bmp(6000, 6000)),
        "WebP of 65536 x 65536": _whole(413, b"RIFF" + struct.pack("<I", 22) + b"WEBP" + webp),
        "PPM of 99999 x 99999": _whole(413, b"P6 99999 99999 255\n" + bytes(100)),
        "a bomb to explain": _whole(413, _png(60_000, 60_000, rows=300), path="/v1/explain"),
        "a compressed body": _whole(415, gzip.compress(bytes(_MB)), "Content-Encoding: gzip"),
        "a compressed image": _whole(415, gzip.compress(JPEG), "Content-Encoding: gzip"),
        "a compressed video": _whole(
            415, gzip.compress(bytes(_MB)), "Content-Encoding: gzip", path="/v1/jobs"
        ),
    }


def _bmp(width: int, height: int) -> bytes:
    head = b"BM" + struct.pack("<IHHI", 54 + 100, 0, 0, 54)
    return (
        head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(100)
    )


def _zip() -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("a.jpg", JPEG)
    return output.getvalue()


PLAYLISTS: Final[Mapping[str, bytes]] = {
    "HLS": b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "HLS of files": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "HLS after a mark": b"\xef\xbb\xbf#EXTM3U\n#EXTINF:10,\n/etc/passwd\n",
    "ffconcat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "DASH": b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1:9/</BaseURL></MPD>',
    "SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
    "an address": b"http://127.0.0.1:9/a.mp4",
    "a file address": b"file:///etc/passwd",
    "a path": b"/etc/passwd",
    "Smooth Streaming": b'<SmoothStreamingMedia MajorVersion="2"></SmoothStreamingMedia>',
    "a reference movie": b"\x00\x00\x00\x20moov\x00\x00\x00\x18rmra\x00\x00\x00\x10rmdafile:///",
    "PLS": b"[playlist]\nFile1=http://127.0.0.1:9/a.mp3\n",
}
"""Small files that make some decoders open others."""

NO_IMAGES: Final[Mapping[str, bytes]] = {
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "HTML": b"<!doctype html><img src='http://127.0.0.1:9/a.png'>",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(/etc/passwd) (r) file\n",
    "zip": _zip(),
    "ELF": b"\x7fELF" + bytes(60),
    "ImageMagick's language": b"push graphic-context\nfill 'url(file:///etc/passwd)'\n",
    "pickle": b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix",
}
"""Files that are no image."""


def oversized_messages(port: int) -> dict[str, int]:
    """Return the close codes of streams with too large messages."""

    def close_code(*parts: bytes) -> int:
        with opened_stream(port) as stream:
            try:
                for part in parts:
                    stream.send(part)
            except ConnectionError:
                return 0
            return stream.close_code()

    piece = frame(0, bytes(60_000), is_final=False)
    return {
        "600 KB": close_code(frame(BINARY, bytes(600_000))),
        "an exabyte, declared": close_code(bytes([0x82]) + length(2**60)),
        "pieces without end": close_code(
            frame(BINARY, bytes(60_000), is_final=False), *[piece] * 12
        ),
    }
