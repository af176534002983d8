"""Errors of servers and connections, as the errors of emolens."""

import functools
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import ValidationError

from emolens.client.libraries import httpx
from emolens.contract import ErrorRecord
from emolens.contract.server import ErrorAnswer
from emolens.core.errors import (
    BusyError,
    EmolensError,
    MissingExtraError,
    RequestTimeoutError,
    ServerError,
)

_BUSY_STATUS: Final = 503


def error_of_answer(
    status: int, headers: Mapping[str, str], body: bytes, address: str
) -> EmolensError:
    """Return the error that an answer with an error status means.

    Args:
        status: HTTP status.
        headers: Headers, whose names may have any case.
        body: The body.
        address: Address of the server.
    """
    retry_after_s = _retry_after_s(headers.get("Retry-After"))
    try:
        answer = ErrorAnswer.model_validate_json(body)
    except ValidationError:
        return _error_of_status(status, headers, retry_after_s, address)
    error = error_of_record(answer.error, address, retry_after_s)
    error.add_note(f"ID of the request in the log of the server: {answer.request_id}")
    return error


def error_of_record(record: ErrorRecord, address: str, retry_after_s: float = 1.0) -> EmolensError:
    """Return the error of a record: the class of its code, with the message of the server."""
    if record.code == BusyError.code:
        return BusyError(record.message, retry_after_s)
    kind = _classes().get(record.code)
    if kind is None:
        return ServerError(
            f"the server at {address} failed ({record.code}): {record.message} If the code is "
            "unknown, install the version of emolens that the server has."
        )
    return kind(record.message)


def error_of_transport(error: httpx.RequestError, address: str) -> ServerError:
    """Return the error of a request without an answer."""
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return timeout_error(address)
    return connection_error(address, str(error) or type(error).__name__)


def connection_error(address: str, reason: str) -> ServerError:
    """Return the error of a connection that fails."""
    return ServerError(
        f"cannot reach the server at {address}: {reason.rstrip('.')}. Check the address, and start "
        "the server with `emolens serve`."
    )


def timeout_error(address: str) -> RequestTimeoutError:
    """Return the error of a server that is silent for too long."""
    return RequestTimeoutError(
        f"the server at {address} does not answer in time. Increase timeout_s, or send less."
    )


def protocol_error(address: str, reason: str) -> ServerError:
    """Return the error of an answer that is not one of `emolens serve`."""
    return ServerError(
        f"the answer of {address} is not one of emolens: {reason}. Check the address, and install "
        "the version of emolens that the server has."
    )


def _error_of_status(
    status: int, headers: Mapping[str, str], retry_after_s: float, address: str
) -> ServerError:
    """Return the error of an answer that a proxy or another server wrote."""
    if status == _BUSY_STATUS:
        return BusyError(f"the server at {address} is not ready. Try again later.", retry_after_s)
    if 300 <= status < 400:
        place = headers.get("Location", "another address")
        return protocol_error(
            address, f"it redirects to {place!r}, and redirects are not followed, to keep the key"
        )
    return protocol_error(address, f"it has the status {status} and no error record")


def _retry_after_s(text: str | None) -> float:
    """Seconds of a `Retry-After` header; 1 without one, or for a date."""
    return float(text) if text and text.isascii() and text.isdigit() else 1.0


@functools.cache
def _classes() -> Mapping[str, type[EmolensError]]:
    """Mapping of codes to the classes of `emolens.core.errors`."""
    # A package that is missing on the server cannot be installed here.
    return {kind.code: kind for kind in _tree(EmolensError) if kind is not MissingExtraError}


def _tree(kind: type[EmolensError]) -> Iterator[type[EmolensError]]:
    if kind.__module__ == EmolensError.__module__:
        yield kind
        for subclass in kind.__subclasses__():
            yield from _tree(subclass)
