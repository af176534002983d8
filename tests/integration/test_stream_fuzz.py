"""No sequence of messages on a stream stops the server: server_fuzz.py, shortened (G19)."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.raw_http import wait_for
from tests.server_process import running_server
from tests.stream_fuzzer import check_alive, check_settled, play, sequences

pytestmark = pytest.mark.slow


def test_no_sequence_of_messages_stops_the_server_or_leaks(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        for _ in range(5):
            check_alive(server)
        assert wait_for(lambda: server.metrics()["emolens_streams"] == 0)
        before = server.n_threads, server.n_descriptors

        @settings(
            max_examples=60,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(sequence=sequences())
        def run(sequence: Any) -> None:
            play(server, sequence)
            check_alive(server)

        run()
        counts = check_settled(server)
        assert counts["processed"] >= 60
        assert wait_for(lambda: (server.n_threads, server.n_descriptors) <= before, 40.0)
