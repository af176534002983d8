"""Every answer has its headers; what is not allowed is answered before the application."""

import logging

import pytest
from starlette.testclient import TestClient

from emolens.core.errors import ModelError
from emolens.server.headers import SECURITY_HEADERS
from tests.unit.server.conftest import KEY, LOCAL, Start, keys_of, services_of


@pytest.fixture
def open_server(start: Start) -> TestClient:
    return start()


@pytest.fixture
def locked_server(start: Start) -> TestClient:
    return start(keys=keys_of(laptop=KEY), origins=("https://faces.example",))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/livez", 200),
        ("/", 200),
        ("/missing", 404),
        ("/v1/analyze", 405),
        ("/static/missing.js", 404),
        ("/v1/jobs/unknown", 404),
    ],
)
def test_every_answer_has_the_security_headers(
    open_server: TestClient, path: str, status: int
) -> None:
    answer = open_server.get(path)
    assert answer.status_code == status
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["X-Request-ID"]
    if status >= 400:
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_request_id_is_echoed_if_it_is_plain(open_server: TestClient) -> None:
    assert _id(open_server, "abc-DEF_1") == "abc-DEF_1"
    for odd in ("", "a b", "x" * 65, "a;b"):
        assert _id(open_server, odd) not in ("", odd)


def _id(client: TestClient, given: str) -> str:
    return str(client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"])


def test_pages_of_other_sites_get_403(open_server: TestClient) -> None:
    answer = open_server.post("/v1/analyze", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "origin"
    assert "access-control-allow-origin" not in answer.headers


def test_names_of_other_hosts_get_403(open_server: TestClient) -> None:
    answer = open_server.get("/livez", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin")


def test_allowed_sites_get_cors_headers(locked_server: TestClient) -> None:
    origin = {"Origin": "https://faces.example"}
    answer = locked_server.get("/livez", headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://faces.example"
    assert "Origin" in answer.headers["Vary"]
    asked = {**origin, "Access-Control-Request-Method": "POST"}
    answer = locked_server.options("/v1/analyze", headers=asked)
    assert answer.status_code == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/openapi.json", "/missing"])
def test_everything_but_health_needs_the_key(locked_server: TestClient, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}):
        answer = locked_server.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "access"
    assert locked_server.get(f"{path}?key={KEY}").status_code == 401
    with_key = locked_server.get(path, headers={"Authorization": f"Bearer {KEY}"})
    assert with_key.status_code in (200, 404)
    assert locked_server.get("/livez").status_code == 200


def test_requests_wait_until_the_server_is_ready(open_server: TestClient) -> None:
    services_of(open_server).is_warm = False
    answer = open_server.get("/v1/models")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert open_server.get("/readyz").status_code == 503
    assert open_server.get("/livez").status_code == 200


def test_an_unexpected_error_is_logged_and_not_told(
    open_server: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret of /home/somewhere")

    monkeypatch.setattr("emolens.pipeline.models.Models.image_analyzer", fail)
    with caplog.at_level(logging.ERROR, logger="emolens.server"):
        answer = open_server.post("/v1/analyze", headers={"X-Request-ID": "me"}, content=b"x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "secret" in caplog.text


def test_an_error_of_the_model_is_not_told_either(
    open_server: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ModelError("/home/somewhere/model.onnx is damaged")

    monkeypatch.setattr("emolens.pipeline.models.Models.image_analyzer", fail)
    answer = open_server.post("/v1/analyze", content=b"x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "somewhere" not in answer.text


def test_requests_are_counted_by_route_and_not_by_address(open_server: TestClient) -> None:
    for path in ("/v1/jobs/first", "/v1/jobs/second", "/nowhere", "/else"):
        open_server.get(path)
    text = open_server.get("/metrics").text
    assert 'emolens_requests_total{method="GET",route="/v1/jobs/{job_id}",status="404"} 2.0' in text
    assert 'emolens_requests_total{method="GET",route="other",status="404"} 2.0' in text
    assert "nowhere" not in text


def test_the_log_has_no_address_name_or_key(
    locked_server: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="emolens.server"):
        locked_server.get("/v1/models?name=someone.jpg", headers={"Authorization": f"Bearer {KEY}"})
    (line,) = (record.fields for record in caplog.records if record.message == "request")  # type: ignore[attr-defined]
    assert line["client"] == "laptop"
    assert (line["route"], line["status"], line["method"]) == ("/v1/models", 200, "GET")
    assert not any(word in str(line) for word in ("someone", KEY, "testclient", LOCAL))
