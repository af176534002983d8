"""What cannot be right is refused before the server starts."""

from dataclasses import fields, replace

import pytest

from emolens.core.errors import ConfigError
from emolens.server.settings import Limits, ServerSettings, is_local_host
from tests.unit.server.conftest import KEY, keys_of

EVERYWHERE = "0.0.0.0"  # noqa: S104 (refused)


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.168.1.5", "example.org", ""])
def test_an_address_that_others_reach_needs_a_key(host: str) -> None:
    with pytest.raises(ConfigError, match="can be reached by other computers"):
        ServerSettings(host=host)
    assert not ServerSettings(host=host, keys=keys_of(a=KEY)).is_local


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "127.8.8.8"])
def test_this_computer_needs_no_key(host: str) -> None:
    assert ServerSettings(host=host).is_local


def test_names_that_only_look_local_are_not() -> None:
    for name in ("localhost.example", "127.0.0.1.example", EVERYWHERE, "128.0.0.1"):
        assert not is_local_host(name)
    assert is_local_host("[::1]")


@pytest.mark.parametrize(
    "origin",
    [
        "faces.example",
        "ftp://faces.example",
        "https://",
        "https://faces.example/page",
        "*",
        "null",
        "https://user@faces.example",
        "https://faces.example?x=1",
        "https://:password@faces.example",
        "https://faces.example:99999",
        "https://[",
        "https://two words.example",
        "https://gesichter-ä.example",
    ],
)
def test_an_origin_is_a_scheme_and_a_host(origin: str) -> None:
    with pytest.raises(ConfigError, match="is not the address of a site"):
        ServerSettings(origins=(origin,))


def test_origins_are_compared_in_lower_case_without_a_slash() -> None:
    assert ServerSettings(origins=("HTTPS://Faces.example:8443/",)).origins == (
        "https://faces.example:8443",
    )


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://faces.example:443", "https://faces.example"),
        ("http://faces.example:80/", "http://faces.example"),
        ("http://faces.example:443", "http://faces.example:443"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_origins_have_the_form_that_browsers_send(given: str, sent: str) -> None:
    assert ServerSettings(origins=(given,)).origins == (sent,)


@pytest.mark.parametrize("name", [one.name for one in fields(Limits)])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is 0; allowed: above 0"):
        replace(Limits(), **{name: 0})


def test_clients_learn_the_limits_they_need() -> None:
    record = Limits(frame_bytes=1234).record()
    assert record.frame_bytes == 1234
    assert record.image_pixels == Limits().image_pixels


@pytest.mark.parametrize(("name", "value"), [("port", -1), ("port", 65536), ("n_workers", 0)])
def test_numbers_out_of_range_are_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{name} is {value}"):
        ServerSettings(**{name: value})  # type: ignore[arg-type]
