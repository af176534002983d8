"""A whole application without a socket, and what its handlers share."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from emolens.pipeline.models import Models
from emolens.server.app import build_app
from emolens.server.keys import Keys
from emolens.server.services import Services, build_services
from emolens.server.settings import Limits, ServerSettings

KEY = "a key that is long enough for the server"
LOCAL = "http://127.0.0.1:8000"
Start = Callable[..., TestClient]


def keys_of(**by_name: str) -> Keys:
    """Keys by the name of their client."""
    return Keys({name: hashlib.sha256(key.encode()).hexdigest() for name, key in by_name.items()})


@pytest.fixture(scope="session")
def models() -> Models:
    """The models of all applications."""
    return Models(n_threads=1)


@pytest.fixture
def start(models: Models, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start an application: `start(keys=..., origins=..., limits={...})` gives a client of it."""
    monkeypatch.setattr("emolens.server.app.warm_up", lambda _models: None)
    with contextlib.ExitStack() as stack:

        def begin(*, limits: dict[str, float] | None = None, **settings: object) -> TestClient:
            whole = ServerSettings(
                limits=replace(Limits(), **(limits or {})),  # type: ignore[arg-type]
                **settings,  # type: ignore[arg-type]
            )
            services = build_services(whole, models=models)
            client = TestClient(build_app(services), base_url=LOCAL, raise_server_exceptions=False)
            stack.enter_context(client)
            while not services.is_warm:
                time.sleep(0.001)
            client.services = services  # type: ignore[attr-defined]
            return client

        yield begin


def services_of(client: TestClient) -> Services:
    """What the handlers of the application behind a client share."""
    services: Services = client.services  # type: ignore[attr-defined]
    return services
