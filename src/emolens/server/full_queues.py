"""Refusal of requests whose queue is full, at the lowest cost.

In an overload, most requests are refused. Each costs processor time that the others need, so they
are answered by the connection, before a task, a route or a body exists.
"""

import json
import math
from collections.abc import Mapping
from typing import Final

from emolens.contract.server import ErrorAnswer
from emolens.core.errors import BusyError
from emolens.server.errors import BUSY_STATUS, record_of
from emolens.server.headers import REQUEST_ID, SECURITY_HEADERS
from emolens.server.logs import log_request
from emolens.server.metrics import Metrics
from emolens.server.workers import Lane, Workers

LANES: Final[Mapping[str, Lane]] = {"/v1/analyze": Lane.IMAGES, "/v1/explain": Lane.MAPS}
"""The queue of each path."""
_METHOD: Final = "POST"
_HEAD: Final = "".join(
    [
        f"HTTP/1.1 {BUSY_STATUS} Service Unavailable\r\n",
        *(f"{name.lower()}: {value}\r\n" for name, value in SECURITY_HEADERS.items()),
        "content-type: application/json\r\n",
    ]
)


_REQUEST_ID: Final = "REQUEST-ID"
_BUSY: Final = BusyError("the server is busy with other requests. Try again later.")
_CONTENT: Final = json.dumps(
    ErrorAnswer(error=record_of(_BUSY), request_id=_REQUEST_ID).to_dict(), separators=(",", ":")
)


class FullQueues:
    """The queues of the workers, seen by connections.

    Args:
        workers: The workers.
        metrics: Counters of refusals.
    """

    def __init__(self, workers: Workers, metrics: Metrics) -> None:
        self._workers = workers
        self._metrics = metrics

    def refusal(self, method: str, path: str, request_id: str) -> bytes | None:
        """Return the whole answer to a request whose queue is full, or None if there is room.

        Args:
            method: Method of the request.
            path: Its path.
            request_id: Its ID.
        """
        lane = LANES.get(path) if method == _METHOD else None
        if lane is None or not self._workers.is_full(lane):
            return None
        self._metrics.count_request(method, path, BUSY_STATUS)
        log_request(request_id, method, path, BUSY_STATUS)
        retry_s = max(1, math.ceil(self._workers.retry_after_s(lane)))
        content = _CONTENT.replace(_REQUEST_ID, request_id)
        own = (
            f"retry-after: {retry_s}\r\n"
            f"{REQUEST_ID.lower()}: {request_id}\r\n"
            f"content-length: {len(content)}\r\n\r\n"
        )
        return (_HEAD + own + content).encode("ascii")
