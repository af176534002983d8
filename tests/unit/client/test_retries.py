import random
from pathlib import Path

import httpx
import pytest

from emolens.client.retries import Retries
from emolens.core.errors import BusyError, ConfigError, EmolensError, ServerError
from tests.unit.client.conftest import OpenClient
from tests.unit.client.fake_server import Handler, error_answer, image_answer, job_answer


def failing(n_times: int, failure: httpx.Response | type[httpx.RequestError]) -> Handler:
    """A server that fails at first."""
    failures = iter(range(n_times))

    def handler(request: httpx.Request) -> httpx.Response:
        if next(failures, None) is None:
            is_job = request.url.path == "/v1/jobs"
            return httpx.Response(200, json=job_answer("waiting") if is_job else image_answer())
        if isinstance(failure, httpx.Response):
            return failure
        raise failure("no", request=request)

    return handler


BUSY = error_answer(503, "busy", headers={"Retry-After": "2"})


@pytest.mark.parametrize("failure", [BUSY, httpx.ConnectError, httpx.ConnectTimeout])
def test_refused_requests_are_sent_again(
    open_client: OpenClient, failure: httpx.Response | type[httpx.RequestError]
) -> None:
    client = open_client(failing(3, failure))
    assert client.analyze(b"jpeg").path == "image"
    assert [request.content for request in client.requests] == [b"jpeg"] * 4
    assert len(client.waits_s) == 3


def test_after_all_retries_the_last_error_is_raised(open_client: OpenClient) -> None:
    client = open_client(failing(9, BUSY), retries=2)
    with pytest.raises(BusyError):
        client.analyze(b"jpeg")
    assert len(client.requests) == 3
    assert len(client.waits_s) == 2


def test_waits_are_at_least_what_the_server_asks_for(open_client: OpenClient) -> None:
    client = open_client(failing(3, BUSY))
    client.analyze(b"jpeg")
    assert all(2 <= wait_s <= 4 for wait_s in client.waits_s)


def test_a_broken_connection_repeats_only_what_changes_nothing(
    open_client: OpenClient, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"video")
    client = open_client(failing(1, httpx.ReadError))
    assert client.analyze(b"jpeg").path == "image"
    upload = open_client(failing(1, httpx.ReadError))
    with pytest.raises(ServerError, match="cannot reach"):
        upload.create_job(tmp_path / "clip.mp4")
    assert len(upload.requests) == 1


def test_a_refused_upload_is_sent_whole_again(open_client: OpenClient, tmp_path: Path) -> None:
    content = bytes(range(256)) * 3000
    (tmp_path / "clip.mp4").write_bytes(content)
    client = open_client(failing(2, BUSY))
    assert client.create_job(tmp_path / "clip.mp4", table="jsonl", cuts=False).id == "a1b2"
    assert [request.content for request in client.requests] == [content] * 3
    headers = client.requests[-1].headers
    assert headers["content-length"] == str(len(content))
    assert "transfer-encoding" not in headers
    assert dict(client.requests[-1].url.params) == {
        "name": "clip.mp4",
        "table": "jsonl",
        "cuts": "false",
    }


@pytest.mark.parametrize("code", ["access", "bad_input", "internal", "timeout"])
def test_other_errors_are_final(open_client: OpenClient, code: str) -> None:
    client = open_client(failing(1, error_answer(500, code)))
    with pytest.raises(EmolensError):
        client.analyze(b"jpeg")
    assert len(client.requests) == 1


def test_waits_grow_with_full_jitter_and_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ServerError("no")
    error.__cause__ = httpx.ConnectError("no")
    retries = Retries(10_000)
    asked: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", longest)
    waits_s = [retries.wait_s(n, error, is_repeatable=True) for n in (1, 2, 3, 9999)]
    assert waits_s == [0.5, 1.0, 2.0, 30.0]
    assert {low for low, _ in asked} == {0}
    late = BusyError("later", retry_after_s=3600)
    assert retries.wait_s(1, late, is_repeatable=True) == 30


def test_a_negative_number_of_retries_is_refused() -> None:
    with pytest.raises(ConfigError, match="retries is -1; allowed: 0 or more"):
        Retries(-1)
