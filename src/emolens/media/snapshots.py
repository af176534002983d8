"""Addresses that return one image per request."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError, SourceError
from emolens.imaging.decode import decode_image
from emolens.imaging.pyav import av
from emolens.media.connection import TIMED_OUT, NetworkAddress, reason_of

# Time between requests; most cameras make only a few snapshots per second.
INTERVAL_S: Final = 0.2
# Identical bytes are not a new image. They are repeated at this interval, so that a camera in front
# of a static scene does not count as lost.
REPEAT_S: Final = 0.5
MAX_BYTES: Final = 1 << 26
# First and maximum wait after a failed request; each wait doubles the one before.
_BACK_OFF_S: Final = (0.25, 1.0)
_CHUNK_BYTES: Final = 1 << 16
# The last bytes of JPEG and PNG files.
_ENDINGS: Final = (b"\xff\xd9", b"IEND\xae\x42\x60\x82")


class Received(NamedTuple):
    """A received image.

    Attributes:
        image: uint8 (H, W, 3), BGR.
        at_s: Time of arrival in seconds on the source's clock.
    """

    image: npt.NDArray[np.uint8]
    at_s: float


class _Snapshot(NamedTuple):
    encoded: bytes
    image: npt.NDArray[np.uint8]


def snapshots(
    address: NetworkAddress,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Received]:
    """Request images from an address one after the other, without end.

    A failed request is repeated with growing waits, up to `address.read_timeout_s` without an
    image. The first request is not repeated.

    Args:
        address: The address.
        clock: Clock in seconds, for `Received.at_s`.
        pause: Waits for a number of seconds.

    Raises:
        SourceError: The address returns no image within its timeout.
    """
    began_s = time.monotonic()
    latest = _fetch(address, address.read_timeout_s)
    yield Received(latest.image, clock())
    yielded_s = time.monotonic()
    while True:
        pause(max(0.0, began_s + INTERVAL_S - time.monotonic()))
        began_s = time.monotonic()
        snapshot = _fetch_with_retries(address, latest, pause)
        if snapshot is latest and time.monotonic() - yielded_s < REPEAT_S:
            continue
        latest = snapshot
        yield Received(latest.image, clock())
        yielded_s = time.monotonic()


def _fetch_with_retries(
    address: NetworkAddress, latest: _Snapshot, pause: Callable[[float], None]
) -> _Snapshot:
    until_s = time.monotonic() + address.read_timeout_s
    wait_s = _BACK_OFF_S[0]
    while True:
        try:
            return _fetch(address, until_s - time.monotonic(), latest)
        except SourceError:
            if time.monotonic() + wait_s >= until_s:
                raise
        pause(wait_s)
        wait_s = min(2 * wait_s, _BACK_OFF_S[1])


def _fetch(address: NetworkAddress, limit_s: float, latest: _Snapshot | None = None) -> _Snapshot:
    """Request one image, within `limit_s` seconds.

    Returns:
        The image, or `latest` itself if the bytes are identical.
    """
    reason = ""
    limited = replace(address, open_timeout_s=limit_s, read_timeout_s=limit_s)
    with contextlib.closing(_bodies(limited)) as bodies:
        for body, failure in bodies:
            if latest is not None and body == latest.encoded:
                return latest
            try:
                return _Snapshot(body, decode_image(body).image)
            except InputError as error:
                reason = failure or str(error)
    raise SourceError(f"{address.name}: {reason}")


def _bodies(address: NetworkAddress) -> Generator[tuple[bytes, str], None, None]:
    """Yield the response body with the reason of a failure, or an empty reason.

    The body is yielded whenever it may be complete, and again with more bytes. Some cameras neither
    declare its length nor close the connection, and an embedded preview has the same end marker.
    """
    until_s = time.monotonic() + address.read_timeout_s
    body, failure = bytearray(), ""
    with address.connect(file_format="data", raw_packet_size=str(_CHUNK_BYTES)) as response:
        try:
            for packet in response.demux(response.streams[0]):
                body += bytes(packet)
                if _may_be_complete(body):
                    yield bytes(body), ""
                if len(body) > MAX_BYTES:
                    failure = f"the response is larger than {MAX_BYTES:,} bytes"
                    break
                if time.monotonic() >= until_s:
                    failure = TIMED_OUT
                    break
        except (av.FFmpegError, OSError) as error:
            failure = reason_of(error)
    yield bytes(body), failure


def _may_be_complete(body: bytearray) -> bool:
    if body.startswith(b"RIFF"):
        return len(body) >= 8 + int.from_bytes(body[4:8], "little")
    return body[-64:].rstrip(b"\0\r\n ").endswith(_ENDINGS)
