import itertools
import socket
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from emolens.core.errors import ConfigError, SourceError
from emolens.core.frame import Frame
from emolens.media.network_source import OPEN_TIMEOUT_S, READ_TIMEOUT_S, NetworkSource
from tests.camera_server import PASSWORD, Address, camera_server
from tests.clips import read_number

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with camera_server(tmp_path_factory.mktemp("camera")) as address:
        yield address


def said(error: BaseException) -> str:
    """The message, and what a program prints that does not catch it."""
    return str(error) + "".join(traceback.format_exception(error))


def read_until_it_fails(source: NetworkSource) -> tuple[list[Frame], SourceError]:
    frames = []
    with pytest.raises(SourceError) as raised, source:
        for frame in source:
            frames.append(frame)  # noqa: PERF402 (what came before the error)
    return frames, raised.value


def test_pictures_come_in_order_and_at_once(camera: Address) -> None:
    with NetworkSource(camera.of("/jpeg")) as source:
        frames = list(itertools.islice(source, 20))
    numbers = [read_number(frame.image) for frame in frames]
    # The first ones are spent on finding out what kind of stream it is.
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert numbers[0] <= 2
    assert [frame.index for frame in frames] == list(range(20))
    assert frames[0].media_time_s == 0
    for before, after in itertools.pairwise(frames):
        step_s = after.captured_at_s - before.captured_at_s
        assert after.media_time_s - before.media_time_s == pytest.approx(step_s)
    assert frames[-1].media_time_s > 0.2
    assert {frame.source_id for frame in frames} == {f"http://{camera.host}/jpeg?..."}


def test_a_transport_stream(camera: Address) -> None:
    with NetworkSource(camera.of("/ts")) as source:
        frames, _ = read_until_it_fails(source)
    numbers = [read_number(frame.image) for frame in frames]
    assert numbers == list(range(numbers[0], 100))
    assert len(numbers) > 50


def test_a_camera_that_goes_away_is_lost(camera: Address) -> None:
    frames, error = read_until_it_fails(NetworkSource(camera.of("/jpeg")))
    assert len(frames) > 30
    assert str(error) == f"http://{camera.host}/jpeg?...: the connection failed or broke off"
    assert PASSWORD not in said(error)


def test_a_camera_that_falls_silent_is_lost(camera: Address) -> None:
    source = NetworkSource(camera.of("/silent-later"), read_timeout_s=0.4)
    frames, error = read_until_it_fails(source)
    assert len(frames) > 30
    assert time.monotonic() - frames[-1].captured_at_s < 2
    assert str(error) == f"http://{camera.host}/silent-later?...: it does not answer in time"
    assert PASSWORD not in said(error)


def test_usual_waits_are_short_enough_for_a_lost_camera_to_be_noticed_within_5_s() -> None:
    assert READ_TIMEOUT_S < 5
    assert OPEN_TIMEOUT_S <= 10


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none", "Server returned 404 Not Found"),
        ("/silent", "it does not answer in time"),
        ("/text", "(Invalid data found|the connection failed)"),
        ("/playlist", "(Invalid data found|the connection failed)"),
    ],
)
def test_what_gives_no_pictures_cannot_be_opened(
    path: str, reason: str, camera: Address, capfd: pytest.CaptureFixture[str]
) -> None:
    began_s = time.monotonic()
    with pytest.raises(SourceError, match=rf"cannot open http://.*: {reason}.*; check") as raised:
        NetworkSource(camera.of(path), open_timeout_s=0.5)
    assert time.monotonic() - began_s < 3
    assert PASSWORD not in said(raised.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("scheme", ["http", "HTTP", "rtsp", "rtmp", "tcp"])
def test_nobody_listens(scheme: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceError, match="Connection refused") as raised:
        NetworkSource(f"{scheme}://me:{PASSWORD}@127.0.0.1:{port}/x")
    assert PASSWORD not in said(raised.value)


@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp", "tcp"])
def test_somebody_listens_and_says_nothing(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        began_s = time.monotonic()
        with pytest.raises(SourceError, match="it does not answer in time") as raised:
            NetworkSource(f"{scheme}://me:{PASSWORD}@127.0.0.1:{port}/x", open_timeout_s=0.4)
        assert time.monotonic() - began_s < 3
    assert PASSWORD not in said(raised.value)


@pytest.mark.parametrize(
    "address", ["http://[::1", "http://", "rtsp://:99999999", "http://a b/", "udp://127.0.0.1"]
)
def test_addresses_that_make_no_sense(address: str) -> None:
    with pytest.raises(SourceError, match="cannot open"):
        NetworkSource(address, open_timeout_s=0.4)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "concat://a", "a.mp4", "ftp://h/x"])
def test_other_schemes_are_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="allowed are the schemes http, https"):
        NetworkSource(address)


def test_closing_twice_is_no_error(camera: Address) -> None:
    with NetworkSource(camera.of("/jpeg")) as source:
        next(iter(source))
    source.close()


def test_connections_are_closed(camera: Address) -> None:
    handles = Path("/proc/self/fd")
    if not handles.exists():
        pytest.skip("this system does not list open files")

    def n_clients() -> int:
        names = [path.readlink().name for path in handles.iterdir() if path.is_symlink()]
        return sum(name.startswith("socket:") for name in names)

    time.sleep(0.2)
    before = n_clients()
    for _ in range(5):
        with NetworkSource(camera.of("/jpeg")) as source:
            next(iter(source))
        with pytest.raises(SourceError):
            NetworkSource(camera.of("/text"))
    limit_s = time.monotonic() + 5
    # The other end of each connection belongs to this process too.
    while n_clients() > before and time.monotonic() < limit_s:
        time.sleep(0.05)
    assert n_clients() <= before
