"""What FFmpeg receives from an address: a connection, or an error that says why there is none."""

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
    # A stream may name other addresses to go on with, but no file of this machine.
    "protocol_whitelist": "rtsp,rtsps,rtmp,rtp,srtp,http,https,udp,tcp,tls,srt,crypto",
    # Over TCP no packet is lost on the way; with UDP images fall to pieces.
    "rtsp_transport": "tcp",
    "flags": "low_delay",
    # Nobody needs an estimate of the frame rate, which takes more than a second of opening.
    "fpsprobesize": "0",
}
LATE: Final = "it does not answer in time"
_LOGIN_ADVICE: Final = "give a name and a password as SCHEME://NAME:PASSWORD@HOST"


class UnreadableError(SourceError):
    """What an address answers is of no format that FFmpeg recognises."""


class SilentError(SourceError):
    """An address does not answer in time."""


@dataclass(frozen=True, slots=True)
class NetworkAddress:
    """An address, and how long to wait for it.

    Attributes:
        address: With its scheme; a password in it is never shown, so it has no `repr`.
        open_timeout_s: Seconds that opening may take.
        read_timeout_s: Seconds that it may be silent.
    """

    address: str
    open_timeout_s: float
    read_timeout_s: float

    def __repr__(self) -> str:
        return f"NetworkAddress({self.name!r})"

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return without_secrets(self.address)

    @property
    def is_web(self) -> bool:
        """Whether it is read over HTTP."""
        return scheme_of(self.address) in {"http", "https"}

    def connect(self, *, file_format: str | None = None, **options: str) -> InputContainer:
        """Ask for what is there.

        Args:
            file_format: FFmpeg's name of the format, or None to find it out.
            **options: FFmpeg's, on top of those for all connections.

        Raises:
            UnreadableError: It answers, but nothing that FFmpeg recognises.
            SourceError: It cannot be reached or refuses, or would be misread.
        """
        if must_be_encoded(self.address):
            raise SourceError(f"cannot open {self.name}: {ENCODING_ADVICE}")
        scheme = scheme_of(self.address) or ""
        began_s = time.monotonic()
        try:
            container: InputContainer = av.open(
                # FFmpeg knows schemes in lower case only.
                scheme + self.address[len(scheme) :],
                format=file_format,
                options=_OPTIONS | options,
                timeout=(self.open_timeout_s, self.read_timeout_s),
                **READ_METADATA,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            is_late = time.monotonic() - began_s >= self.open_timeout_s
            kind = UnreadableError if isinstance(error, av.error.InvalidDataError) else SourceError
            # Without the error of FFmpeg, which repeats the address with its password.
            raise kind(self._cannot_open(error, is_late=is_late)) from None
        return container

    def _cannot_open(self, error: Exception, *, is_late: bool) -> str:
        message = (
            f"cannot open {self.name}: {LATE if is_late else reason_of(error)}; check the "
            "address, the network and whether the camera is on"
        )
        is_refused = isinstance(error, av.error.HTTPUnauthorizedError)
        if may_need_encoding(self.address) or (is_refused and has_login(self.address)):
            return f"{message}; {ENCODING_ADVICE}"
        return f"{message}; {_LOGIN_ADVICE}" if is_refused else message


def broken_off(name: str, error: Exception) -> SourceError:
    """The error of a connection that ends early, which repeats no address."""
    if isinstance(error, av.error.InvalidDataError):
        return UnreadableError(f"{name}: {reason_of(error)}")
    kind = SilentError if isinstance(error, av.error.ExitError | TimeoutError) else SourceError
    return kind(f"{name}: {reason_of(error)}")


def reason_of(error: Exception) -> str:
    """Why a connection failed, in few words and without its address."""
    if isinstance(error, av.error.ExitError | TimeoutError):
        return LATE
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "this build of FFmpeg does not know its protocol"
    if getattr(error, "errno", None) == errno.EIO:
        return "the connection failed or broke off"
    return str(getattr(error, "strerror", None) or error)
