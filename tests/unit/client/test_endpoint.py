import logging
import traceback

import httpx
import pytest

from emolens.client import AsyncClient, Client
from emolens.client.endpoint import Endpoint
from emolens.core.errors import ConfigError, EmolensError
from tests.unit.client.conftest import OpenClient
from tests.unit.client.fake_server import ADDRESS, KEY, error_answer, image_answer


@pytest.mark.parametrize(
    ("address", "stream_url"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/v1/stream"),
        ("https://faces.example/", "wss://faces.example/v1/stream"),
        ("http://[::1]:80/emolens/", "ws://[::1]:80/emolens/v1/stream"),
    ],
)
def test_streams_are_below_the_address(address: str, stream_url: str) -> None:
    assert Endpoint(address).stream_url == stream_url


@pytest.mark.parametrize(
    "address",
    ["", "localhost:8000", "ftp://host", "http://", "http://host:99999", "http://host/?a=b"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="is not the address of a server; allowed: http"):
        Endpoint(address)


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="address has a user name or a password") as caught:
        Endpoint("http://me:geheim@host")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_a_timeout_that_is_none_is_refused(timeout_s: float) -> None:
    with pytest.raises(ConfigError, match="timeout_s is .*; allowed: above 0"):
        Endpoint(ADDRESS, timeout_s=timeout_s)


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="key has characters that no key has") as caught:
        Endpoint(ADDRESS, key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "uses_proxies"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
        ("https://faces.example", True),
        ("https://localhost.example", True),
    ],
)
def test_proxies_of_the_environment_are_not_used_for_this_computer(
    monkeypatch: pytest.MonkeyPatch, address: str, uses_proxies: bool
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Client(address) as client:
        transport = client._http._transport_for_url(httpx.URL(address))
        assert (transport is not client._http._transport) == uses_proxies


def test_the_key_is_in_the_header_only(open_client: OpenClient) -> None:
    client = open_client(lambda _: httpx.Response(200, json=image_answer()), key=KEY)
    client.analyze(b"jpeg")
    [request] = client.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(request.url)
    assert KEY.encode() not in request.content
    without = open_client(lambda _: httpx.Response(200, json=image_answer()))
    without.analyze(b"jpeg")
    assert "authorization" not in without.requests[0].headers


def test_the_key_is_in_no_representation() -> None:
    assert repr(Client(ADDRESS, key=KEY)) == "Client('https://faces.example')"
    assert repr(AsyncClient(ADDRESS, key=KEY)) == "AsyncClient('https://faces.example')"
    assert KEY not in repr(Endpoint(ADDRESS, KEY))


def test_the_key_is_in_no_error_and_in_no_log(
    open_client: OpenClient, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    caplog.set_level(logging.DEBUG)
    for handler in (refuse, lambda _: error_answer(401, "access", "the key is wrong")):
        client = open_client(handler, key=KEY, retries=1)
        with pytest.raises(EmolensError) as caught:
            client.analyze(b"jpeg")
        assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in caplog.text
