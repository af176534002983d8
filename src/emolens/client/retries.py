"""Waiting times between attempts."""

import random
from dataclasses import dataclass
from typing import Final

from emolens.client.libraries import httpx
from emolens.core.errors import BusyError, ConfigError, EmolensError

_FIRST_S: Final = 0.25
_LONGEST_S: Final = 30.0
# The request did not reach the server, or it may have been answered in part.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout)
_BROKEN_OFF: Final = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and when a request is sent again.

    A request is sent again if the server refused it (503) or could not be reached. One that the
    server may have carried out is sent again only if that changes nothing.

    Attributes:
        n_most: Attempts after the first one.

    Raises:
        ConfigError: It is negative.
    """

    n_most: int

    def __post_init__(self) -> None:
        if self.n_most < 0:
            raise ConfigError(f"retries is {self.n_most}; allowed: 0 or more")

    def wait_s(self, n_failed: int, error: EmolensError, *, is_repeatable: bool) -> float | None:
        """Return the seconds before the next attempt, or None if there is none.

        The wait is at least `Retry-After`, plus a random part that spreads the clients of a server
        which restarts, of at most 30 s.

        Args:
            n_failed: Failed attempts so far.
            error: The error of the last one; its cause is the one of httpx.
            is_repeatable: Whether a second execution changes nothing.

        Source:
            Full jitter: M. Brooker, "Exponential Backoff And Jitter", 2015.
        """
        repeated = (BusyError, *_NOT_SENT, *(_BROKEN_OFF if is_repeatable else ()))
        if n_failed > self.n_most or not isinstance(error.__cause__ or error, repeated):
            return None
        asked_s = error.retry_after_s if isinstance(error, BusyError) else 0.0
        # Many retries would overflow a power.
        longest_s = min(_LONGEST_S, _FIRST_S * 2 ** min(n_failed, 16))
        return min(_LONGEST_S, asked_s + random.uniform(0, longest_s))  # noqa: S311 (no secret)
