"""Messages of streams, and how connections of streams are opened and fail."""

import contextlib
import json
import logging
import math
import struct
from collections.abc import Iterator
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from emolens.client.endpoint import Endpoint
from emolens.client.failures import (
    connection_error,
    error_of_answer,
    error_of_record,
    protocol_error,
    timeout_error,
)
from emolens.client.libraries import Response, websocket_errors
from emolens.contract.server import (
    LimitsRecord,
    StreamError,
    StreamReady,
    StreamResult,
)
from emolens.core.errors import (
    BusyError,
    EmolensError,
    InputError,
    RequestTooLargeError,
    ServerError,
)

ServerMessage: TypeAlias = StreamReady | StreamResult | StreamError

_MESSAGES: Final[TypeAdapter[ServerMessage]] = TypeAdapter(
    Annotated[ServerMessage, Field(discriminator="type")]
)
# The server restarts, or has too many streams.
_LATER: Final = (1012, 1013)


def start_message(min_confidence: float) -> str:
    """Return the first message of a client."""
    return json.dumps({"type": "start", "min_confidence": min_confidence})


def frame_message(image: bytes, captured_s: float, limits: LimitsRecord) -> bytes:
    """Return the message of a frame.

    Raises:
        InputError: The time is not finite.
        RequestTooLargeError: The server would close the stream because of its size.
    """
    if not math.isfinite(captured_s):
        raise InputError(f"captured_s is {captured_s}; allowed: a finite number of seconds")
    message = struct.pack(">d", captured_s) + image
    if len(message) > limits.frame_bytes:
        raise RequestTooLargeError(
            f"the frame has {len(image):,} bytes; allowed: {limits.frame_bytes - 8:,}. Send a "
            "smaller image, or a lower JPEG quality."
        )
    return message


def read_ready(text: str | bytes, address: str) -> StreamReady:
    """Return the answer to the first message.

    Raises:
        EmolensError: The server refuses the stream.
    """
    message = _read(text, address)
    if isinstance(message, StreamReady):
        return message
    if isinstance(message, StreamError):
        raise error_of_record(message.error, address)
    raise protocol_error(address, "it has a result before the first frame")


def read_answer(
    text: str | bytes, captured_s: float, address: str
) -> StreamResult | EmolensError | None:
    """Return the result or the error of a frame, or None for a message about another frame.

    Raises:
        EmolensError: The server ends the stream.
    """
    message = _read(text, address)
    if isinstance(message, StreamError) and message.captured_s is None:
        raise error_of_record(message.error, address)
    if isinstance(message, StreamReady) or message.captured_s != captured_s:
        return None
    if isinstance(message, StreamError):
        return error_of_record(message.error, address)
    return message


def _read(text: str | bytes, address: str) -> ServerMessage:
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError as error:
        raise protocol_error(address, "a message of the stream is no record") from error


class RefusedError(Exception):
    """A handshake that the server refuses, in a form that websockets does not know.

    Attributes:
        answer: The answer of the server.
    """

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


@contextlib.contextmanager
def refusing_redirects() -> Iterator[None]:
    """Hide refused handshakes from websockets, which would follow redirects with the key."""
    try:
        yield
    except websocket_errors.InvalidStatus as error:
        raise RefusedError(error.response) from None


@contextlib.contextmanager
def explaining(endpoint: Endpoint) -> Iterator[None]:
    """Raise the errors of a connection as those of emolens."""
    address = endpoint.address
    try:
        yield
    except EmolensError:
        raise  # some of them are an OSError
    except RefusedError as refusal:
        answer = refusal.answer
        body = bytes(answer.body or b"")
        raise error_of_answer(answer.status_code, answer.headers, body, address) from None
    except websocket_errors.ConnectionClosed as error:
        raise _closed_error(error, address) from error
    except TimeoutError as error:
        raise timeout_error(address) from error
    except (OSError, websocket_errors.WebSocketException) as error:
        raise connection_error(address, str(error) or type(error).__name__) from error


def _closed_error(error: websocket_errors.ConnectionClosed, address: str) -> ServerError:
    if error.rcvd is None:
        return ServerError(f"the connection to {address} broke off. Open a new stream.")
    text = f"the server at {address} closed the stream ({error.rcvd}). Open a new one"
    return BusyError(f"{text} later.") if error.rcvd.code in _LATER else ServerError(f"{text}.")


def connection_options(endpoint: Endpoint) -> dict[str, Any]:
    """Return the options of websockets' `connect`, which are the same for both clients."""
    headers = endpoint.headers
    options: dict[str, Any] = {"user_agent_header": headers.pop("User-Agent")}
    return options | {
        "additional_headers": headers,
        "open_timeout": endpoint.timeout_s,
        # Images are compressed already.
        "compression": None,
        "proxy": None if endpoint.is_local else True,
        "logger": _LOGGER,
    }


def _has_no_key(record: logging.LogRecord) -> bool:
    return "authorization" not in record.getMessage().lower()


# At level DEBUG, websockets logs all headers, and therefore the key.
_LOGGER: Final = logging.getLogger("emolens.client.stream")
_LOGGER.addFilter(_has_no_key)
