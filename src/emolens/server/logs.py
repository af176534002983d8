"""Structured logs on standard error: one JSON object per line, without contents of requests."""

import datetime as dt
import json
import logging
import sys
from typing import Final

LOGGER: Final = logging.getLogger("emolens.server")
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
