"""The application: health, tickets, the page, and its start and stop."""

import threading
import time

import pytest
from starlette.testclient import TestClient

from emolens.server import app as module
from emolens.server.access import TICKET_S
from emolens.server.app import build_app
from emolens.server.services import build_services
from emolens.server.settings import ServerSettings
from tests.unit.server.conftest import KEY, LOCAL, Start, keys_of, services_of


def test_health_and_page(start: Start) -> None:
    client = start()
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    page = client.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Nothing is stored" in page.text


def test_it_becomes_ready_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    may_go, services = threading.Event(), build_services(ServerSettings())
    monkeypatch.setattr(module, "warm_up", lambda _models: may_go.wait(20))
    with TestClient(build_app(services), base_url=LOCAL) as client:
        assert client.get("/readyz").status_code == 503
        may_go.set()
        while client.get("/readyz").status_code != 200:
            pass
    assert not services.is_ready


def test_a_failed_warm_up_leaves_it_alive_and_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def fail(_models: object) -> None:
        failed.set()
        raise RuntimeError("no memory")

    monkeypatch.setattr(module, "warm_up", fail)
    with TestClient(build_app(build_services(ServerSettings())), base_url=LOCAL) as client:
        assert failed.wait(20)
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503


def test_a_warm_up_that_ends_during_the_stop_does_not_make_it_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_go, services = threading.Event(), build_services(ServerSettings())
    monkeypatch.setattr(module, "warm_up", lambda _models: may_go.wait(20))
    with TestClient(build_app(services), base_url=LOCAL) as client:
        services.is_stopping = True  # as the signal does
        may_go.set()
        while not services.is_warm:
            pass
        assert client.get("/readyz").status_code == 503


def test_a_stop_does_not_wait_without_limit_for_the_warm_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_go, begun = threading.Event(), threading.Event()

    def warm_up(_models: object) -> None:
        begun.set()
        may_go.wait(20)

    monkeypatch.setattr(module, "warm_up", warm_up)
    monkeypatch.setattr("emolens.server.workers._STOP_S", 0.1)
    with TestClient(build_app(build_services(ServerSettings())), base_url=LOCAL):
        assert begun.wait(20)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 5
    may_go.set()


@pytest.mark.parametrize("path", ["/livez/", "/v1/models/", "/static", "/v1/jobs/"])
def test_no_answer_redirects_to_the_host_that_the_client_names(start: Start, path: str) -> None:
    client = start(keys=keys_of(laptop=KEY))
    headers = {"Authorization": f"Bearer {KEY}", "Host": "evil.example"}
    answer = client.get(path, headers=headers, follow_redirects=False)
    assert (answer.status_code, "location" in answer.headers) == (404, False)


def test_a_stop_ends_the_workers(start: Start) -> None:
    before = threading.active_count()
    services = build_services(ServerSettings(n_workers=3))
    with TestClient(build_app(services), base_url=LOCAL):
        assert threading.active_count() >= before + 3
    assert not any(thread.is_alive() for thread in services.workers._threads)


def test_tickets_need_the_key(start: Start) -> None:
    client = start(keys=keys_of(laptop=KEY))
    assert client.post("/v1/tickets").status_code == 401
    answer = client.post("/v1/tickets", headers={"Authorization": f"Bearer {KEY}"}).json()
    assert answer["expires_s"] == TICKET_S
    assert services_of(client).access.redeem_ticket(answer["ticket"]) == "laptop"


def test_unknown_paths_and_methods_have_codes(start: Start) -> None:
    client = start()
    assert client.get("/nowhere").json()["error"]["code"] == "not_found"
    answer = client.delete("/v1/models")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/redoc",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/",
    ],
)
def test_nothing_else_is_served(start: Start, path: str) -> None:
    assert start().get(path).status_code == 404


def test_requests_are_not_traced(start: Start) -> None:
    application = start().app._app  # type: ignore[attr-defined]
    config = application._telemetry
    assert not any(
        config[name] for name in ("tracing", "metrics", "logs", "operation_spans", "auto_configure")
    )


def test_health_checks_may_ask_for_the_head_only(start: Start) -> None:
    client = start()
    for path in ("/livez", "/readyz"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
