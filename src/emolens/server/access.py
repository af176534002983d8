"""Who may use the server: keys, tickets, and the origins of web pages."""

import secrets
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from emolens.core.errors import AccessError, BusyError, OriginError
from emolens.server.settings import ServerSettings, is_local_host

TICKET_S: Final = 30.0
"""Seconds in which a ticket opens a stream."""
# Tickets that are not used take memory until they expire.
_MAX_TICKETS: Final = 1000
# Answers without content for load balancers, and the page, which asks for the key itself.
_OPEN_PATHS: Final = ("/", "/livez", "/readyz")
_OPEN_FOLDER: Final = "/static/"
_SCHEME: Final = "bearer "


class Access:
    """Checks of requests before their body is read.

    Args:
        settings: Keys, origins and host of the server.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self, settings: ServerSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tickets: dict[str, tuple[float, str | None]] = {}
        own = {urlsplit(origin).hostname for origin in settings.origins}
        self._hosts = {settings.host.lower(), *filter(None, own)}

    @property
    def needs_key(self) -> bool:
        """Whether clients need a key."""
        return bool(self._settings.keys)

    def check_origin(self, headers: Headers) -> None:
        """Check the host name of a request and the web page that it comes from.

        A page of another site must not use a server on its visitor's computer, neither directly nor
        through a name of that site that points to this computer (DNS rebinding).

        Raises:
            OriginError: The host or the origin is not allowed.
        """
        host = headers.get("host", "")
        name = _host_name(host)
        if not self.needs_key and not is_local_host(name) and name not in self._hosts:
            raise OriginError(
                f"the host {host!r} is not a name of this server. Use {self._settings.host}."
            )
        origin = headers.get("origin")
        if origin is not None and not self._is_allowed(origin, host):
            raise OriginError(
                f"web pages of {origin!r} may not use this server. Start it with --origin "
                "to allow them."
            )

    def foreign_origin(self, headers: Headers) -> str | None:
        """Return the allowed origin of a page from another address, which needs CORS headers."""
        origin = headers.get("origin")
        return origin if origin and origin.lower() in self._settings.origins else None

    def client_of(self, headers: Headers) -> str | None:
        """Return the name of the client by the key in the header; None if no keys are needed.

        Raises:
            AccessError: The key is missing or wrong.
        """
        if not self.needs_key:
            return None
        value = headers.get("authorization", "")
        if not value.lower().startswith(_SCHEME):
            raise AccessError("a key is required. Send the header `Authorization: Bearer KEY`.")
        name = self._settings.keys.owner(value[len(_SCHEME) :].strip())
        if name is None:
            raise AccessError("the key is not known to this server. Check it.")
        return name

    def issue_ticket(self, client: str | None) -> str:
        """Create a ticket that opens one stream within `TICKET_S` seconds.

        Raises:
            BusyError: Too many tickets are waiting.
        """
        now_s = self._clock()
        self._tickets = {key: value for key, value in self._tickets.items() if value[0] > now_s}
        if len(self._tickets) >= _MAX_TICKETS:
            raise BusyError("too many tickets are not used yet. Try again later.", TICKET_S)
        ticket = secrets.token_urlsafe(32)
        self._tickets[ticket] = (now_s + TICKET_S, client)
        return ticket

    def redeem_ticket(self, ticket: str) -> str | None:
        """Use a ticket up and return the name of its client.

        Raises:
            AccessError: The ticket does not exist, was used or has expired.
        """
        expires_s, client = self._tickets.pop(ticket, (0.0, None))
        if expires_s <= self._clock():
            raise AccessError(
                "the ticket is unknown, used or expired. Get a new one with POST /v1/tickets."
            )
        return client

    def _is_allowed(self, origin: str, host: str) -> bool:
        is_own = bool(host) and origin.lower().partition("://")[2] == host.lower()
        return is_own or origin.lower() in self._settings.origins


def is_open(path: str) -> bool:
    """Return whether a path needs no key."""
    return path in _OPEN_PATHS or path.startswith(_OPEN_FOLDER)


def _host_name(host: str) -> str:
    """Return the name in a `Host` header without its port; empty if the header is damaged."""
    if not host.isascii() or any(character in host for character in "/?#@\\"):
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # brackets without an IPv6 address
        return ""
