"""Settings and limits of the server."""

import ipaddress
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from emolens.contract.server import LimitsRecord
from emolens.core.errors import ConfigError
from emolens.server.keys import Keys

_USUAL_PORTS = {"http": 80, "https": 443}
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what clients may send and use. All are positive.

    Attributes:
        image_bytes: Bytes of an image file.
        image_pixels: Width x height of an image.
        images: Images in one request.
        upload_bytes: Bytes of a request with several images.
        explained_faces: Faces of an image that are explained; the others are left out.
        frame_bytes: Bytes of a message on a stream.
        frame_pixels: Width x height of a frame of a stream.
        dropped_per_s: Dropped frames of a stream in one second; a stream with more is closed.
        clip_bytes: Bytes of a video.
        clip_s: Duration of a video in seconds.
        clip_pixels: Width x height of a video.
        jobs: Videos that wait or run.
        kept_jobs: Videos whose results are kept.
        disk_bytes: Bytes of all videos and results in the temporary folder.
        job_s: Time to analyse a video in seconds; afterwards, the job fails.
        job_bytes: Memory of the process that analyses a video.
        keep_s: Time in seconds for which the results of a video are kept.
        connections: Open connections.
        streams: Open streams.
        waiting: Requests of each kind that wait or are analysed.
        body_bytes: Bytes of all request bodies in memory.
        head_s: Time for the head of a request in seconds, and for the first message of a stream.
        stall_s: Time without a byte of a body, or without reading a response, in seconds.
        idle_s: Time without a request or message in seconds; afterwards, the connection is closed.
        stop_s: Time to finish requests after SIGTERM in seconds.
    """

    image_bytes: int = 10_000_000
    image_pixels: int = 25_000_000
    images: int = 16
    upload_bytes: int = 20_000_000
    explained_faces: int = 8
    frame_bytes: int = 512 * 1024
    frame_pixels: int = 4_000_000
    dropped_per_s: int = 120
    clip_bytes: int = 200_000_000
    clip_s: float = 600.0
    clip_pixels: int = 4096 * 2304
    jobs: int = 8
    kept_jobs: int = 32
    disk_bytes: int = 2_000_000_000
    job_s: float = 1800.0
    job_bytes: int = 4 * 1024**3
    keep_s: float = 3600.0
    connections: int = 256
    streams: int = 16
    waiting: int = 64
    body_bytes: int = 128_000_000
    head_s: float = 10.0
    stall_s: float = 10.0
    idle_s: float = 30.0
    stop_s: float = 8.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if value <= 0:
                raise ConfigError(f"{one.name} is {value}; allowed: above 0")

    def record(self) -> LimitsRecord:
        """Return the limits that clients need to know."""
        return LimitsRecord(**{name: getattr(self, name) for name in LimitsRecord.model_fields})


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of the server.

    Attributes:
        host: Address to listen on. An address that other computers can reach requires keys.
        port: Port; 0 chooses a free one.
        origins: Addresses of web pages that may use the server, such as `https://faces.example`,
            in addition to its own.
        keys: The keys of clients; without any, every program on this computer may use the server.
        model: Name of an emotion model, or path of an `.onnx` file.
        detector: Name of a face detector.
        n_workers: Threads that analyse; None for one per core.
        limits: Limits on what clients may send and use.

    Raises:
        ConfigError: The address can be reached by other computers and there are no keys, or an
            origin is not one.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    origins: tuple[str, ...] = ()
    keys: Keys = field(default_factory=Keys)
    model: str | Path = "default"
    detector: str = "default"
    n_workers: int | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port is {self.port}; allowed: 0 to 65535")
        if self.n_workers is not None and self.n_workers < 1:
            raise ConfigError(f"n_workers is {self.n_workers}; allowed: 1 or more")
        object.__setattr__(self, "origins", tuple(map(_checked_origin, self.origins)))
        if not self.is_local and not self.keys:
            raise ConfigError(
                f"{self.host} can be reached by other computers. Create a key "
                "(`emolens serve --new-key NAME --keys FILE`), or use --host 127.0.0.1."
            )

    @property
    def is_local(self) -> bool:
        """Whether only programs on this computer can reach the server."""
        return is_local_host(self.host)


def is_local_host(host: str) -> bool:
    """Return whether a host name or address means this computer only."""
    if host.lower() in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _checked_origin(origin: str) -> str:
    """Return an origin in the form that browsers send: lower case, without a usual port."""
    normal = _normal_origin(origin)
    if normal is None:
        raise ConfigError(
            f"origin {origin!r} is not the address of a site; allowed: a scheme, a host and "
            "optionally a port, such as https://faces.example"
        )
    return normal


def _normal_origin(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:  # brackets without an IPv6 address, or a port out of range
        return None
    usual_port = _USUAL_PORTS.get(parts.scheme)
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    is_plain = origin.isascii() and origin.isprintable() and " " not in origin
    if usual_port is None or not parts.hostname or not is_bare or not is_plain:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual_port) else f":{port}")
