"""What a source argument means, and how it may be shown."""

import re
from collections.abc import Iterable
from typing import Final

from emolens.core.errors import ConfigError

# Other schemes of FFmpeg read local files or run filters ("concat:", "subfile:", "lavfi:").
NETWORK_SCHEMES: Final = frozenset({"rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt"})
ENCODING_ADVICE: Final = (
    "signs such as @ : / # ? % in a name or password must be percent-encoded "
    "(@ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25)"
)
_LOGIN_WITHOUT_SCHEME: Final = re.compile(r"[^/\\@:]{2,}:[^@]*@")
_HOST_AND_PORT: Final = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::[0-9]*)?")
# Behind `?` and `#`, and in the parts of a path that some recorders take: `/user=me_password=...`.
_MAY_HOLD_SECRETS: Final = re.compile(r"[?#]|[^/?#]*=")


def camera_number(source: str | int) -> int | None:
    """The number of a camera (`0`, `"0"`, `"/dev/video0"`), or None for anything else."""
    if isinstance(source, int):
        return source
    found = re.fullmatch(r"(?:/dev/video)?([0-9]{1,3})", source)
    return int(found.group(1)) if found else None


def scheme_of(source: str) -> str | None:
    """The scheme of an address in lower case, or None where the source is a path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source)
    return found.group(1).lower() if found else None


def without_secrets(address: str) -> str:
    """An address that may be shown: without name and password, and without parameters."""
    scheme = scheme_of(address)
    if scheme is None:
        return address
    # A password may hold any sign, also those that end the name of a host.
    place = address[len(scheme) + 3 :].rpartition("@")[2]
    secret = _MAY_HOLD_SECRETS.search(place)
    if secret is None:
        return f"{scheme}://{place}"
    mark = "?..." if secret.group() in "?#" else "..."
    return f"{scheme}://{place[: secret.start()]}{mark}"


def has_login(address: str) -> bool:
    """Whether an address has a name or password in front of its host."""
    return "@" in _authority_of(address)


def is_login_without_scheme(source: str) -> bool:
    """Whether a source that is no address looks like one: `me:password@camera/door`.

    `pathlib.Path` makes such a text of an address too, since it takes one of two slashes away.
    """
    return scheme_of(source) is None and bool(_LOGIN_WITHOUT_SCHEME.match(source))


def refuse_addresses(images: Iterable[str]) -> None:
    """Raise `ConfigError` for addresses among the names of images, and repeat no password."""
    for name in images:
        if scheme_of(name) in NETWORK_SCHEMES:
            raise ConfigError(
                f"{without_secrets(name)} is no image file; emolens live --source ADDRESS "
                "follows a camera, also one that answers single images"
            )


def may_need_encoding(address: str) -> bool:
    """Whether an address reads as if a name or password held signs that mean something else."""
    authority = _authority_of(address)
    login = authority.rpartition("@")[0]
    return (
        "@" in login
        or bool(re.search(r"%(?![0-9A-Fa-f]{2})", login))
        or "@" in address.partition("://")[2][len(authority) :]
    )


def must_be_encoded(address: str) -> bool:
    """Whether a password ends the host too early, so that another host would be asked.

    `rtsp://me:pass/word@camera` names the host `me` and the port `pass`.
    """
    authority = _authority_of(address)
    is_host = "@" in authority or _HOST_AND_PORT.fullmatch(authority)
    return may_need_encoding(address) and not is_host


def _authority_of(address: str) -> str:
    return re.split("[/?#]", address.partition("://")[2], maxsplit=1)[0]
