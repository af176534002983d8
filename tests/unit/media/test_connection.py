import errno
from collections.abc import Iterator

import pytest

from emolens.core.errors import SourceError
from emolens.imaging.pyav import av
from emolens.media.connection import (
    TIMED_OUT,
    NetworkAddress,
    SilentError,
    UnreadableError,
    connection_lost,
    reason_of,
)
from tests.odd_camera_server import OddCamera, odd_camera_server

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def camera() -> Iterator[OddCamera]:
    with odd_camera_server() as camera:
        yield camera


def place(address: str) -> NetworkAddress:
    return NetworkAddress(address, 0.5, 0.5)


def test_an_address_shows_no_password() -> None:
    address = place("http://me:geheim@camera/x?key=geheim")
    assert repr(address) == "NetworkAddress('http://camera/x?...')"
    assert "geheim" not in str([address])
    assert address.name == "http://camera/x?..."


@pytest.mark.parametrize(
    ("address", "is_web"), [("HTTP://h", True), ("https://h", True), ("rtsp://h", False)]
)
def test_what_is_read_over_http(address: str, is_web: bool) -> None:
    assert place(address).is_web == is_web


def test_bytes_and_formats_are_received(camera: OddCamera) -> None:
    with place(camera.of("/snapshot/same")).connect(file_format="data") as answer:
        assert bytes(next(answer.demux())).startswith(b"\xff\xd8\xff")
    with place(camera.of("/snapshot/same")).connect() as answer:
        assert answer.format.name == "jpeg_pipe"


def test_what_is_of_no_known_format(camera: OddCamera) -> None:
    with pytest.raises(UnreadableError, match=r"cannot open http://.*: Invalid data .*\. Check"):
        place(camera.of("/answer/html", "me:geheim@")).connect()


@pytest.mark.parametrize("sign", ["/", "#", "?", ":/"])
def test_a_password_that_would_name_another_host_is_asked_of_nobody(
    sign: str, camera: OddCamera
) -> None:
    address = camera.of("/snapshot/same", f"127.0.0.1:ge{sign}heim@")
    with pytest.raises(SourceError, match="cannot open .*/same. Special .* percent-enc") as raised:
        place(address).connect()
    assert camera.requests.total() == 0
    assert not any(word in str(raised.value) for word in ("ge" + sign, "heim"))


def test_reasons_and_their_kinds() -> None:
    late = av.error.ExitError(0, "x", "http://me:geheim@h")
    assert isinstance(connection_lost("h", late), SilentError)
    assert str(connection_lost("h", TimeoutError())) == f"h: {TIMED_OUT}"
    invalid = av.error.InvalidDataError(0, "Invalid data", "http://me:geheim@h")
    assert isinstance(connection_lost("h", invalid), UnreadableError)
    assert str(connection_lost("h", invalid)) == "h: Invalid data"
    assert reason_of(OSError(errno.EIO, "x")) == "the connection failed or was interrupted"
    assert reason_of(ValueError("odd")) == "odd"
    assert "protocol" in reason_of(av.error.ProtocolNotFoundError(0, "x"))
