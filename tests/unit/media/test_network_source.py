import itertools
import socket
import threading
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
from tests.odd_camera_server import (
    DIALECTS,
    ENCODED_PASSWORD,
    SNAPSHOTS,
    USER,
    OddCamera,
    odd_camera_server,
)

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with camera_server(tmp_path_factory.mktemp("camera")) as address:
        yield address


@pytest.fixture
def odd_camera() -> Iterator[OddCamera]:
    with odd_camera_server() as address:
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


def test_images_come_in_order_and_at_once(camera: Address) -> None:
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
    assert str(error) == f"http://{camera.host}/jpeg?...: the connection failed or was interrupted"
    assert PASSWORD not in said(error)


def test_a_camera_that_falls_silent_is_lost(camera: Address) -> None:
    source = NetworkSource(camera.of("/silent-later"), read_timeout_s=0.4)
    frames, error = read_until_it_fails(source)
    assert len(frames) > 30
    assert time.monotonic() - frames[-1].captured_at_s < 2
    assert str(error) == f"http://{camera.host}/silent-later?...: the connection timed out"
    assert PASSWORD not in said(error)


def test_usual_waits_are_short_enough_for_a_lost_camera_to_be_noticed_within_5_s() -> None:
    assert READ_TIMEOUT_S < 5
    assert OPEN_TIMEOUT_S <= 10


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none", "Server returned 404 Not Found"),
        ("/silent", "the connection timed out"),
        ("/text", "(Invalid data found|the connection failed)"),
        ("/playlist", "(Invalid data found|the connection failed)"),
    ],
)
def test_what_gives_no_images_cannot_be_opened(
    path: str, reason: str, camera: Address, capfd: pytest.CaptureFixture[str]
) -> None:
    began_s = time.monotonic()
    with pytest.raises(SourceError, match=rf"cannot open http://.*: {reason}.*\. Check") as raised:
        NetworkSource(camera.of(path), open_timeout_s=0.5)
    assert time.monotonic() - began_s < 3
    assert PASSWORD not in said(raised.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("scheme", ["http", "HTTP", "rtsp", "rtmp", "tcp"])
def test_no_server_listens(scheme: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceError, match="Connection refused") as raised:
        NetworkSource(f"{scheme}://me:{PASSWORD}@127.0.0.1:{port}/x")
    assert PASSWORD not in said(raised.value)


@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp", "tcp"])
def test_a_server_listens_and_never_replies(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        began_s = time.monotonic()
        with pytest.raises(SourceError, match="the connection timed out") as raised:
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
    with pytest.raises(ConfigError, match="allowed schemes: http, https"):
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


def first_numbers(address: str, n_frames: int) -> list[int]:
    """Which of its numbered images a camera gave first."""
    with NetworkSource(address, open_timeout_s=2, read_timeout_s=1) as source:
        return [read_number(frame.image) for frame in itertools.islice(source, n_frames)]


@pytest.mark.parametrize("path", ["/jpeg", "/ts"])
def test_a_good_stream_takes_one_connection(path: str, camera: Address) -> None:
    before = camera.requests[path]
    with NetworkSource(camera.of(path)) as source:
        assert len(list(itertools.islice(source, 5))) == 5
    assert camera.requests[path] == before + 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_of_mjpeg(dialect: str, odd_camera: OddCamera) -> None:
    numbers = first_numbers(odd_camera.of(f"/dialect/{dialect}"), 20)
    assert [(number - numbers[0]) % 256 for number in numbers] == list(range(20))
    assert odd_camera.requests.total() <= 2


@pytest.mark.parametrize("kind", [*SNAPSHOTS, "open.jpg", "preview.jpg", "length.jpg"])
def test_an_address_of_one_image_is_asked_again_and_again(kind: str, odd_camera: OddCamera) -> None:
    numbers = first_numbers(odd_camera.of(f"/snapshot/{kind}"), 3)
    # One request finds out what it is.
    assert numbers == [2, 3, 4]


def test_an_image_whose_end_nobody_tells(odd_camera: OddCamera) -> None:
    began_s = time.monotonic()
    # FFmpeg waits for its end, for as long as opening may take.
    with NetworkSource(odd_camera.of("/snapshot/open"), open_timeout_s=0.5) as source:
        frames = list(itertools.islice(source, 3))
    assert [read_number(frame.image) for frame in frames] == [2, 3, 4]
    assert time.monotonic() - began_s < 4


def test_frames_of_snapshots(odd_camera: OddCamera) -> None:
    with NetworkSource(odd_camera.of("/snapshot/length")) as source:
        frames = list(itertools.islice(source, 3))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].media_time_s == 0
    for before, after in itertools.pairwise(frames):
        step_s = after.captured_at_s - before.captured_at_s
        assert after.media_time_s - before.media_time_s == pytest.approx(step_s)
        assert step_s > 0.1
    assert not frames[0].image.flags.writeable


def test_nothing_is_asked_of_a_camera_that_was_closed(odd_camera: OddCamera) -> None:
    with NetworkSource(odd_camera.of("/snapshot/length")) as source:
        frames = iter(source)
        next(frames)
    n_requests = odd_camera.requests.total()
    assert next(frames, None) is None
    assert odd_camera.requests.total() == n_requests


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_camera_with_a_password_of_odd_signs(scheme: str, odd_camera: OddCamera) -> None:
    login = f"{USER}:{ENCODED_PASSWORD}@"
    assert len(first_numbers(odd_camera.of(f"/{scheme}/length", login), 2)) == 2


@pytest.mark.parametrize(
    ("login", "advice"),
    [
        (f"{USER}:ge@heim@", "Special characters in a user name or password must be percent-enc"),
        (f"{USER}:geheim@", "Special characters in a user name or password must be percent-enc"),
        ("", "Give a user name and password as SCHEME://NAME:PASSWORD@HOST"),
    ],
)
def test_a_login_that_is_refused_says_what_to_do(
    login: str, advice: str, odd_camera: OddCamera
) -> None:
    with pytest.raises(SourceError, match=rf"401 Unauthorized.*\. {advice}") as raised:
        NetworkSource(odd_camera.of("/basic/length", login))
    assert "heim" not in said(raised.value)


def test_a_camera_may_have_moved_but_not_to_a_file(odd_camera: OddCamera, tmp_path: Path) -> None:
    to = odd_camera.of("/snapshot/length").replace("/", "%2F")
    assert len(first_numbers(odd_camera.of(f"/moved/{to}"), 2)) == 2
    image = tmp_path / "a.jpg"
    image.write_bytes(b"\xff\xd8\xff")
    to = f"file://{image}".replace("/", "%2F")
    with pytest.raises(SourceError, match="cannot open"):
        NetworkSource(odd_camera.of(f"/moved/{to}"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        *(("html", "Invalid data"), ("empty", "Invalid data"), ("500", "Server returned 5XX")),
        *(("404", "Server returned 404"), ("silent", "the connection timed out")),
        *(("html-as-jpeg.jpg", "unknown image format"), ("endless", "cannot open http")),
    ],
)
def test_what_answers_no_images(answer: str, reason: str, odd_camera: OddCamera) -> None:
    began_s = time.monotonic()
    with pytest.raises(SourceError, match=reason):
        NetworkSource(odd_camera.of(f"/answer/{answer}"), open_timeout_s=0.5, read_timeout_s=0.5)
    assert time.monotonic() - began_s < 4
    assert odd_camera.requests.total() <= 2


def test_snapshots_leave_no_connection_and_no_thread(odd_camera: OddCamera) -> None:
    n_threads = threading.active_count()
    first_numbers(odd_camera.of("/snapshot/length"), 5)
    limit_s = time.monotonic() + 5
    # Those of the server go when their connection is closed.
    while threading.active_count() > n_threads and time.monotonic() < limit_s:
        time.sleep(0.02)
    assert threading.active_count() <= n_threads
