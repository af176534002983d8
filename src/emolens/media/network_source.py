"""Network cameras and streams: RTSP, HTTP and whatever else FFmpeg receives."""

import errno
import time
from collections.abc import Callable, Iterator
from typing import Final, Self

from emolens.core.errors import ConfigError, SourceError
from emolens.core.frame import Frame
from emolens.media.addresses import NETWORK_SCHEMES, scheme_of, without_secrets
from emolens.media.pyav import READ_METADATA, av
from emolens.media.upright import Upright
from emolens.media.video_file import packets_of

OPEN_TIMEOUT_S: Final = 8.0
READ_TIMEOUT_S: Final = 4.0
_OPTIONS: Final = {
    # A stream may name other addresses to go on with, but no file of this machine.
    "protocol_whitelist": "rtsp,rtsps,rtmp,rtp,srtp,http,https,udp,tcp,tls,srt,crypto",
    # Over TCP no packet is lost on the way; with UDP pictures fall to pieces.
    "rtsp_transport": "tcp",
    # What is new counts, not what was received before.
    "fflags": "nobuffer",
    "flags": "low_delay",
    # Nobody needs an estimate of the frame rate, which takes more than a second of opening.
    "fpsprobesize": "0",
}
_LATE: Final = "it does not answer in time"


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
        SourceError: The camera cannot be reached, or gives no pictures.
    """

    def __init__(
        self,
        address: str,
        *,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = without_secrets(address)
        scheme = scheme_of(address)
        if scheme not in NETWORK_SCHEMES:
            allowed = ", ".join(sorted(NETWORK_SCHEMES))
            raise ConfigError(f"cannot read {self._name}; allowed are the schemes {allowed}")
        self._clock = clock
        began_s = time.monotonic()
        try:
            self._container: av.container.InputContainer = av.open(
                # FFmpeg knows schemes in lower case only.
                scheme + address[len(scheme) :],
                options=dict(_OPTIONS),
                timeout=(open_timeout_s, read_timeout_s),
                **READ_METADATA,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            is_late = time.monotonic() - began_s >= open_timeout_s
            # Without the error of FFmpeg, which repeats the address with its password.
            raise SourceError(
                f"cannot open {self._name}: {_LATE if is_late else _reason(error)}; check the "
                "address, the network and whether the camera is on"
            ) from None
        streams = self._container.streams.video
        if not streams:
            self.close()
            raise SourceError(f"{self._name} gives no pictures")
        self._stream = streams[0]
        # Threads that decode several frames at once would each hold one back.
        self._stream.thread_type = "SLICE"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; twice is no error."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        upright = Upright()
        began_s: float | None = None
        for index, decoded in enumerate(self._decode()):
            now_s = self._clock()
            began_s = now_s if began_s is None else began_s
            yield Frame(
                upright.to_bgr(decoded),
                index=index,
                media_time_s=now_s - began_s,
                captured_at_s=now_s,
                source_id=self._name,
            )

    def _decode(self) -> Iterator[av.VideoFrame]:
        packets = packets_of(self._container, self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                raise SourceError(f"{self._name}: {_reason(error)}") from None
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue  # damaged on the way; the next key frame makes up for it
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    yield frame


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.ExitError | TimeoutError):
        return _LATE
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "this build of FFmpeg does not know its protocol"
    if getattr(error, "errno", None) == errno.EIO:
        return "the connection failed or broke off"
    return str(getattr(error, "strerror", None) or error)
