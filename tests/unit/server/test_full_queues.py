"""Requests whose queue is full are answered by the connection."""

import json
from http.client import HTTPResponse
from io import BytesIO
from typing import Any, cast

import pytest

from emolens.server.full_queues import FullQueues
from emolens.server.headers import SECURITY_HEADERS
from emolens.server.metrics import Metrics
from emolens.server.workers import Lane, Workers


class Parsed:
    """What `HTTPResponse` reads from."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._answer)


def parsed(answer: bytes) -> HTTPResponse:
    response = HTTPResponse(cast("Any", Parsed(answer)))  # only read from
    response.begin()
    return response


@pytest.fixture
def workers() -> Workers:
    """Workers without a thread that takes anything."""
    made = Workers(1, n_places=1)
    made.stop()
    return made


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def full(workers: Workers, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> FullQueues:
    """Queues of which that of images is full."""
    monkeypatch.setitem(workers._n_taken, Lane.IMAGES, 1)
    return FullQueues(workers, metrics)


def test_a_full_queue_is_answered_with_the_headers_of_every_answer(full: FullQueues) -> None:
    answer = full.refusal("POST", "/v1/analyze", "me")
    assert answer is not None
    response = parsed(answer)
    assert response.status == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["X-Request-ID"] == "me"
    assert response.headers["Content-Type"] == "application/json"
    for name, value in SECURITY_HEADERS.items():
        assert response.headers[name] == value
    content = json.loads(response.read())
    assert (content["error"]["code"], content["request_id"]) == ("busy", "me")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/analyze"),
        ("POST", "/v1/explain"),
        ("POST", "/v1/jobs"),
        ("GET", "/livez"),
        ("POST", "/v1/analyze/"),
        ("POST", "//v1/analyze"),
    ],
)
def test_other_requests_are_passed_on(full: FullQueues, method: str, path: str) -> None:
    assert full.refusal(method, path, "me") is None


def test_a_queue_with_room_passes_requests_on(workers: Workers, metrics: Metrics) -> None:
    assert FullQueues(workers, metrics).refusal("POST", "/v1/analyze", "me") is None


def test_refusals_are_counted(full: FullQueues, metrics: Metrics) -> None:
    full.refusal("POST", "/v1/analyze", "me")
    text = metrics.text().decode()
    assert 'emolens_requests_total{method="POST",route="/v1/analyze",status="503"} 1.0' in text
    assert "emolens_refused_total 1.0" in text
