"""Requests by the server's description never fail it: server_fuzz.py, shortened (G19)."""

from pathlib import Path

import pytest

from tests.server_fuzzer import LIMITS, fuzz
from tests.server_process import running_server
from tests.stream_fuzzer import errors_in_log

pytestmark = pytest.mark.slow


def test_no_request_fails_the_server(tmp_path: Path) -> None:
    with running_server(tmp_path, limits=LIMITS) as server:
        outcome = fuzz(server, 300)
        assert outcome.n_cases > 250
        assert outcome.count(500) == 0
        assert outcome.failures == []
        assert errors_in_log(server) == []
        # The requests are not all refused for the same reason.
        assert {200, 415, 422} <= set(outcome.statuses["POST /v1/analyze"])
