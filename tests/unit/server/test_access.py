"""Keys, tickets, hosts and origins."""

import pytest
from starlette.datastructures import Headers

from emolens.core.errors import AccessError, BusyError, OriginError
from emolens.server.access import TICKET_S, Access, is_open
from emolens.server.settings import ServerSettings
from tests.unit.server.conftest import KEY, keys_of

OWN = {"host": "127.0.0.1:8000"}
WITH_KEYS = ServerSettings(keys=keys_of(laptop=KEY), origins=("https://faces.example",))


class Clock:
    """A clock that is set."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000", "LOCALHOST:1"])
def test_names_of_this_computer_are_allowed(host: str) -> None:
    Access(ServerSettings()).check_origin(Headers({"host": host}))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "",
        "localhost@evil.example",
        "localhost/../x",
        "localhost.evil.example",
        "127.0.0.1#.evil.example",
        "ä",
    ],
)
def test_other_names_are_refused_without_keys(host: str) -> None:
    with pytest.raises(OriginError, match="is not a name of this server"):
        Access(ServerSettings()).check_origin(Headers({"host": host}))


def test_with_keys_a_proxy_may_pass_any_name() -> None:
    Access(WITH_KEYS).check_origin(Headers({"host": "faces.example"}))


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://127.0.0.1:8001",
        "http://localhost:8000",
        "https://faces.example.evil",
        "http://faces.example",
    ],
)
def test_pages_of_other_sites_are_refused(origin: str) -> None:
    with pytest.raises(OriginError, match="may not use this server"):
        Access(WITH_KEYS).check_origin(Headers({**OWN, "origin": origin}))


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8000", "https://faces.example", "HTTPS://FACES.example"]
)
def test_its_own_pages_and_named_sites_are_allowed(origin: str) -> None:
    Access(WITH_KEYS).check_origin(Headers({**OWN, "origin": origin}))


def test_only_foreign_pages_need_cors() -> None:
    access = Access(WITH_KEYS)
    assert access.foreign_origin(Headers({"origin": "https://faces.example"}))
    assert access.foreign_origin(Headers({"origin": "http://127.0.0.1:8000"})) is None
    assert access.foreign_origin(Headers({})) is None


def test_a_key_names_its_client() -> None:
    access = Access(WITH_KEYS)
    assert access.client_of(Headers({"authorization": f"Bearer {KEY}"})) == "laptop"
    assert access.client_of(Headers({"authorization": f"bearer  {KEY} "})) == "laptop"
    assert Access(ServerSettings()).client_of(Headers({})) is None


@pytest.mark.parametrize("value", [None, "", KEY, f"Basic {KEY}", "Bearer", "Bearer x", "Bearer ä"])
def test_a_missing_or_wrong_key_is_refused_and_not_repeated(value: str | None) -> None:
    headers = {} if value is None else {"authorization": value}
    with pytest.raises(AccessError) as error:
        Access(WITH_KEYS).client_of(Headers(headers))
    assert KEY not in str(error.value)


def test_a_ticket_is_used_once() -> None:
    access = Access(WITH_KEYS)
    ticket = access.issue_ticket("laptop")
    assert access.redeem_ticket(ticket) == "laptop"
    with pytest.raises(AccessError, match="unknown, used or expired"):
        access.redeem_ticket(ticket)
    with pytest.raises(AccessError):
        access.redeem_ticket("")


def test_a_ticket_expires() -> None:
    clock = Clock()
    access = Access(WITH_KEYS, clock=clock)
    ticket = access.issue_ticket("laptop")
    clock.now_s += TICKET_S + 0.1
    with pytest.raises(AccessError):
        access.redeem_ticket(ticket)


def test_tickets_that_are_not_used_are_bounded_and_forgotten() -> None:
    clock = Clock()
    access = Access(WITH_KEYS, clock=clock)
    for _ in range(1000):
        access.issue_ticket(None)
    with pytest.raises(BusyError, match="tickets"):
        access.issue_ticket(None)
    clock.now_s += TICKET_S + 0.1
    access.issue_ticket(None)


def test_health_and_the_page_need_no_key() -> None:
    assert all(map(is_open, ("/", "/livez", "/readyz", "/static/emolens.js")))
    assert not any(map(is_open, ("/v1/analyze", "/metrics", "/openapi.json", "/livez/", "/static")))
