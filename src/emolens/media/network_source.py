"""Network cameras and streams: RTSP, HTTP and other protocols of FFmpeg."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Final, Self

from emolens.core.errors import ConfigError, SourceError
from emolens.core.frame import Frame
from emolens.core.ports import SourceReport
from emolens.imaging.pyav import InputContainer, av
from emolens.media.addresses import NETWORK_SCHEMES, scheme_of, without_secrets
from emolens.media.connection import NetworkAddress, SilentError, UnreadableError, connection_lost
from emolens.media.snapshots import Received, snapshots
from emolens.media.upright import Upright
from emolens.media.video_file import packets_of

OPEN_TIMEOUT_S: Final = 8.0
READ_TIMEOUT_S: Final = 4.0
# JPEG images in a multipart stream, each with a boundary and a content type.
_MULTIPART: Final = "mpjpeg"
# JPEG images regardless of the bytes between them. The size is the only property to probe, so
# probing is kept short.
_RAW_IMAGES: Final = "mjpeg"
_NO_ANALYSIS: Final = {"analyzeduration": "1"}


class NetworkSource:
    """The live frames of a network camera.

    Implements `emolens.core.ports.FrameSource`. `media_time_s` is the time of arrival since the
    first frame, because the time stamps of cameras jump when their clock is set or they restart.

    Args:
        address: An address with a scheme of `NETWORK_SCHEMES`. Its password is never shown.
        open_timeout_s: Maximum time to open the connection, in seconds.
        read_timeout_s: Maximum time without data, in seconds.
        clock: Monotonic clock in seconds.

    Raises:
        ConfigError: The scheme is not supported.
        SourceError: The camera is unreachable or delivers no images.
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
            raise ConfigError(f"cannot read {self._name}; allowed schemes: {allowed}")
        self._clock = clock
        self._address = NetworkAddress(address, open_timeout_s, read_timeout_s)
        self._container: InputContainer | None = None
        self._is_closed = False
        try:
            self._received = self._open()
        except BaseException:
            self.close()
            raise

    def interrupt(self) -> None:
        """Do nothing: a blocked read ends with its timeout."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Closing it again has no effect."""
        self._is_closed = True
        self._disconnect()

    def _disconnect(self) -> None:
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
        """Detect how the camera delivers images, and verify uncertain cases by the first image."""
        began_s = time.monotonic()
        try:
            # The newest frame matters, not the frames in a buffer.
            streamed = self._stream(fflags="nobuffer")
        except UnreadableError as error:
            return self._open_raw(error)
        is_slow = time.monotonic() - began_s >= self._address.open_timeout_s
        name = self._container.format.name if self._container else ""
        # FFmpeg's formats of single images; "image2" follows from the end of the address.
        is_single = name.endswith("_pipe") or name == "image2"
        if not self._address.is_web or not (is_single or name == _MULTIPART):
            return streamed
        try:
            # FFmpeg blocks after an image of undeclared length.
            if not (is_single and is_slow):
                return self._with_first(streamed)
        except SourceError as error:
            if not is_single:
                return self._open_raw(error)
        self._disconnect()
        return self._with_first(snapshots(self._address, clock=self._clock))

    def _open_raw(self, reason: SourceError) -> Iterator[Received]:
        """Read JPEG images with non-standard boundaries or types; raise `reason` if that fails."""
        self._disconnect()
        if not self._address.is_web or isinstance(reason, SilentError):
            raise reason
        try:
            return self._with_first(self._stream(_RAW_IMAGES, **_NO_ANALYSIS))
        except SourceError:
            raise reason from None

    def _with_first(self, received: Iterator[Received]) -> Iterator[Received]:
        """Receive the first image and return an iterator over all of them."""
        first = next(received, None)
        if first is None:
            raise SourceError(f"{self._name} delivers no images")
        return itertools.chain((first,), received)

    def _stream(self, file_format: str | None = None, **options: str) -> Iterator[Received]:
        self._container = self._address.connect(file_format=file_format, **options)
        if not self._container.streams.video:
            raise SourceError(f"{self._name} delivers no images")
        return self._decode(self._container)

    def _decode(self, container: InputContainer) -> Iterator[Received]:
        stream = container.streams.video[0]
        upright = Upright(stream)
        # Frame threads would each delay one frame.
        stream.thread_type = "SLICE"
        packets = packets_of(container, stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                raise connection_lost(self._name, error) from None
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue  # damaged in transit; decoding recovers at the next key frame
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    yield Received(upright.to_bgr(frame), self._clock())
