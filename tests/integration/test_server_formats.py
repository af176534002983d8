"""Names, playlists and disguised files reach no other file and no network (G20)."""

import socket
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.raw_http import Answer, wait_for
from tests.raw_stream import opened_stream
from tests.server_attacks import JPEG, NO_IMAGES, PLAYLISTS
from tests.server_process import ServerProcess, running_server

pytestmark = pytest.mark.slow

NAMES = [
    "../a.jpg",
    "../../../../etc/passwd",
    "/etc/passwd",
    "a/b.jpg",
    "a\\b.jpg",
    "..",
    ".",
    "C:a.jpg",
    "a\x00.jpg",
    "a\nb.jpg",
    "a\x1b[2J.jpg",
    "\u202egpj.exe",
    "con",
    "nul.jpg",
    "a" * 256,
    "file:///etc/passwd",
    "http://127.0.0.1:9/a.jpg",
    "<script>.jpg",
    'a".jpg',
]
POLYGLOT = JPEG + b"\r\n<script>1</script>\r\nPK\x05\x06" + bytes(18)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def listener() -> Iterator[list[bytes]]:
    """What arrives at port 9, where the playlists point; empty if nobody may listen there."""
    arrived: list[bytes] = []
    listening = socket.socket()
    listening.settimeout(0.1)
    try:
        listening.bind(("127.0.0.1", 9))
    except OSError:
        listening.close()
        yield arrived
        return
    listening.listen()
    is_over = threading.Event()

    def listen() -> None:
        while not is_over.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            with connection:
                arrived.append(b"connected")

    thread = threading.Thread(target=listen)
    thread.start()
    yield arrived
    is_over.set()
    thread.join()
    listening.close()


def quoted(name: str) -> str:
    return quote(name.encode("utf-8", "surrogatepass"))


def form(name: bytes, content: bytes = JPEG) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="images"; filename="%s"\r\n\r\n' % name
    return head + content + b"\r\n--b--\r\n"


def send_form(server: ServerProcess, body: bytes) -> Answer:
    kind = "multipart/form-data; boundary=b"
    return server.ask("POST", "/v1/analyze", body=body, Content_Type=kind)


class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("path", ["/v1/analyze", "/v1/explain", "/v1/jobs"])
    def test_names_with_folders_or_control_characters_are_refused(
        self, server: ServerProcess, path: str, name: str
    ) -> None:
        answer = server.ask("POST", f"{path}?name={quoted(name)}", body=JPEG)
        assert answer.status == 422, answer
        assert answer.error_code == "bad_input"

    @pytest.mark.parametrize("name", [one for one in NAMES if not set(one) & set('\n"')])
    def test_such_names_in_forms_are_refused(self, server: ServerProcess, name: str) -> None:
        answer = send_form(server, form(name.encode()))
        assert answer.status == 422, answer
        assert answer.error_code == "bad_input"

    def test_a_form_with_several_file_names_shows_none_that_is_not_allowed(
        self, server: ServerProcess
    ) -> None:
        names = b"a.jpg\"; filename*=UTF-8''..%2Fetc%2Fpasswd; x=\""
        answer = send_form(server, form(names))
        assert answer.status in (200, 422)
        assert b"passwd" not in answer.body or answer.status == 422

    def test_names_that_are_no_text_are_shown_as_text(self, server: ServerProcess) -> None:
        for name in ("%ED%A0%80", "%ff%fe"):
            answer = server.ask("POST", f"/v1/analyze?name={name}", body=JPEG)
            assert set(answer.json()["path"]) == {"\ufffd"}

    def test_a_plain_name_is_kept(self, server: ServerProcess) -> None:
        answer = server.ask("POST", "/v1/analyze?name=%C3%A4%20b.jpg", body=JPEG)
        assert answer.json()["path"] == "\xe4 b.jpg"


class TestPlaylists:
    @pytest.mark.parametrize("name", PLAYLISTS)
    def test_playlists_are_no_images_and_no_videos(
        self, server: ServerProcess, name: str, listener: list[bytes]
    ) -> None:
        body = PLAYLISTS[name]
        for path in ("/v1/analyze", "/v1/explain", "/v1/jobs"):
            answer = server.ask("POST", path, body=body)
            if answer.status == 202:
                assert has_failed(server, answer)
                continue
            assert (answer.status, answer.error_code) in (
                (415, "unsupported_format"),
                (422, "damaged_image"),
            )
            assert b"root:" not in answer.body
        with opened_stream(server.port) as stream:
            stream.send_frame(0.0, body)
            assert stream.receive_json()["error"]["code"] == "unsupported_format"
        assert listener == []

    @pytest.mark.parametrize("declared", ["application/vnd.apple.mpegurl", "application/dash+xml"])
    def test_playlists_that_are_declared_are_refused(
        self, server: ServerProcess, declared: str
    ) -> None:
        for path in ("/v1/analyze", "/v1/explain", "/v1/jobs"):
            answer = server.ask("POST", path, body=PLAYLISTS["HLS"], Content_Type=declared)
            assert (answer.status, answer.error_code) == (415, "unsupported_format")


def has_failed(server: ServerProcess, accepted: Answer) -> bool:
    address = accepted.headers["location"]
    return wait_for(lambda: server.ask("GET", address).json()["state"] == "failed", 60.0)


class TestFormats:
    @pytest.mark.parametrize("name", NO_IMAGES)
    @pytest.mark.parametrize("path", ["/v1/analyze", "/v1/explain", "/v1/jobs"])
    def test_files_that_are_no_image_are_refused(
        self, server: ServerProcess, path: str, name: str
    ) -> None:
        answer = server.ask("POST", path, body=NO_IMAGES[name])
        assert (answer.status, answer.error_code) == (415, "unsupported_format"), answer

    @pytest.mark.parametrize("name", NO_IMAGES)
    def test_files_that_are_declared_as_images_are_refused(
        self, server: ServerProcess, name: str
    ) -> None:
        for path in ("/v1/analyze", "/v1/explain"):
            answer = server.ask("POST", path, body=NO_IMAGES[name], Content_Type="image/jpeg")
            assert (answer.status, answer.error_code) == (415, "unsupported_format")

    @pytest.mark.parametrize("declared", ["image/png", "image/svg+xml", "text/html", "video/mp4"])
    def test_an_image_with_another_type_is_refused(
        self, server: ServerProcess, declared: str
    ) -> None:
        answer = server.ask("POST", "/v1/analyze", body=JPEG, Content_Type=declared)
        assert (answer.status, answer.error_code) == (415, "unsupported_format")

    def test_an_image_is_no_video(self, server: ServerProcess) -> None:
        answer = server.ask("POST", "/v1/jobs", body=JPEG, Content_Type="video/mp4")
        assert (answer.status, answer.error_code) == (415, "unsupported_format")

    def test_what_follows_an_image_is_never_answered(self, server: ServerProcess) -> None:
        answer = server.ask("POST", "/v1/analyze", body=POLYGLOT)
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        assert b"script" not in answer.body

    @pytest.mark.parametrize("parameter", ["url", "path", "file", "image", "source"])
    def test_addresses_instead_of_images_are_never_opened(
        self, server: ServerProcess, parameter: str
    ) -> None:
        answer = server.ask("POST", f"/v1/analyze?{parameter}=file:///etc/passwd")
        assert answer.status == 422
        assert b"root:" not in answer.body


class TestFiles:
    @pytest.mark.parametrize(
        "path",
        [
            "/static/../app.py",
            "/static/..%2fapp.py",
            "/static/%2e%2e/app.py",
            "/static/%2e%2e%2fapp.py",
            "/static/..%5capp.py",
            "/static/%252e%252e/app.py",
            "/static//etc/passwd",
            "/static/%2fetc/passwd",
            "/static/....//app.py",
            "/static/index.html/../../app.py",
            "/static/a%00.html",
            "/static/" + "a" * 5000,
            "/static/" + "../" * 500 + "etc/passwd",
            "/static/.",
            "/static/",
            "/static",
            "/../app.py",
            "//static/app.py",
            "/v1/jobs/..%2f..%2fetc/table",
            "/v1/jobs/../table",
        ],
    )
    def test_no_other_file_is_served(self, server: ServerProcess, path: str) -> None:
        answer = server.ask("GET", path)
        assert answer.status in (307, 400, 404, 405, 422), answer
        assert b"import" not in answer.body
        assert b"root:" not in answer.body
