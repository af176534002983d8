"""HTTP answers for errors: one status per code, and no text of unexpected errors."""

import logging
import math
from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse

from emolens.contract import ErrorRecord
from emolens.contract.server import ErrorAnswer
from emolens.core.errors import (
    AccessError,
    BusyError,
    ConfigError,
    EmolensError,
    ImageTooLargeError,
    InputError,
    InputNotFoundError,
    OriginError,
    ProcessingError,
    RequestTimeoutError,
    RequestTooLargeError,
    SourceError,
    UnsupportedFormatError,
)
from emolens.server.logs import log

BUSY_STATUS: Final = 503
# The first class that an error belongs to counts.
_STATUS: Final[Mapping[type[EmolensError], int]] = {
    OriginError: 403,
    AccessError: 401,
    BusyError: BUSY_STATUS,
    RequestTimeoutError: 408,
    RequestTooLargeError: 413,
    ImageTooLargeError: 413,
    UnsupportedFormatError: 415,
    InputNotFoundError: 404,
    InputError: 422,
    ConfigError: 422,
    ProcessingError: 422,
    SourceError: 422,
}
INTERNAL_STATUS: Final = 500
_INTERNAL: Final = ErrorRecord(
    code="internal", message="The server failed. Its log has the cause, with the request ID."
)
# The text of a `ProcessingError` comes from a library and may contain paths and versions.
_UNPROCESSED: Final = ErrorRecord(
    code=ProcessingError.code,
    message="The image cannot be processed. The log of the server has the cause, with the request "
    "ID. Convert the image to another format.",
)
# Codes of statuses that have no error class, such as an unknown path.
_CODES: Final[Mapping[int, str]] = {
    400: "bad_input",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "request_too_large",
    415: "unsupported_format",
    422: "bad_input",
    431: "request_too_large",
    503: "busy",
}


def status_of(error: EmolensError) -> int:
    """Return the HTTP status of an error."""
    kinds = (status for kind, status in _STATUS.items() if isinstance(error, kind))
    return next(kinds, INTERNAL_STATUS)


def record_of(error: EmolensError) -> ErrorRecord:
    """Return the record of an error for clients; an unexpected one is not described."""
    if status_of(error) == INTERNAL_STATUS:
        return _INTERNAL
    if isinstance(error, ProcessingError):
        return _UNPROCESSED
    return ErrorRecord(code=error.code, message=str(error))


def log_unexpected(error: EmolensError, request_id: str) -> None:
    """Log the cause of an error that `record_of` does not describe."""
    if status_of(error) == INTERNAL_STATUS or isinstance(error, ProcessingError):
        log("failed", level=logging.ERROR, exc_info=error, request_id=request_id)


def error_answer(error: EmolensError, request_id: str) -> JSONResponse:
    """Return the answer for an error."""
    headers = {}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    elif type(error) is AccessError:
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(status_of(error), record_of(error), request_id, headers)


def status_answer(
    status: int, message: str, request_id: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer for a status that has no error class."""
    code = _CODES.get(status, "bad_input")
    return _answer(status, ErrorRecord(code=code, message=message), request_id, headers)


def internal_answer(request_id: str) -> JSONResponse:
    """Return the answer for an unexpected error."""
    return _answer(INTERNAL_STATUS, _INTERNAL, request_id)


def _answer(
    status: int, error: ErrorRecord, request_id: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    answer = ErrorAnswer(error=error, request_id=request_id)
    return JSONResponse(answer.to_dict(), status, headers)
