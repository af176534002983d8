"""The socket of the server; the rest is tested with a process: test_server_stop.py."""

import socket

import pytest

from emolens.core.errors import ConfigError
from emolens.server.run import serve
from emolens.server.settings import ServerSettings
from tests.unit.server.conftest import KEY, keys_of


def test_a_port_in_use_is_named_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            serve(ServerSettings(port=port))
    message = str(refused.value)
    assert message.startswith(f"cannot listen on 127.0.0.1, port {port}: ")
    assert message.count("127.0.0.1") == 1
    assert "--port" in message


def test_a_host_that_cannot_be_one_is_named() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on a\.\.b, port"):
        serve(ServerSettings(host="a..b", keys=keys_of(a=KEY)))
