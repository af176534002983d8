"""The kinds of source arguments, and addresses without their secrets."""

import re
from collections.abc import Iterable
from typing import Final

from emolens.core.errors import ConfigError

# Other FFmpeg schemes read local files or run filters ("concat:", "subfile:", "lavfi:").
NETWORK_SCHEMES: Final = frozenset({"rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt"})
ENCODING_ADVICE: Final = (
    "Special characters in a user name or password must be percent-encoded: "
    "@ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25."
)
_LOGIN_WITHOUT_SCHEME: Final = re.compile(r"[^/\\@:]{2,}:[^@]*@")
_HOST_AND_PORT: Final = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::[0-9]*)?")
# Queries, fragments, and path segments of some recorders: `/user=me_password=...`.
_MAY_HOLD_SECRETS: Final = re.compile(r"[?#]|[^/?#]*=")


def camera_number(source: str | int) -> int | None:
    """Return the number of a camera (`0`, `"0"`, `"/dev/video0"`), or None for anything else."""
    if isinstance(source, int):
        return source
    match = re.fullmatch(r"(?:/dev/video)?([0-9]{1,3})", source)
    return int(match.group(1)) if match else None


def scheme_of(source: str) -> str | None:
    """Return the scheme of an address in lower case, or None if the source is a path."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source)
    return match.group(1).lower() if match else None


def without_secrets(address: str) -> str:
    """Return an address without user name, password and parameters, for display."""
    scheme = scheme_of(address)
    if scheme is None:
        return address
    # A password may contain any character, including the delimiters of a host name.
    location = address[len(scheme) + 3 :].rpartition("@")[2]
    secret = _MAY_HOLD_SECRETS.search(location)
    if secret is None:
        return f"{scheme}://{location}"
    ellipsis = "?..." if secret.group() in "?#" else "..."
    return f"{scheme}://{location[: secret.start()]}{ellipsis}"


def has_login(address: str) -> bool:
    """Return whether an address has a user name or password before its host."""
    return "@" in _authority_of(address)


def is_login_without_scheme(source: str) -> bool:
    """Return whether a source resembles an address but has no scheme: `me:password@camera/door`.

    `pathlib.Path` also produces such a text, because it collapses the two slashes of an address.
    """
    return scheme_of(source) is None and bool(_LOGIN_WITHOUT_SCHEME.match(source))


def refuse_addresses(images: Iterable[str]) -> None:
    """Check that no image name is an address.

    Raises:
        ConfigError: A name is an address. The message contains no password.
    """
    for name in images:
        if scheme_of(name) in NETWORK_SCHEMES:
            shown = without_secrets(name)
            raise ConfigError(
                f"{shown} is an address, not an image file. Download the image first. "
                f"Read a camera with: emolens live --source {shown}"
            )


def may_need_encoding(address: str) -> bool:
    """Return whether a user name or password appears to contain unencoded delimiters."""
    authority = _authority_of(address)
    login = authority.rpartition("@")[0]
    return (
        "@" in login
        or bool(re.search(r"%(?![0-9A-Fa-f]{2})", login))
        or "@" in address.partition("://")[2][len(authority) :]
    )


def must_be_encoded(address: str) -> bool:
    """Return whether an unencoded password makes the address point to another host.

    `rtsp://me:pass/word@camera` points to the host `me` and the port `pass`.
    """
    authority = _authority_of(address)
    is_host = "@" in authority or _HOST_AND_PORT.fullmatch(authority)
    return may_need_encoding(address) and not is_host


def _authority_of(address: str) -> str:
    return re.split("[/?#]", address.partition("://")[2], maxsplit=1)[0]
