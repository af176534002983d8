"""Addresses that answer one image: ask again and again."""

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
from emolens.media.connection import LATE, NetworkAddress, reason_of

# From one request to the next; most cameras make no more than a few such images in a second.
INTERVAL_S: Final = 0.2
# The same bytes again are no new image, but a camera that shows nothing new is not lost either.
REPEAT_S: Final = 0.5
MAX_BYTES: Final = 1 << 26
# Waits after an image that failed: doubling from the first to the last.
_BACK_OFF_S: Final = (0.25, 1.0)
_CHUNK_BYTES: Final = 1 << 16
# How a JPEG and a PNG file end.
_ENDINGS: Final = (b"\xff\xd9", b"IEND\xae\x42\x60\x82")


class Received(NamedTuple):
    """An image that arrived.

    Attributes:
        image: uint8 (H, W, 3), BGR.
        at_s: When it arrived, in seconds on the source's clock.
    """

    image: npt.NDArray[np.uint8]
    at_s: float


class _Snapshot(NamedTuple):
    encoded: bytes
    image: npt.NDArray[np.uint8]


def snapshots(
    place: NetworkAddress,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Received]:
    """The images of an address, one request after the other, without end.

    A request that fails is tried again with growing waits until the address was silent for
    `place.read_timeout_s`; the first one is not.

    Args:
        place: The address.
        clock: Gives the seconds of `Received.at_s`.
        pause: Waits for so many seconds.

    Raises:
        SourceError: There is no image any more.
    """
    began_s = time.monotonic()
    latest = _fetch(place, place.read_timeout_s)
    yield Received(latest.image, clock())
    given_s = time.monotonic()
    while True:
        pause(max(0.0, began_s + INTERVAL_S - time.monotonic()))
        began_s = time.monotonic()
        snapshot = _fetch_patiently(place, latest, pause)
        if snapshot is latest and time.monotonic() - given_s < REPEAT_S:
            continue
        latest = snapshot
        yield Received(latest.image, clock())
        given_s = time.monotonic()


def _fetch_patiently(
    place: NetworkAddress, latest: _Snapshot, pause: Callable[[float], None]
) -> _Snapshot:
    until_s = time.monotonic() + place.read_timeout_s
    wait_s = _BACK_OFF_S[0]
    while True:
        try:
            return _fetch(place, until_s - time.monotonic(), latest)
        except SourceError:
            if time.monotonic() + wait_s >= until_s:
                raise
        pause(wait_s)
        wait_s = min(2 * wait_s, _BACK_OFF_S[1])


def _fetch(place: NetworkAddress, limit_s: float, latest: _Snapshot | None = None) -> _Snapshot:
    """Ask once, and wait for a whole image no longer than some seconds.

    Returns:
        The image; `latest` itself where its bytes came again.
    """
    reason = ""
    hurried = replace(place, open_timeout_s=limit_s, read_timeout_s=limit_s)
    with contextlib.closing(_bodies(hurried)) as bodies:
        for body, failure in bodies:
            if latest is not None and body == latest.encoded:
                return latest
            try:
                return _Snapshot(body, decode_image(body).image)
            except InputError as error:
                reason = failure or str(error)
    raise SourceError(f"{place.name}: {reason}")


def _bodies(place: NetworkAddress) -> Generator[tuple[bytes, str], None, None]:
    """What an address answers, and what went wrong, if anything did.

    It comes as soon as it may be whole, and again with more: some cameras neither say how long an
    image is nor hang up behind it, and the end of a preview inside one looks the same.
    """
    until_s = time.monotonic() + place.read_timeout_s
    body, failure = bytearray(), ""
    with place.connect(file_format="data", raw_packet_size=str(_CHUNK_BYTES)) as answer:
        try:
            for packet in answer.demux(answer.streams[0]):
                body += bytes(packet)
                if _may_be_whole(body):
                    yield bytes(body), ""
                if len(body) > MAX_BYTES:
                    failure = f"it answers more than {MAX_BYTES:,} bytes instead of an image"
                    break
                if time.monotonic() >= until_s:
                    failure = LATE
                    break
        except (av.FFmpegError, OSError) as error:
            failure = reason_of(error)
    yield bytes(body), failure


def _may_be_whole(body: bytearray) -> bool:
    if body.startswith(b"RIFF"):
        return len(body) >= 8 + int.from_bytes(body[4:8], "little")
    return body[-64:].rstrip(b"\0\r\n ").endswith(_ENDINGS)
