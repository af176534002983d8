"""Structured logs on standard error: one JSON object per line, without contents of requests."""

import datetime as dt
import json
import logging
import sys
from typing import Final

LOGGER: Final = logging.getLogger("emolens.server")
WEBSOCKET: Final = "WEBSOCKET"
"""The method of a WebSocket."""
_METHODS: Final = ("GET", "HEAD", "POST", "DELETE", "OPTIONS", WEBSOCKET)
_FIELDS: Final = "fields"


class JsonFormatter(logging.Formatter):
    """A formatter that writes one line of JSON per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Format time, level, message, the fields of `log` and any traceback."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        entry: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=True, default=str)


def log(
    message: str,
    *,
    level: int = logging.INFO,
    exc_info: bool | BaseException = False,
    **fields: object,
) -> None:
    """Write a line with named fields, and the traceback of the current or of a given exception."""
    LOGGER.log(level, message, exc_info=exc_info, extra={_FIELDS: fields})


def log_request(
    request_id: str,
    method: str,
    route: str,
    status: int | None,
    *,
    client: str | None = None,
    seconds: float = 0.0,
) -> None:
    """Write the line of a request.

    Args:
        request_id: Its ID.
        method: Its method.
        route: The declared path that it matches, without its values.
        status: Status of the answer, or None without one.
        client: Name of its key, or None.
        seconds: Time from its head to the end of its answer.
    """
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    log(
        "request",
        request_id=request_id,
        client=client,
        method=known_method(method),
        route=route,
        status=status,
        ms=round(1e3 * seconds, 1),
    )


def known_method(method: str) -> str:
    """Return a method, or `other`: clients may invent any number of them."""
    return method if method in _METHODS else "other"


def configure_logs(*, requests: bool) -> None:
    """Send the logs of the server and of uvicorn to standard error.

    Args:
        requests: Whether each request is logged; otherwise warnings and errors only.
    """
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(JsonFormatter())
    for logger, level in (
        (LOGGER, logging.INFO if requests else logging.WARNING),
        (logging.getLogger("uvicorn"), logging.WARNING),
        # A client that breaks the protocol is no fault of the server.
        (logging.getLogger("uvicorn.error"), logging.ERROR),
        (logging.getLogger("python_multipart"), logging.ERROR),
    ):
        logger.setLevel(level)
    for logger in (LOGGER, logging.getLogger("uvicorn")):
        logger.handlers = [output]
        logger.propagate = False
