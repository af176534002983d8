"""Network cameras and streams: RTSP, HTTP and whatever else FFmpeg receives."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Final, Self

from emolens.core.errors import ConfigError, SourceError
from emolens.core.frame import Frame
from emolens.core.ports import SourceReport
from emolens.imaging.pyav import InputContainer, av
from emolens.media.addresses import NETWORK_SCHEMES, scheme_of, without_secrets
from emolens.media.connection import NetworkAddress, SilentError, UnreadableError, broken_off
from emolens.media.snapshots import Received, snapshots
from emolens.media.upright import Upright
from emolens.media.video_file import packets_of

OPEN_TIMEOUT_S: Final = 8.0
READ_TIMEOUT_S: Final = 4.0
# JPEG images one after the other, told apart by a boundary and a type in front of each.
_PARTS: Final = "mpjpeg"
# The same without regard to what is between them. What is read to find out their size is kept,
# and no more than that is read: there is nothing else to find out.
_RAW_IMAGES: Final = "mjpeg"
_NO_ANALYSIS: Final = {"analyzeduration": "1"}


class NetworkSource:
    """The frames of a network camera, as they come.

    Implements `emolens.core.ports.FrameSource`. `media_time_s` is the time of arrival since the
    first frame: time stamps of cameras jump when they are set or start anew.

    Args:
        address: An address with a scheme of `NETWORK_SCHEMES`. A password in it is never shown.
        open_timeout_s: Seconds that opening may take.
        read_timeout_s: Seconds that the camera may be silent.
        clock: Gives seconds on a monotonic clock.

    Raises:
        ConfigError: The scheme is none of those.
        SourceError: The camera cannot be reached, or gives no images.
    """

    def __init__(
        self,
        address: str,
        *,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.report = SourceReport(is_live=True)
        self._name = without_secrets(address)
        scheme = scheme_of(address)
        if scheme not in NETWORK_SCHEMES:
            allowed = ", ".join(sorted(NETWORK_SCHEMES))
            raise ConfigError(f"cannot read {self._name}; allowed are the schemes {allowed}")
        self._clock = clock
        self._place = NetworkAddress(address, open_timeout_s, read_timeout_s)
        self._container: InputContainer | None = None
        self._is_closed = False
        try:
            self._received = self._open()
        except BaseException:
            self.close()
            raise

    def interrupt(self) -> None:
        """A read ends by its time-out."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; twice is no error."""
        self._is_closed = True
        self._hang_up()

    def _hang_up(self) -> None:
        if self._container is not None:
            self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        began_s: float | None = None
        for index, (image, now_s) in enumerate(self._received):
            began_s = now_s if began_s is None else began_s
            yield Frame(
                image,
                index=index,
                media_time_s=now_s - began_s,
                captured_at_s=now_s,
                source_id=self._name,
            )
            if self._is_closed:
                return

    def _open(self) -> Iterator[Received]:
        """Find the way in which this camera gives images; a doubtful one has given the first."""
        began_s = time.monotonic()
        try:
            # What is new counts, not what was received before.
            streamed = self._stream(fflags="nobuffer")
        except UnreadableError as error:
            return self._open_raw(error)
        is_slow = time.monotonic() - began_s >= self._place.open_timeout_s
        name = self._container.format.name if self._container else ""
        # FFmpeg's formats of single images; the latter by the end of the address.
        is_single = name.endswith("_pipe") or name == "image2"
        if not self._place.is_web or not (is_single or name == _PARTS):
            return streamed
        try:
            # FFmpeg waits in vain for what comes behind an image whose end it is not told.
            if not (is_single and is_slow):
                return self._with_first(streamed)
        except SourceError as error:
            if not is_single:
                return self._open_raw(error)
        self._hang_up()
        return self._with_first(snapshots(self._place, clock=self._clock))

    def _open_raw(self, reason: SourceError) -> Iterator[Received]:
        """For cameras with another idea of boundaries and types; raises `reason` if it is none."""
        self._hang_up()
        if not self._place.is_web or isinstance(reason, SilentError):
            raise reason
        try:
            return self._with_first(self._stream(_RAW_IMAGES, **_NO_ANALYSIS))
        except SourceError:
            raise reason from None

    def _with_first(self, received: Iterator[Received]) -> Iterator[Received]:
        """The same, with its first image there already."""
        first = next(received, None)
        if first is None:
            raise SourceError(f"{self._name} gives no images")
        return itertools.chain((first,), received)

    def _stream(self, file_format: str | None = None, **options: str) -> Iterator[Received]:
        self._container = self._place.connect(file_format=file_format, **options)
        if not self._container.streams.video:
            raise SourceError(f"{self._name} gives no images")
        return self._decode(self._container)

    def _decode(self, container: InputContainer) -> Iterator[Received]:
        stream = container.streams.video[0]
        upright = Upright(stream)
        # Threads that decode several frames at once would each hold one back.
        stream.thread_type = "SLICE"
        packets = packets_of(container, stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                raise broken_off(self._name, error) from None
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue  # damaged on the way; the next key frame makes up for it
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    yield Received(upright.to_bgr(frame), self._clock())
