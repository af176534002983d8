"""What the clients are as Python objects; their requests are in the other modules."""

import inspect

import httpx
import pytest

from emolens.client import AsyncClient, Client
from tests.unit.client.fake_server import ADDRESS, image_answer

METHODS = sorted(name for name in vars(Client) if not name.startswith("_") and name != "close")


@pytest.mark.parametrize("name", METHODS)
def test_both_clients_have_the_same_methods_with_the_same_arguments(name: str) -> None:
    ours = inspect.signature(getattr(Client, name)).parameters
    theirs = inspect.signature(getattr(AsyncClient, name)).parameters
    assert ours == theirs


def test_a_client_is_closed_with_its_block() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=image_answer()))
    with Client(ADDRESS, transport=transport) as client:
        client.analyze(b"jpeg")
    with pytest.raises(RuntimeError, match="closed"):
        client.analyze(b"jpeg")
