"""Both clients, in front of a server that answers from memory."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.client.fake_server import ADDRESS, Both, Handler

OpenClient = Callable[..., Both]


@pytest.fixture(params=[False, True], ids=["Client", "AsyncClient"])
def open_client(request: pytest.FixtureRequest) -> OpenClient:
    """Open one of the clients in front of a handler of requests."""

    def opened(handler: Handler, **options: Any) -> Both:
        return Both(request.param, handler, {"address": ADDRESS, **options})

    return opened
