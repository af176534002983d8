"""FFmpeg connections to network addresses, with errors that contain no passwords."""

import errno
import time
from dataclasses import dataclass
from typing import Final

from emolens.core.errors import SourceError
from emolens.imaging.pyav import READ_METADATA, InputContainer, av
from emolens.media.addresses import (
    ENCODING_ADVICE,
    has_login,
    may_need_encoding,
    must_be_encoded,
    scheme_of,
    without_secrets,
)

_OPTIONS: Final = {
    # A stream may redirect to other addresses, but never to a local file.
    "protocol_whitelist": "rtsp,rtsps,rtmp,rtp,srtp,http,https,udp,tcp,tls,srt,crypto",
    # TCP loses no packets. Over UDP, lost packets corrupt images.
    "rtsp_transport": "tcp",
    "flags": "low_delay",
    # The frame rate estimate is unused and delays opening by more than a second.
    "fpsprobesize": "0",
}
TIMED_OUT: Final = "the connection timed out"
_LOGIN_ADVICE: Final = "Give a user name and password as SCHEME://NAME:PASSWORD@HOST."


class UnreadableError(SourceError):
    """A response in a format that FFmpeg does not recognise."""


class SilentError(SourceError):
    """A connection that timed out."""


@dataclass(frozen=True, slots=True)
class NetworkAddress:
    """An address with its timeouts.

    Attributes:
        address: The address with its scheme. Its `repr` contains no password.
        open_timeout_s: Maximum time to open the connection, in seconds.
        read_timeout_s: Maximum time without data, in seconds.
    """

    address: str
    open_timeout_s: float
    read_timeout_s: float

    def __repr__(self) -> str:
        return f"NetworkAddress({self.name!r})"

    @property
    def name(self) -> str:
        """The address without secrets, for messages."""
        return without_secrets(self.address)

    @property
    def is_web(self) -> bool:
        """Whether the address uses HTTP or HTTPS."""
        return scheme_of(self.address) in {"http", "https"}

    def connect(self, *, file_format: str | None = None, **options: str) -> InputContainer:
        """Open a connection.

        Args:
            file_format: FFmpeg's name of the format, or None to detect it.
            **options: Additional FFmpeg options.

        Raises:
            UnreadableError: FFmpeg does not recognise the response.
            SourceError: The address is unreachable or refuses the connection, or its password must
                be percent-encoded.
        """
        if must_be_encoded(self.address):
            raise SourceError(f"cannot open {self.name}. {ENCODING_ADVICE}")
        scheme = scheme_of(self.address) or ""
        began_s = time.monotonic()
        try:
            container: InputContainer = av.open(
                # FFmpeg accepts schemes in lower case only.
                scheme + self.address[len(scheme) :],
                format=file_format,
                options=_OPTIONS | options,
                timeout=(self.open_timeout_s, self.read_timeout_s),
                **READ_METADATA,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            is_timeout = time.monotonic() - began_s >= self.open_timeout_s
            kind = UnreadableError if isinstance(error, av.error.InvalidDataError) else SourceError
            # FFmpeg's error contains the address with its password.
            raise kind(self._cannot_open(error, is_timeout=is_timeout)) from None
        return container

    def _cannot_open(self, error: Exception, *, is_timeout: bool) -> str:
        message = (
            f"cannot open {self.name}: {TIMED_OUT if is_timeout else reason_of(error)}. "
            "Check the address, the network and the camera."
        )
        is_refused = isinstance(error, av.error.HTTPUnauthorizedError)
        if may_need_encoding(self.address) or (is_refused and has_login(self.address)):
            return f"{message} {ENCODING_ADVICE}"
        return f"{message} {_LOGIN_ADVICE}" if is_refused else message


def connection_lost(name: str, error: Exception) -> SourceError:
    """Make an error for a lost connection, without its address."""
    if isinstance(error, av.error.InvalidDataError):
        return UnreadableError(f"{name}: {reason_of(error)}")
    kind = SilentError if isinstance(error, av.error.ExitError | TimeoutError) else SourceError
    return kind(f"{name}: {reason_of(error)}")


def reason_of(error: Exception) -> str:
    """Describe briefly why a connection failed, without its address."""
    if isinstance(error, av.error.ExitError | TimeoutError):
        return TIMED_OUT
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "this build of FFmpeg does not support the protocol"
    if getattr(error, "errno", None) == errno.EIO:
        return "the connection failed or was interrupted"
    return str(getattr(error, "strerror", None) or error)
