"""The address and the key of a server."""

import ipaddress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from emolens.core.errors import ConfigError
from emolens.core.version import emolens_version

_SOCKET_SCHEMES: Final = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server, as clients reach it.

    Attributes:
        address: Address of the server, such as `https://faces.example`.
        key: Key of the client, or None. It is sent in the `Authorization` header only.
        timeout_s: Time to wait for the server in seconds.

    Raises:
        ConfigError: One of them cannot be used.
    """

    address: str
    key: str | None = field(default=None, repr=False)
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", _checked_address(self.address))
        if self.key is not None and not (self.key.isascii() and self.key.isprintable()):
            # The key itself is not shown.
            raise ConfigError("key has characters that no key has. Copy it again, without spaces.")
        if not self.timeout_s > 0:
            raise ConfigError(f"timeout_s is {self.timeout_s}; allowed: above 0")

    @property
    def headers(self) -> dict[str, str]:
        """Headers of all requests."""
        authorization = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        return {"User-Agent": f"emolens/{emolens_version()}", **authorization}

    @property
    def http_options(self) -> dict[str, Any]:
        """Options of httpx's clients."""
        return {
            "base_url": self.address,
            "headers": self.headers,
            "timeout": self.timeout_s,
            "trust_env": not self.is_local,
        }

    @property
    def stream_url(self) -> str:
        """Address of streams."""
        scheme, rest = self.address.split(":", 1)
        return f"{_SOCKET_SCHEMES[scheme]}:{rest}/v1/stream"

    @property
    def is_local(self) -> bool:
        """Whether it is on this computer, which no proxy can reach."""
        host = urlsplit(self.address).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def _checked_address(address: str) -> str:
    allowed = "allowed: http:// or https://, a host and optionally a port and a path"
    try:
        parts = urlsplit(address)
        is_complete = parts.scheme in _SOCKET_SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        raise ConfigError(
            f"address {address!r} is not the address of a server; {allowed}"
        ) from None
    if "@" in parts.netloc:
        # The password is not shown.
        raise ConfigError("address has a user name or a password. Use key for the server's key.")
    if not is_complete or parts.query or parts.fragment or not address.isprintable():
        raise ConfigError(f"address {address!r} is not the address of a server; {allowed}")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
